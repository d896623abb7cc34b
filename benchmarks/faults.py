"""Runs that are killed again and again: `bazel run //benchmarks:faults`."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors

USAGE = """
Trains a small run on synthetic sentences to its end, and another one like it that is killed by
SIGKILL at random moments, also while it writes states and reports, and started again each time.
Prints how many kills it survived: after each, no step before the last saved state may be lost, and
at the end all figures and weights must be those of the run that was never killed, to the last bit.

  bazel run //benchmarks:faults -- [--kills=30]
"""

SPECS = [
    measuring.flag("kills", 30, int, "How often the run is killed."),
    measuring.flag("draw_seed", 0, int, "Of the moments.")]

_FLAGS = ["--max_train_examples=1600", "--warmup_epochs=2", "--checkpoint_minutes=0.01",
          "--max_eval_examples=200", "--iw_samples=10", "--deterministic", "--strategy=one_device",
          "--precision=float32"]
# Kills come so long after a state was saved, or after the last epoch was done.
_SECONDS_AFTER_STATE, _SECONDS_AT_END = 2.0, 20.0
_TENSORS = ("model/", "optimizer/")
# Figures of a report or an epoch that are measured, not computed.
_MEASURED = re.compile(r".*(seconds|per_second)")


def main(explicit: dict[str, Any]) -> None:
  """Kills as often as the flags say."""
  options, = measuring.split(explicit, SPECS)
  epochs = max(4, options["kills"])
  with tempfile.TemporaryDirectory() as folder:
    straight, killed = (pathlib.Path(folder) / name for name in ("straight", "killed"))
    _finish(straight, epochs)
    moments = random.Random(options["draw_seed"])
    kept, at_end = 0, 0
    for number in range(1, options["kills"] + 1):
      saved = _saved_step(killed)
      resumed, ended = _kill(killed, epochs, moments)
      kept += resumed is None or resumed >= saved
      at_end += ended
      console.say(f"kill {number} of {options['kills']}: of {saved} saved steps it went on from"
                  f" {resumed or 0}" + (", and was killed after its last epoch" if ended else ""))
    _finish(killed, epochs)
    different = _differences(straight, killed)
  console.say(f"{kept} of {options['kills']} kills lost no saved step; {at_end} came after the last"
              " epoch; " + ("the end is that of the run without kills"
                            if not different else f"different at the end: {', '.join(different)}"))
  if different or kept < options["kills"]:
    raise errors.DivergedError("a killed run is not what it would have been.")


def _start(folder: pathlib.Path, epochs: int) -> subprocess.Popen:
  return subprocess.Popen(
      [sys.executable, "-m", "du_vae_tf.train", *_FLAGS, f"--epochs={epochs}",
       f"--run_dir={folder}"], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _finish(folder: pathlib.Path, epochs: int) -> None:
  """Runs to the end.

  Raises:
    errors.UserError: it does not end well.
  """
  with _start(folder, epochs) as process:
    out, _ = process.communicate()
  if process.returncode:
    raise errors.UserError(f"train ended with status {process.returncode}: {out[-2000:]}")


def _kill(folder: pathlib.Path, epochs: int, moments: random.Random) -> tuple[int | None, bool]:
  """Starts the run and kills it at a moment drawn from those after it has begun to work.

  Returns:
    The step that it went on from, None if it began anew; and whether its last epoch was done.
  """
  resumed, ended = None, False
  with _start(folder, epochs) as process:
    assert process.stdout is not None
    for line in process.stdout:
      found = re.match(r"Resuming after epoch \d+, step (\d+)", line)
      if found:
        resumed = int(found[1])
      if found or line.startswith("Products in") and not _saved_step(folder):
        break
    ended = _wait_for_moment(folder, process, epochs, moments)
    process.send_signal(signal.SIGKILL)
  return resumed, ended


def _wait_for_moment(folder: pathlib.Path, process: subprocess.Popen, epochs: int,
                     moments: random.Random) -> bool:
  """Waits for the next state and a random while more; whether the last epoch is done by then."""
  before = _saved_step(folder)
  while process.poll() is None and _saved_step(folder) == before and not _is_done(folder, epochs):
    time.sleep(0.002)
  if _is_done(folder, epochs):
    longest = _SECONDS_AT_END
  else:
    # Half of the kills come within the milliseconds in which states are written.
    longest = moments.choice([0.05, _SECONDS_AFTER_STATE])
  with contextlib.suppress(subprocess.TimeoutExpired):
    process.wait(moments.uniform(0.0, longest))
  return _is_done(folder, epochs)


def _is_done(folder: pathlib.Path, epochs: int) -> bool:
  path = folder / "metrics.jsonl"
  return path.is_file() and len(path.read_text(encoding="utf-8").splitlines()) >= epochs


def _saved_step(folder: pathlib.Path) -> int:
  """The step of the newest saved state, 0 without one."""
  return max((int(path.stem.partition("-")[2])
              for path in (folder / "checkpoints").glob("state-*.index")), default=0)


def _differences(straight: pathlib.Path, killed: pathlib.Path) -> list[str]:
  """What is not the same in two finished runs."""
  import tensorflow as tf

  different = []
  for name in ("metrics.jsonl", "report.json"):
    ours, theirs = (_figures((folder / name).read_text(encoding="utf-8"))
                    for folder in (straight, killed))
    if ours != theirs:
      different.append(name)
  for name in ("checkpoints", "best"):
    ours, theirs = (tf.train.load_checkpoint(str(folder / name)) for folder in (straight, killed))
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


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
