"""What befalls a run in a test-bench, one function for each: what comes of it, and how it ends."""

import dataclasses
import os
import pathlib
import random
import re
import shutil
import signal
import time
from collections.abc import Callable

from benchmarks import fault_mounts
from benchmarks import fault_plants
from benchmarks import fault_runs
from du_vae_tf import errors

# What the commands exit with; see command_line.py.
USER_ERROR, FAILED, STOPPED = 2, 1, 75

_GOES_ON = "goes on from there"


@dataclasses.dataclass(frozen=True)
class Bench:
  """What cases work with.

  Attributes:
    folder: empty; each case makes folders of names of its own.
    straight: a finished run that nothing befell.
    half: one that was stopped after its third saved state.
    kills: how often runs are killed.
    moments: draws when.
    no_mounts: why there can be no file systems of the case's own; None if there can.
  """

  folder: pathlib.Path
  straight: pathlib.Path
  half: pathlib.Path
  kills: int
  moments: random.Random
  no_mounts: str | None

  def copy_half(self, name: str) -> pathlib.Path:
    """A copy of the half run."""
    return pathlib.Path(shutil.copytree(self.half, self.folder / name))


class NotHeldError(errors.UserError):
  """A case did not come out as it must."""


class SkippedError(errors.UserError):
  """A case cannot be made on this machine."""


Case = Callable[[Bench], str]


def hold(holds: object, what: str) -> None:
  """Ends a case that did not come out as it must.

  Raises:
    NotHeldError: it did not.
  """
  if not holds:
    raise NotHeldError(what)


def check_line(ended: fault_runs.Ended, status: int, expected: str) -> str:
  """The one line of a run that ended early.

  Raises:
    NotHeldError: it is another one, or not one, or the status is another one.
  """
  hold(ended.status == status, f"status {ended.status}: {(ended.err or ended.out)[-1000:]}")
  hold(ended.err.count("\n") == 1 and re.search(expected, ended.err),
       f"said {ended.err[-1000:]!r}")
  return ended.err.strip()


def check_end(bench: Bench, folder: pathlib.Path, straight: pathlib.Path | None = None,
              *flags: str) -> None:
  """Lets a run go on to its end, which must be that of the run that nothing befell.

  Raises:
    errors.UserError: it does not end well.
    NotHeldError: a saved step was lost, or the end is another one.
  """
  saved = fault_runs.saved_step(folder)
  finished = (folder / "report.json").is_file()
  ended = fault_runs.finish(folder, *flags)
  hold(finished or (ended.resumed or 0) >= saved,
       f"of {saved} saved steps it went on from {ended.resumed}")
  _check_same(straight or bench.straight, folder)


def _check_same(straight: pathlib.Path, folder: pathlib.Path) -> None:
  different = fault_runs.differences(straight, folder)
  hold(not different, f"different at the end: {', '.join(different)}")


def full_disk(bench: Bench) -> str:
  """Room for no further state, then for the training but not for the export."""
  _need_mounts(bench)
  disk = bench.folder / "disk"
  used = sum(path.stat().st_size for path in bench.half.rglob("*")) // 1024
  lines = []
  with fault_mounts.small_disk(disk, used + 300):
    folder = pathlib.Path(shutil.copytree(bench.half, disk / "run"))
    for room in (300, 1900):
      fault_mounts.grow(disk, used + room)
      saved = fault_runs.saved_step(folder)
      ended = fault_runs.end(fault_runs.start(folder))
      lines.append(check_line(ended, FAILED, rf"the disk is full.*{_GOES_ON}\.$"))
      hold((ended.resumed or 0) >= saved, f"of {saved} saved steps it went on from {ended.resumed}")
    fault_mounts.grow(disk, used + 20_000)
    check_end(bench, folder)
  return lines[0]


def read_only(bench: Bench) -> str:
  """The folder may not be written at the start; then it becomes so while the run goes on."""
  _need_mounts(bench)
  folder = bench.copy_half("read_only")
  with fault_mounts.read_only(folder):
    check_line(fault_runs.end(fault_runs.start(folder)), USER_ERROR,
               r"cannot be written \(Read-only file system\)")
  process = fault_runs.start(folder)
  fault_runs.wait_for_state(folder, process)
  with fault_mounts.read_only(folder):
    # Whichever it writes first, and not the lock that it gives up at last.
    line = check_line(
        fault_runs.end(process), FAILED,
        rf"^(?!.*/lock).*may not be used \(.*Read-only file system.*\).*{_GOES_ON}\.$")
  check_end(bench, folder)
  return line


def truncated_state(bench: Bench) -> str:
  """Half of the newest state is gone."""
  return _damaged(bench, "truncated", lambda content: content[:len(content) // 2])


def emptied_state(bench: Bench) -> str:
  """Nothing is left in the newest state."""
  return _damaged(bench, "emptied", lambda content: b"")


def flipped_bit(bench: Bench) -> str:
  """One bit of the newest state is another."""
  def flip(content: bytes) -> bytes:
    place = bench.moments.randrange(len(content))
    return (content[:place] + bytes([content[place] ^ 1 << bench.moments.randrange(8)])
            + content[place + 1:])

  return _damaged(bench, "flipped", flip)


def _damaged(bench: Bench, name: str, damage: Callable[[bytes], bytes]) -> str:
  folder = bench.copy_half(name)
  data = fault_runs.states(folder)[-1].with_suffix(".data-00000-of-00001")
  data.write_bytes(damage(data.read_bytes()))
  return _falls_back(bench, folder)


def nan_in_state(bench: Bench) -> str:
  """One weight of the newest state is not a number, and its checksums are right."""
  folder = bench.copy_half("nan_in_state")
  fault_plants.plant_weight(fault_runs.states(folder)[-1])
  return _falls_back(bench, folder)


def _falls_back(bench: Bench, folder: pathlib.Path) -> str:
  """The run must say that it goes on from the state before, and do so."""
  before, newest = fault_runs.states(folder)
  ended = fault_runs.finish(folder)
  said = [line for line in ended.out.splitlines() if "going on from" in line]
  hold(said and all(re.match(
      rf".*{newest.name}: is damaged.*; going on from {before.name}\.$", line) for line in said),
       f"said {said}")
  _check_same(bench.straight, folder)
  return said[0]


def clock(bench: Bench) -> str:
  """The clock jumps forwards in one run, is back before the next, and jumps back in that."""
  folder = bench.copy_half("clock")
  process = fault_runs.start(folder, program=("benchmarks.fault_plants", "clock", "7"))
  time.sleep(fault_plants.JUMP_AFTER_SECONDS)
  fault_runs.wait_for_state(folder, process)
  process.send_signal(signal.SIGTERM)
  check_line(fault_runs.end(process), STOPPED, "stopped as asked")
  saved = fault_runs.saved_step(folder)
  tomorrow = time.time() + 24 * 3600
  for path in folder.rglob("*"):
    os.utime(path, (tomorrow, tomorrow))
  ended = fault_runs.end(fault_runs.start(
      folder, program=("benchmarks.fault_plants", "clock", "-7")))
  hold(not ended.status and not ended.err, f"status {ended.status}: {ended.err[-1000:]}")
  hold((ended.resumed or 0) >= saved, f"of {saved} saved steps it went on from {ended.resumed}")
  _check_same(bench.straight, folder)
  return "7 hours forwards, back between the runs, back further, files of tomorrow: nothing shows"


def two_processes(bench: Bench) -> str:
  """A second process wants the folder of a run that goes on."""
  folder = bench.folder / "two_processes"
  first = fault_runs.start(folder)
  fault_runs.wait_for_state(folder, first)
  line = check_line(fault_runs.end(fault_runs.start(folder)), USER_ERROR,
                    rf"in use by process {first.pid} on ")
  ended = fault_runs.end(first)
  hold(not ended.status and not ended.err, f"the first: status {ended.status}: {ended.err}")
  _check_same(bench.straight, folder)
  return line


def nan_in_gradient(bench: Bench) -> str:
  """One element of the gradient of one update is not a number."""
  folder = bench.copy_half("nan_in_gradient")
  line = check_line(
      fault_runs.end(fault_runs.start(
          folder, program=("benchmarks.fault_plants", "gradient", "20"))),
      FAILED, r"^step \d+: the gradient is not finite, so training stopped; the last good state is")
  check_end(bench, folder)
  return line


def nan_in_data(bench: Bench) -> str:
  """One value of the images is not a number; they are refused before a run is made of them."""
  import numpy as np

  images = np.full((40, 8, 8), 0.5, np.float32)
  images[7, 3, 3] = np.nan
  for name in ("train", "valid", "test"):
    np.save(bench.folder / f"{name}.npy", images)
  folder = bench.folder / "nan_in_data"
  process = fault_runs.start(
      folder, "--dataset=images", "--train_file=" + str(bench.folder / "train.npy"),
      "--valid_file=" + str(bench.folder / "valid.npy"),
      "--test_file=" + str(bench.folder / "test.npy"))
  line = check_line(fault_runs.end(process), USER_ERROR, r"train\.npy has values that are NaN")
  hold(not folder.exists(), "a run folder was made")
  return line


def batch_too_large(bench: Bench) -> str:
  """Memory for the start, but not for a batch."""
  flags = ("--batch_size=1600", "--hidden_size=500", "--epochs=1")
  folder, straight = (bench.folder / name for name in ("large", "large_straight"))
  line = check_line(
      fault_runs.end(fault_runs.start(folder, *flags, address_space=4_000_000_000)), FAILED,
      rf"memory ran out \(.+\); give a smaller --batch_size than 1600: .*{_GOES_ON}\.$")
  fault_runs.finish(straight, *flags)
  check_end(bench, folder, straight, *flags)
  return line


def _need_mounts(bench: Bench) -> None:
  if bench.no_mounts is not None:
    raise SkippedError(bench.no_mounts)


CASES: dict[str, Case] = {
    "full_disk": full_disk,
    "read_only": read_only,
    "truncated_state": truncated_state,
    "emptied_state": emptied_state,
    "flipped_bit": flipped_bit,
    "nan_in_state": nan_in_state,
    "nan_in_gradient": nan_in_gradient,
    "nan_in_data": nan_in_data,
    "clock": clock,
    "two_processes": two_processes,
    "batch_too_large": batch_too_large}
