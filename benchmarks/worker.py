"""One side of a benchmark: `python -m benchmarks.worker MODULE JSON PRECISION`.

Prepares what `MODULE.prepare(sizes, policy)` gives, does it once, and says so in one line of JSON;
then it does the work once for each line that it reads, and answers with a line of figures.
"""

import importlib
import json
import sys
import time
from typing import Any

from benchmarks import measuring
from du_vae_tf import startup

# Edge of the square matrices whose product gives the rate of the machine, and their repetitions.
_EDGE, _PRODUCTS = 2048, 3


def main(module: str, sizes: dict[str, Any], precision: str) -> None:
  """Answers until its input ends."""
  startup.load_tensorflow()
  from du_vae_tf.training import precision as precision_lib

  loaded = measuring.resident_bytes()
  resolved = precision_lib.resolve(precision)
  work = importlib.import_module(module).prepare(sizes, precision_lib.POLICIES[resolved])
  work.repeat()
  # Taken before the matrices of the product, which are no part of the work.
  peak = measuring.peak_bytes()
  product_rate = product_of_matrices(resolved)
  product_rate()
  _answer({"precision": resolved, "unit": work.unit, "units": work.units, "flops": work.flops,
           "model_bytes": work.weight_bytes,
           "bytes_above_model": peak - loaded - work.weight_bytes})
  for _ in sys.stdin:
    rate = product_rate()
    begin = time.perf_counter()
    work.repeat()
    _answer({"seconds": time.perf_counter() - begin, "product_rate": rate})


def product_of_matrices(precision: str) -> Any:
  """A function that measures the matrix products of this machine, operations a second."""
  import tensorflow as tf

  square = tf.cast(tf.random.stateless_normal([_EDGE, _EDGE], [0, 1]), precision)
  multiply = tf.function(lambda matrix: tf.matmul(matrix, matrix))

  def rate() -> float:
    seconds = []
    for _ in range(_PRODUCTS):
      begin = time.perf_counter()
      multiply(square)[0, 0].numpy()
      seconds.append(time.perf_counter() - begin)
    return 2.0 * _EDGE**3 / min(seconds)

  return rate


def _answer(values: dict[str, Any]) -> None:
  sys.stdout.write(json.dumps(values) + "\n")
  sys.stdout.flush()


if __name__ == "__main__":
  main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3])
