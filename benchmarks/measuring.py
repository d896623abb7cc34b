"""What the benchmarks share: flags, memory and how figures are shown. Linux only."""

import json
import math
import resource
import time
from collections.abc import Mapping
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import files

JSON_FLAG = "json_out"


def flag(name: str, default: Any, kind: type, text: str,
         choices: tuple[str, ...] = ()) -> command_line.Flag:
  """A flag of a benchmark."""
  return command_line.Flag(
      name=name, type=kind, default=default, group="Benchmark", text=text, choices=choices)


def json_flag() -> command_line.Flag:
  """The flag that every benchmark has."""
  return flag(JSON_FLAG, None, str, "File for the figures.")


def resident_bytes() -> int:
  """Memory of this process now."""
  with open("/proc/self/statm", encoding="ascii") as statm:
    return int(statm.read().split()[1]) * resource.getpagesize()


def peak_bytes() -> int:
  """The most memory that this process ever had."""
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory_figures(loaded: int, weights: Any) -> dict[str, float]:
  """Memory of a model and of the work with it.

  Args:
    loaded: `resident_bytes` with all libraries loaded, before the model was made.
    weights: of the model, float32.

  Returns:
    `model_mib` (the weights) and `mib_above_model`: the highest memory of the process, less what it
    had with all libraries loaded and the weights. What making the model leaves behind counts as
    above it, since the work may use it again.
  """
  size = sum(math.prod(weight.shape) for weight in weights) * 4
  return {"model_mib": size / 2**20, "mib_above_model": (peak_bytes() - loaded - size) / 2**20}


class Clock:
  """Takes the time of `importance_nll`, without that of building the graph."""

  def __init__(self) -> None:
    self.seconds = math.nan

  def start(self, total: int, expected_seconds: float) -> None:
    """Called after the first example; all take the same time."""
    self._first = expected_seconds / total
    self._start = time.monotonic()

  def update(self, count: int) -> None:
    """Called after every piece of the work."""
    del count
    self.seconds = self._first + time.monotonic() - self._start


def show(figures: Mapping[str, Any], json_out: str | None) -> None:
  """Prints the figures, and writes them to a file if one is named."""
  for name, value in figures.items():
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    console.say(f"  {name:<24}{shown:>16}")
  if json_out is not None:
    files.write_text_atomically(json_out, json.dumps(dict(figures), indent=2) + "\n")
