"""Several replicas against one device: `bazel run //benchmarks:strategy_differences`."""

import pathlib
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from benchmarks import local_workers
from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import markdown_table
from du_vae_tf import methods as methods_lib

USAGE = """
Takes the same steps with small models on one device, on two replicas of one process and in two
processes, in float32, without dropout of the networks and with given draws, and prints the largest
difference of a weight from that of one device (relative beyond 1) for every method; beside it how
far the steps move the weights (the median over the weights of each one's largest change), and, as
what rounding alone does, the difference of one device that is given the rows of each batch in
reverse order.

  bazel run //benchmarks:strategy_differences -- [--modality=image] [--methods=vae,du_vae]
"""

SPECS = [
    measuring.flag("modality", "text", str, "What is trained on.", ("text", "image")),
    measuring.flag("methods", ",".join(methods_lib.METHODS), str, "Which, separated by commas."),
    measuring.flag("steps", 20, int, "Steps on small batches; every third one is smaller.")]

# Each way to take the steps: the strategy, and whether rows come in reverse order.
WAYS = {"rows reversed": ("one_device", True), "two replicas": ("mirrored", False),
        "two workers": ("multi_worker", False)}
MOVED = "moved"
_BASE = ("one_device", False)
_WORKERS = 2

Weights: TypeAlias = Mapping[str, np.ndarray]


def differences(modality: str, methods: Sequence[str], steps: int) -> dict[str, dict[str, float]]:
  """The largest difference of a weight from one device, by way and method.

  Relative for weights beyond 1. Under `MOVED`, how far one device's steps move the weights: the
  median over the weights of each one's largest change.

  Args:
    modality: `text` or `image`.
    methods: of `methods.METHODS`.
    steps: of each.

  Raises:
    errors.UserError: a process failed.
  """
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "weights.npz"

    def weights(strategy: str, reverse: bool, count: int) -> Weights:
      local_workers.run(
          "benchmarks.strategy_steps",
          {"strategy": strategy, "modality": modality, "methods": list(methods), "steps": count,
           "reverse": reverse, "file": str(path)},
          local_workers.environments(_WORKERS) if strategy == "multi_worker" else [{}])
      with np.load(path) as found:
        return dict(found)

    base = weights(*_BASE, steps)
    return {MOVED: _moved(base, weights(*_BASE, 0)),
            **{way: _largest(base, weights(*how, steps)) for way, how in WAYS.items()}}


def _moved(base: Weights, start: Weights) -> dict[str, float]:
  changes: dict[str, list[float]] = {}
  for name, values in base.items():
    changes.setdefault(name.partition(":")[0], []).append(
        float(np.abs(values - start[name]).max(initial=0.0)))
  return {method: statistics.median(found) for method, found in changes.items()}


def _largest(base: Weights, found: Weights) -> dict[str, float]:
  largest: dict[str, float] = {}
  for name, values in base.items():
    method = name.partition(":")[0]
    # Moments may be in the thousands: of numbers beyond 1 it is the relative difference.
    scale = np.maximum(1.0, np.abs(values))
    difference = float((np.abs(values - found[name]) / scale).max(initial=0.0))
    # A weight that is no number differs.
    largest[method] = max(
        largest.get(method, 0.0), difference if np.isfinite(difference) else np.inf)
  return largest


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  options, = measuring.split(explicit, SPECS)
  methods = options["methods"].split(",")
  for method in methods:
    if method not in methods_lib.METHODS:
      raise errors.UserError(
          f"--methods={method}: no such method; there are {', '.join(methods_lib.METHODS)}.")
  found = differences(options["modality"], methods, options["steps"])
  console.say(f"{options['modality']}, {options['steps']} steps: largest difference of a weight"
              " from that of one device\n")
  console.say(markdown_table.make(
      ["method", *found],
      [[f"`{method}`", *(f"{found[way][method]:.1e}" for way in found)]
       for method in methods]))


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
