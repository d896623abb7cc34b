"""The macros that every Python target goes through.

Packages from requirements.lock are in the interpreter's environment and are not declared.
"""

def du_py_library(name, srcs, deps = [], data = [], **kwargs):
    """One module."""
    native.py_library(
        name = name,
        srcs = srcs,
        data = data,
        srcs_version = "PY3",
        deps = deps,
        **kwargs
    )

def du_py_binary(name, srcs, deps = [], data = [], **kwargs):
    """One entry point."""
    native.py_binary(
        name = name,
        srcs = srcs,
        data = data,
        main = srcs[0],
        python_version = "PY3",
        srcs_version = "PY3",
        deps = deps,
        **kwargs
    )

def du_py_test(name, srcs, deps = [], data = [], size = "small", tags = [], **kwargs):
    """One test module. Sizes: small takes seconds, medium up to minutes, large trains."""
    native.py_test(
        name = name,
        size = size,
        srcs = srcs,
        data = data,
        main = srcs[0],
        python_version = "PY3",
        srcs_version = "PY3",
        tags = tags,
        deps = deps,
        **kwargs
    )
