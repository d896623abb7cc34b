"""TensorBoard of runs: `bazel run //du_vae_tf:dashboard -- --run_dir=...`."""

import contextlib
import errno
import io
import os
import pathlib
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from types import FrameType
from typing import Any

from absl import flags

from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import finished_runs
from du_vae_tf import startup
from du_vae_tf.training import run_folder

USAGE = """
Shows runs in TensorBoard, also while they are trained: curves, settings beside figures, histograms
of the posteriors, samples, pictures of the latent space, representations in the projector.

  bazel run //du_vae_tf:dashboard -- --run_dir=FOLDER [--run_dir=FOLDER ...] [--flag=value ...]

Ctrl-C ends it.
"""

_GROUP = "Dashboard"
_DEFAULT_PORT = 6006
_LARGEST_PORT = 65535

SPECS = [
    command_line.Flag(
        name="run_dir", type=list, default=None, group=_GROUP,
        text="Folder of a run or of several, such as that of a sweep; must be given, once for each"
        " folder."),
    command_line.Flag(
        name="port", type=int, default=None, group=_GROUP,
        text=f"Where it is served (default: {_DEFAULT_PORT}, or the next that is free)."),
    command_line.Flag(
        name="host", type=str, default="127.0.0.1", group=_GROUP,
        text="Address it is served at; 0.0.0.0 lets other machines see it.")]


def check(paths: Sequence[str]) -> None:
  """Refuses folders without anything to show.

  Raises:
    errors.UserError: there is one.
  """
  for path in paths:
    if not os.path.isdir(path):
      raise errors.UserError(f"--run_dir={path}: no such folder.")
    if not any(pathlib.Path(path).glob("**/*tfevents*")):
      raise errors.UserError(
          f"--run_dir={path}: nothing to show (no event files); give the folder of a run of"
          " //du_vae_tf:train, or one that has such folders in it.")


def free_port(host: str, port: int | None) -> int:
  """The port to serve at.

  Args:
    host: address to serve at.
    port: the one that is wanted; None for the first free one from the default on.

  Raises:
    errors.UserError: nothing can be served at `host`, or the port is in use or none.
  """
  if port is not None and not 1 <= port <= _LARGEST_PORT:
    raise errors.UserError(f"--port={port}: must be from 1 to {_LARGEST_PORT}.")
  for candidate in range(_DEFAULT_PORT, _LARGEST_PORT) if port is None else [port]:
    try:
      family, _, _, _, address = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
      with socket.create_server(address, family=family):
        return candidate
    except OSError as error:
      if error.errno != errno.EADDRINUSE:
        raise errors.UserError(
            f"--host={host}: nothing can be served there, port {candidate}"
            f" ({error.strerror}).") from None
  raise errors.UserError(
      f"--port={port}: in use by another program; give another one, or none for one that is free.")


def shown_folder(paths: Sequence[str], empty: pathlib.Path) -> str:
  """The folder whose runs TensorBoard is to show, which names them by their paths in it.

  Args:
    paths: of folders; what lies in another one of them is part of it.
    empty: a folder for links, under the paths from the folder that all have in common.

  Returns:
    `empty`, or the only folder if it is not that of a run.
  """
  whole = sorted({pathlib.Path(path).resolve() for path in paths})
  whole = [path for path in whole if not set(whole).intersection(path.parents)]
  shown = {path: _of_run(path) for path in whole}
  if list(shown.values()) == [whole[0]]:
    return str(whole[0])
  common = os.path.commonpath([path.parent for path in whole])
  for path in whole:
    link = empty / path.relative_to(common)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(shown[path])
  return str(empty)


def _of_run(path: pathlib.Path) -> pathlib.Path:
  """Where the run in a folder has its event files; the folder itself if it is of no run."""
  own = run_folder.RunFolder(path).tensorboard
  return own if own.is_dir() else path


def main(explicit: dict[str, Any]) -> None:
  """Serves what the flags name until the process is asked to stop."""
  paths = finished_runs.folders(explicit)
  values = command_line.values_of(SPECS, explicit)
  check(paths)
  port = free_port(values["host"], values["port"])
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, _end)
  # Imported late: a mistyped flag is answered before TensorFlow is loaded.
  startup.load_tensorflow()

  with tempfile.TemporaryDirectory() as links:
    address = _serve(shown_folder(paths, pathlib.Path(links)), values["host"], port)
    console.say(f"TensorBoard: {address} (Ctrl-C ends it)")
    while True:
      signal.pause()


def _end(number: int, frame: FrameType | None) -> None:
  """Ends the process, with success: there is no other way to end it."""
  del number, frame
  sys.exit(0)


def _serve(folder: str, host: str, port: int) -> str:
  """Starts TensorBoard in a thread and gives its address."""
  from tensorboard import program

  for name in {spec.name for spec in SPECS}.intersection(flags.FLAGS):
    delattr(flags.FLAGS, name)  # It has its own of these names, and takes absl's in.
  board = program.TensorBoard()
  board.configure(logdir=folder, host=host, port=port)
  # It announces how it reads files.
  with contextlib.redirect_stderr(io.StringIO()):
    return board.launch()


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
