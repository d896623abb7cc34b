"""Runs that are ended again and again at random moments, by SIGKILL or by SIGTERM."""

import contextlib
import pathlib
import random
import signal
import subprocess
import time

from benchmarks import fault_cases
from benchmarks import fault_runs
from du_vae_tf import console

# Ends come so long after a state was saved, or after a run whose last epoch is over was started.
_SECONDS_AFTER_STATE, _SECONDS_AT_END = 2.0, 30.0
# While TensorFlow and the data are loaded.
_SECONDS_AT_START = 12.0


def kills(bench: fault_cases.Bench) -> str:
  """SIGKILL, half of the time within milliseconds of a saved state, at last after the last epoch.

  Raises:
    fault_cases.NotHeldError: a saved step was lost, or the end is another one.
  """
  folder = bench.folder / "kills"
  at_end = 0
  for number in range(bench.kills):
    saved = fault_runs.saved_step(folder)
    process = fault_runs.start(folder)
    if number >= bench.kills * 2 // 3:
      _wait_for_end(folder, process, bench.moments)
    else:
      fault_runs.wait_for_state(folder, process)
      _wait(process, bench.moments.choice([0.05, _SECONDS_AFTER_STATE]), bench.moments)
    at_end += fault_runs.is_done(folder)
    process.send_signal(signal.SIGKILL)
    ended = fault_runs.end(process)
    _check_resumed(ended, saved, f"kill {number + 1}")
    console.say(f"  kill {number + 1} of {bench.kills}: of {saved} saved steps it went on from"
                f" {ended.resumed or 0}")
  fault_cases.check_end(bench, folder)
  return f"all of {bench.kills} survived, {at_end} of them after the last epoch"


def stops(bench: fault_cases.Bench) -> str:
  """SIGTERM while the program starts, trains, validates, evaluates and exports.

  Raises:
    fault_cases.NotHeldError: it is not one line and status 75, a saved step was lost, or the end
      is another one.
  """
  folder = bench.folder / "stops"
  count = max(3, bench.kills // 3)
  complete = 0
  for number in range(count):
    saved = fault_runs.saved_step(folder)
    process = fault_runs.start(folder)
    if number >= count * 2 // 3:
      _wait_for_end(folder, process, bench.moments)
    elif number % 2:
      fault_runs.wait_for_state(folder, process)
      _wait(process, _SECONDS_AFTER_STATE, bench.moments)
    else:
      fault_runs.wait_until_heard(process)
      _wait(process, _SECONDS_AT_START, bench.moments)
    process.send_signal(signal.SIGTERM)
    ended = fault_runs.end(process)
    # Once the report is there it may be printed before the stop is heard.
    if ended.status == 0 and (folder / "report.json").is_file():
      complete += 1
      fault_cases.hold(not ended.err, f"stop {number + 1}: said {ended.err[-1000:]!r}")
    else:
      fault_cases.check_line(ended, fault_cases.STOPPED, "^stopped as asked; the same command")
    _check_resumed(ended, saved, f"stop {number + 1}")
    console.say(f"  stop {number + 1} of {count}: of {saved} saved steps it went on from"
                f" {ended.resumed or 0}, status {ended.status}")
  fault_cases.check_end(bench, folder)
  return f"{count} stops: one line and status 75 each, but for {complete} with the report done"


def _check_resumed(ended: fault_runs.Ended, saved: int, what: str) -> None:
  """Holds nothing against a run that ended before it said where it goes on."""
  fault_cases.hold(ended.resumed is None or ended.resumed >= saved,
                   f"{what}: of {saved} saved steps it went on from {ended.resumed}")


def _wait(process: subprocess.Popen[str], longest: float, moments: random.Random) -> None:
  """A random while, or until the process ends."""
  with contextlib.suppress(subprocess.TimeoutExpired):
    process.wait(moments.uniform(0.0, longest))


def _wait_for_end(folder: pathlib.Path, process: subprocess.Popen[str],
                  moments: random.Random) -> None:
  """Until the last epoch is over and a random while more."""
  while process.poll() is None and not fault_runs.is_done(folder):
    time.sleep(0.002)
  _wait(process, _SECONDS_AT_END, moments)
