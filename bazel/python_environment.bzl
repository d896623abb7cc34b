"""A virtual environment with the packages of a lock file, as Bazel's Python."""

_BUILD = """
load("@bazel_tools//tools/python:toolchain.bzl", "py_runtime_pair")

package(default_visibility = ["//visibility:public"])

py_runtime(
    name = "runtime",
    interpreter_path = "{interpreter}",
    python_version = "PY3",
    # Some systems have no command of the name `python`.
    stub_shebang = "#!/usr/bin/env python3",
)

py_runtime_pair(
    name = "runtime_pair",
    py3_runtime = ":runtime",
)

sh_binary(
    name = "tensorboard",
    srcs = ["venv/bin/tensorboard"],
)
"""

# Written once here: tests may not write compiled files, and without them start seconds later.
_FIRST_IMPORT = """
import keras, tensorflow, tensorflow_datasets, tensorflow_probability
tensorflow_probability.distributions.Normal
"""

def _run(repository_ctx, arguments, what, environment = {}):
    result = repository_ctx.execute(arguments, environment = environment, timeout = 3600)
    if result.return_code:
        fail("%s failed:\n%s%s" % (what, result.stdout, result.stderr))
    return result.stdout.strip()

def _find_python(repository_ctx):
    for name in ["python3.11", "python3"]:
        python = repository_ctx.which(name)
        if python and _run(
            repository_ctx,
            [python, "-c", "import sys; print(sys.version_info[:2] == (3, 11))"],
            "Asking %s for its version" % name,
        ) == "True":
            return python
    fail("Python 3.11 was not found: the locked packages are pinned for it. " +
         "Install python3.11 with its venv module.")

def _python_environment_impl(repository_ctx):
    lock = repository_ctx.path(repository_ctx.attr.lock)
    python = _find_python(repository_ctx)
    _run(
        repository_ctx,
        [python, "-c", "import ensurepip, venv"],
        "Python's venv module is missing and ./bazelw installs it where it can; its import",
    )
    _run(repository_ctx, [python, "-m", "venv", "venv"], "Making a virtual environment")
    interpreter = repository_ctx.path("venv/bin/python")
    repository_ctx.report_progress("installing %s (gigabytes, once)" % lock.basename)
    _run(
        repository_ctx,
        [
            interpreter,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
            "--require-hashes",
            "--requirement",
            lock,
        ],
        "Installing the packages of %s" % lock.basename,
    )
    repository_ctx.report_progress("compiling Python packages (once)")
    _run(
        repository_ctx,
        [interpreter, "-c", _FIRST_IMPORT],
        "The first import of the installed packages",
        environment = {"PYTHONDONTWRITEBYTECODE": "", "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    repository_ctx.file("BUILD", _BUILD.format(interpreter = interpreter))

python_environment = repository_rule(
    implementation = _python_environment_impl,
    attrs = {"lock": attr.label(allow_single_file = True, mandatory = True)},
    doc = "Installs a lock file of hashed packages; `//bazel` offers it as a Python toolchain.",
)
