"""Runs the project's real commands, from the runfiles under Bazel or as modules without it."""

import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).parent.parent


def command(name: str) -> list[str]:
  """The command line of the entry point `//du_vae_tf:<name>`."""
  built = REPOSITORY / "du_vae_tf" / name
  return [str(built)] if built.is_file() else [sys.executable, "-m", f"du_vae_tf.{name}"]


def start(name: str, *flags: str, cwd: str, **variables: str) -> subprocess.Popen:
  """Starts an entry point as a user who stands in `cwd` does, with a cache of its own there.

  Args:
    name: of the entry point.
    *flags: of the command.
    cwd: where the user stands.
    **variables: of the environment.
  """
  environment = os.environ | {
      "BUILD_WORKING_DIRECTORY": cwd, "PYTHONPATH": str(REPOSITORY),
      "XDG_CACHE_HOME": os.path.join(cwd, "cache"), **variables}
  environment.pop("TF_CPP_MIN_LOG_LEVEL", None)  # Set for tests; users leave it to the command.
  return subprocess.Popen(
      [*command(name), *flags], cwd=REPOSITORY, env=environment, text=True,
      stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(name: str, *flags: str, cwd: str) -> subprocess.CompletedProcess:
  """Runs an entry point to its end."""
  process = start(name, *flags, cwd=cwd)
  out, err = process.communicate()
  return subprocess.CompletedProcess(process.args, process.returncode, out, err)
