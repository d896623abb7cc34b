"""Runs that everything goes wrong with: `bazel run //benchmarks:faults`."""

import pathlib
import random
import tempfile
import time
from typing import Any

from benchmarks import fault_cases
from benchmarks import fault_kills
from benchmarks import fault_mounts
from benchmarks import fault_runs
from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import markdown_table
from du_vae_tf import startup

CASES: dict[str, fault_cases.Case] = {
    "kills": fault_kills.kills, "stops": fault_kills.stops, **fault_cases.CASES}

USAGE = f"""
Trains a small run on synthetic sentences to its end, and others like it that something befalls.
Each must end with one line and the right status, lose no step before the last saved state, and go
on by the same command once the cause is gone; at its end all figures, weights and the optimizer
must be those of the run that nothing befell, to the last bit. Prints a table of the cases.

  bazel run //benchmarks:faults -- [--kills=30] [--cases=NAME,NAME]

Cases: {', '.join(CASES)}. Linux only. Disks are made with mount, as root or in a namespace.
"""

_ALL = "all"
SPECS = [
    measuring.flag("kills", 30, int, "How often it is killed; it is stopped a third as often."),
    measuring.flag("cases", _ALL, str, "Names of cases, separated by commas."),
    measuring.flag("draw_seed", 0, int, "Of the moments.")]


def main(explicit: dict[str, Any]) -> None:
  """Runs the cases that the flags name."""
  options, = measuring.split(explicit, SPECS)
  names = list(CASES) if options["cases"] == _ALL else options["cases"].split(",")
  for name in names:
    if name not in CASES:
      raise errors.UserError(f"--cases={name}: no such case; there are {', '.join(CASES)}.")
  no_mounts = fault_mounts.enter()
  with tempfile.TemporaryDirectory() as folder:
    bench = _prepare(pathlib.Path(folder), options, no_mounts)
    rows = [(name, *_outcome(CASES[name], name, bench)) for name in names]
  console.say("\n" + markdown_table.make(("case", "held", "what came of it"), rows))
  failed = [name for name, held, _ in rows if held == "no"]
  if failed:
    raise errors.DivergedError(f"not held: {', '.join(failed)}.")


def _prepare(folder: pathlib.Path, options: dict[str, Any],
             no_mounts: str | None) -> fault_cases.Bench:
  """Trains the runs that all cases need."""
  startup.load_tensorflow()
  straight, half, cases = (folder / name for name in ("straight", "half", "cases"))
  cases.mkdir()
  fault_runs.finish(straight)
  fault_runs.begin(half)
  return fault_cases.Bench(
      folder=cases, straight=straight, half=half, kills=options["kills"],
      moments=random.Random(options["draw_seed"]), no_mounts=no_mounts)


def _outcome(case: fault_cases.Case, name: str, bench: fault_cases.Bench) -> tuple[str, str]:
  """Whether it held, and what came of it."""
  begin = time.monotonic()
  try:
    held, text = "yes", case(bench)
  except fault_cases.SkippedError as error:
    held, text = "skipped", str(error)
  except errors.UserError as error:
    held, text = "no", str(error)
  # Folders have names of their own in every call.
  text = " ".join(text.replace(f"{bench.folder}/", "").split())
  console.say(f"{name}: {held}, {console.duration(time.monotonic() - begin)}: {text}")
  return held, text


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
