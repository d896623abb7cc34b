"""Speed and memory of training on images: `bazel run //benchmarks:image_step`."""

import time
from typing import Any

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import startup

USAGE = """
Takes training steps on random grey images with a freshly made model of the paper's sizes, and
prints how fast that was and how much memory it took above the model. Linux only.

  bazel run //benchmarks:image_step -- [--flag=value ...]
"""

FLAGS = [
    measuring.flag("steps", 10, int, "Timed steps, after two that are not."),
    measuring.flag("batch_size", 50, int, "Images of a step."),
    measuring.flag("side", 28, int, "Height and width of an image."),
    *command_line.config_flags("method", "decoder"),
    measuring.json_flag()]


def measure(steps: int, side: int, config: config_lib.RunConfig) -> dict[str, float]:
  """Takes steps on random images.

  Returns:
    `seconds_per_step`, `images_per_second` and `measuring.memory_figures`.
  """
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from du_vae_tf.models import builders
  from du_vae_tf.objectives import schedules
  from du_vae_tf.training import regimes
  from du_vae_tf.training import step as step_lib

  loaded = measuring.resident_bytes()
  model = builders.build_model(config, {"side": side})
  optimizer = regimes.REGIMES["image"].optimizer(config.learning_rate)
  optimizer.build(model.trainable_variables)
  stepper = step_lib.Stepper(model, optimizer, tf.distribute.get_strategy(), config,
                             schedules.LinearWarmup(1.0, 0))
  images = np.random.default_rng(0).random((config.batch_size, side, side, 1), np.float32)
  rows = np.arange(config.batch_size)
  batches = iter(tf.data.Dataset.from_tensors({"image": images, "row": rows}).repeat())
  for number in range(steps + 2):
    if number == 2:
      stepper.totals.numpy()  # Waits for the steps so far.
      begin = time.monotonic()
    stepper.take(batches, tf.constant(number + 1, tf.int64))
  if not np.all(np.isfinite(stepper.totals.numpy())):
    raise FloatingPointError(f"the sums must be finite. Received: {stepper.totals_by_name()}.")
  seconds = (time.monotonic() - begin) / steps
  return {"seconds_per_step": seconds, "images_per_second": config.batch_size / seconds,
          **measuring.memory_figures(loaded, model.weights)}


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  chosen = {name: explicit[name] for name in ("method", "decoder") if name in explicit}
  sizes = {flag.name: flag.default for flag in FLAGS if flag.name not in ("method", "decoder")}
  sizes |= {name: value for name, value in explicit.items() if name not in chosen}
  json_out = sizes.pop(measuring.JSON_FLAG)
  config = config_lib.resolve(
      {"dataset": "omniglot", "learning_rate": 1e-3, "batch_size": sizes["batch_size"]} | chosen,
      {})
  startup.load_tensorflow()
  figures = measure(sizes["steps"], sizes["side"], config)
  measuring.show(
      {"method": config.method, "decoder": config.decoder} | sizes | figures, json_out)


def run() -> None:
  """Starts the program."""
  command_line.run(main, FLAGS, USAGE)


if __name__ == "__main__":
  run()
