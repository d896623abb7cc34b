"""Small training runs that something befalls, and what must be equal at their ends."""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from du_vae_tf import errors

FLAGS = ("--max_train_examples=1600", "--warmup_epochs=2", "--checkpoint_minutes=0.01",
         "--max_eval_examples=200", "--iw_samples=10", "--deterministic", "--strategy=one_device",
         "--precision=float32")
EPOCHS = 5

_TENSORS = ("model/", "optimizer/")
# Figures of a report or an epoch that are measured, not computed.
_MEASURED = re.compile(r".*(seconds|per_second)")
_RESUMING = re.compile(r"^Resuming after epoch \d+, step (\d+)\.$", re.MULTILINE)
# More than any of these runs takes on a busy machine.
_LONGEST = 900.0
_SIGTERM_BIT = 1 << signal.SIGTERM - 1


@dataclasses.dataclass(frozen=True)
class Ended:
  """How a run ended.

  Attributes:
    status: of its process.
    out: what it said.
    err: what stands in its standard error.
  """

  status: int
  out: str
  err: str

  @property
  def resumed(self) -> int | None:
    """The step that it went on from; None if it said nothing of one."""
    found = _RESUMING.search(self.out)
    return int(found[1]) if found else None


def start(folder: pathlib.Path, *flags: str, program: Sequence[str] = ("du_vae_tf.train",),
          address_space: int | None = None) -> subprocess.Popen[str]:
  """Starts or continues the run of a folder.

  Args:
    folder: of the run.
    *flags: further ones.
    program: module that trains, and what comes before the flags.
    address_space: the most bytes that the process may map.
  """
  limit = [] if address_space is None else ["prlimit", f"--as={address_space}"]
  return subprocess.Popen(
      [*limit, sys.executable, "-m", *program, *FLAGS, f"--epochs={EPOCHS}",
       f"--run_dir={folder}", *flags],
      env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> Ended:
  """Waits for the end of a run.

  Raises:
    errors.UserError: it does not come.
  """
  try:
    out, err = process.communicate(timeout=_LONGEST)
  except subprocess.TimeoutExpired:
    process.kill()
    raise errors.UserError(f"train did not end within {_LONGEST:.0f} s.") from None
  return Ended(process.returncode, out, err)


def finish(folder: pathlib.Path, *flags: str) -> Ended:
  """Runs to the end.

  Raises:
    errors.UserError: it does not end well.
  """
  ended = end(start(folder, *flags))
  if ended.status or ended.err:
    raise errors.UserError(f"train ended with status {ended.status}: {ended.err[-2000:]}")
  return ended


def wait_for_state(folder: pathlib.Path, process: subprocess.Popen[str]) -> None:
  """Until the run has saved another state, or has ended."""
  before = newest(folder)
  while process.poll() is None and newest(folder) == before:
    time.sleep(0.002)


def wait_until_heard(process: subprocess.Popen[str]) -> None:
  """Until the process has a handler of SIGTERM: Python itself takes a moment to start."""
  while process.poll() is None:
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    if caught and int(caught[1], 16) & _SIGTERM_BIT:
      return
    time.sleep(0.01)


def begin(folder: pathlib.Path, *flags: str) -> None:
  """Trains to the third saved state and stops there.

  Raises:
    errors.UserError: the run does not stop when it is asked to.
  """
  process = start(folder, *flags)
  for _ in range(3):
    wait_for_state(folder, process)
  process.send_signal(signal.SIGTERM)
  ended = end(process)
  if ended.status != 75:
    raise errors.UserError(f"train ended with status {ended.status}: {ended.err[-2000:]}")


def is_done(folder: pathlib.Path, epochs: int = EPOCHS) -> bool:
  """Whether the last epoch is over."""
  path = folder / "metrics.jsonl"
  return path.is_file() and len(path.read_text(encoding="utf-8").splitlines()) >= epochs


def states(folder: pathlib.Path) -> list[pathlib.Path]:
  """The saved states, as TensorFlow names them, oldest first."""
  found = [path.with_suffix("") for path in (folder / "checkpoints").glob("state-*.index")]
  return sorted(found, key=_number)


def newest(folder: pathlib.Path) -> int:
  """The number of the newest saved state, 0 without one."""
  return max(map(_number, states(folder)), default=0)


def _number(path: pathlib.Path) -> int:
  return int(path.name.partition("-")[2])


def saved_step(folder: pathlib.Path) -> int:
  """The step of the newest saved state, 0 without one.

  Raises:
    errors.UserError: none is whole.
  """
  from du_vae_tf.training import checkpoints
  from du_vae_tf.training import run_folder

  if not states(folder):
    return 0
  return checkpoints.read_progress(run_folder.RunFolder(folder)).step


def differences(straight: pathlib.Path, other: pathlib.Path) -> list[str]:
  """What is not the same in two finished runs."""
  import numpy as np
  import tensorflow as tf

  different = []
  for name in ("metrics.jsonl", "report.json"):
    ours, theirs = (_figures((folder / name).read_text(encoding="utf-8"))
                    for folder in (straight, other))
    if ours != theirs:
      different.append(name)
  for name in ("checkpoints", "best"):
    ours, theirs = (tf.train.load_checkpoint(str(folder / name)) for folder in (straight, other))
    for variable in ours.get_variable_to_shape_map():
      # Beside them stand the progress, with its times, and how many files were written.
      if variable.startswith(_TENSORS) and not np.array_equal(
          ours.get_tensor(variable), theirs.get_tensor(variable)):
        different.append(f"{name}: {variable}")
  return different


def _figures(text: str) -> list[dict[str, Any]]:
  """The computed figures of a JSON file, or of one with a line for each epoch."""
  rows = [json.loads(text)] if text.startswith("{\n") else map(json.loads, text.splitlines())
  return [{name: value for name, value in row.items() if not _MEASURED.fullmatch(name)}
          for row in rows]
