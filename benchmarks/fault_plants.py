"""`train` with a fault planted in it: `python -m benchmarks.fault_plants FAULT VALUE FLAGS`.

Faults: `clock`, whose value is by how many hours the clock jumps a few seconds after the start;
`gradient`, whose value is the number of the update that has one element not finite.
"""

import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

from du_vae_tf import startup
from du_vae_tf import train

# After it, TensorFlow is loaded and the run is under way, or nearly.
JUMP_AFTER_SECONDS = 15.0


def plant_clock(hours: str) -> None:
  """The time of day jumps, while the clock that never goes back goes on."""
  begin, seconds, nanoseconds = time.monotonic(), time.time, time.time_ns

  def jumped() -> int:
    return int(float(hours) * 3600) if time.monotonic() - begin > JUMP_AFTER_SECONDS else 0

  time.time = lambda: seconds() + jumped()
  time.time_ns = lambda: nanoseconds() + jumped() * 10**9


def plant_gradient(update: str) -> None:
  """One element of one gradient is not a number at one update."""
  startup.load_tensorflow()
  import numpy as np
  import tensorflow as tf

  from du_vae_tf.training import step

  reduce_and_clip = step.reduced_and_clipped
  calls = 0

  def fault() -> Any:
    nonlocal calls
    calls += 1
    return np.float32("nan" if calls == int(update) else 0.0)

  def faulty(gradients: list[Any]) -> Any:
    # The last one is that of a dense layer's bias, no sparse one.
    return reduce_and_clip([*gradients[:-1], gradients[-1] + tf.numpy_function(
        fault, [], tf.float32)])

  setattr(step, "reduced_and_clipped", faulty)


def plant_weight(state: pathlib.Path) -> None:
  """Writes a saved state anew, with whole checksums, and one weight of it not a number."""
  import numpy as np
  import tensorflow as tf

  reader = tf.train.load_checkpoint(str(state))
  tensors = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
  name = min(name for name, value in tensors.items()
             if name.startswith("model/") and np.asarray(value).dtype == np.float32)
  tensors[name] = tensors[name].copy()
  tensors[name].flat[0] = np.nan
  names = list(tensors)
  tf.raw_ops.SaveV2(prefix=str(state), tensor_names=names, shape_and_slices=[""] * len(names),
                    tensors=[tf.constant(tensors[name]) for name in names])
  # SaveV2 writes one file, and names it as a sharded state of one shard is.


_FAULTS: dict[str, Callable[[str], None]] = {"clock": plant_clock, "gradient": plant_gradient}


def run() -> None:
  """Starts the program."""
  _, fault, value, *flags = sys.argv
  sys.argv = [sys.argv[0], *flags]
  _FAULTS[fault](value)
  train.run()


if __name__ == "__main__":
  run()
