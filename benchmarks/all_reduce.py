"""Seconds of sums over the workers of `TF_CONFIG`: `python -m benchmarks.all_reduce JSON`.

The first worker writes the medians to a file.
"""

import json
import pathlib
import statistics
import sys
import time
from typing import Any

import tensorflow as tf

from du_vae_tf.training import strategies
from du_vae_tf.training import workers


def measure(strategy: tf.distribute.Strategy, size: int, repetitions: int) -> float:
  """Seconds of one sum of so many bytes, the median."""
  tensor = tf.zeros([max(1, size // 4)])

  def total(values: tf.Tensor) -> tf.Tensor:
    return tf.distribute.get_replica_context().all_reduce("SUM", values)[0]

  take = tf.function(lambda: strategy.run(total, args=(tensor,)))
  seconds = []
  for _ in range(repetitions + 1):
    begin = time.perf_counter()
    strategy.experimental_local_results(take())[0].numpy()
    seconds.append(time.perf_counter() - begin)
  return statistics.median(seconds[1:])


def main(options: dict[str, Any]) -> None:
  """Measures sums of every size."""
  strategy = strategies.make_strategy("multi_worker")
  seconds = [measure(strategy, size, options["repetitions"]) for size in options["sizes"]]
  group = workers.Workers(strategy)
  group.wait()
  if group.is_chief:
    pathlib.Path(options["file"]).write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
  main(json.loads(sys.argv[1]))
