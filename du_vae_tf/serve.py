"""Serves an exported model on this machine: `bazel run //du_vae_tf:serve -- --run_dir=...`."""

import pathlib
import re
import signal
import sys
from collections.abc import Mapping
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import startup
from du_vae_tf.server import listening
from du_vae_tf.server import versions

USAGE = """
Serves an exported model on this machine, for trying it out: a page to write or draw, reconstruct
and interpolate, and TensorFlow Serving's REST interface. Nothing but the export is needed.

  bazel run //du_vae_tf:serve -- --run_dir=FOLDER [--flag=value ...]
"""

_GROUP = "Server"

SPECS = [
    command_line.Flag(
        name="run_dir", type=str, default=None, group=_GROUP,
        text="Folder of a run, whose newest export is served; or give --model_dir."),
    command_line.Flag(
        name="model_dir", type=str, default=None, group=_GROUP,
        text="Folder of an exported model, with a folder for each version; the newest is served."),
    command_line.Flag(
        name="name", type=str, default="model", group=_GROUP,
        text="Of the model in addresses: /v1/models/NAME."),
    command_line.Flag(
        name="host", type=str, default="127.0.0.1", group=_GROUP,
        text="Name or address of this machine to listen on; 0.0.0.0 for all, which lets other"
        " machines in."),
    command_line.Flag(
        name="port", type=int, default=8501, group=_GROUP, text="Port; 0 for any free one."),
    command_line.Flag(
        name="max_request_mb", type=int, default=8, group=_GROUP,
        text="Largest request, MiB.")]

_LARGEST_PORT = 65535
_LARGEST_REQUEST_MB = 1024


def check(values: Mapping[str, Any]) -> None:
  """Refuses values that cannot be.

  Raises:
    errors.UserError: there is one.
  """
  if not re.fullmatch(r"[A-Za-z0-9._-]+", values["name"]):
    raise errors.UserError(
        f"--name={values['name']}: must be made of letters, digits, dots, - and _.")
  for name, least, most in (("port", 0, _LARGEST_PORT),
                            ("max_request_mb", 1, _LARGEST_REQUEST_MB)):
    if not least <= values[name] <= most:
      raise errors.UserError(f"--{name}={values[name]}: must be from {least} to {most}.")


def newest(run_dir: str | None, model_dir: str | None) -> versions.Version:
  """The version that the flags name.

  Raises:
    errors.UserError: they name none, or both are given.
  """
  if (run_dir is None) == (model_dir is None):
    raise errors.UserError(
        "--run_dir, --model_dir: one of them must be given, the folder of a run or of an exported"
        " model.")
  if model_dir is not None:
    return versions.newest(
        model_dir, f"--model_dir={model_dir}", "//du_vae_tf:export writes one")
  return versions.newest(
      pathlib.Path(run_dir or "", "export"), f"--run_dir={run_dir}",
      "a finished run has one, and //du_vae_tf:export writes more")


def main(explicit: dict[str, Any]) -> None:
  """Serves the model that the flags name."""
  values = command_line.values_of(SPECS, explicit)
  check(values)
  version = newest(values["run_dir"], values["model_dir"])
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: sys.exit(0))
  with listening.listen(values["host"], values["port"]) as listener:
    # Imported late: the mistakes above are answered before TensorFlow is loaded.
    startup.load_tensorflow()
    from du_vae_tf.server import running

    running.serve(
        version, listener, host=values["host"], name=values["name"],
        max_request_bytes=values["max_request_mb"] * 2**20)


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
