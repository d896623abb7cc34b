"""Speed and memory of training on images: `bazel run //benchmarks:image_step`."""

from collections.abc import Mapping
from typing import Any

from benchmarks import measuring
from benchmarks import turns
from benchmarks import work
from du_vae_tf import command_line

USAGE = """
Takes training steps on random grey images with a freshly made model of the paper's sizes, in
float32 and in the precision that this machine is fast in, and prints speed and memory. Linux only.

  bazel run //benchmarks:image_step -- [--flag=value ...]
"""

SIZES = [
    measuring.flag("batch_size", 50, int, "Examples of a step."),
    *measuring.image_flags(),
    measuring.flag("method", "du_vae", str, "What is trained.")]


def prepare(sizes: Mapping[str, Any], policy: str) -> work.Work:
  """A training step."""
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from benchmarks import models
  from benchmarks import training

  rows, side = sizes["batch_size"], sizes["side"]
  config = models.image_config(sizes, method=sizes["method"], batch_size=rows)
  step = training.Step(config, {"side": side}, policy)
  images = np.random.default_rng(0).random((rows, side, side, 1), np.float32)
  batches = iter(
      tf.data.Dataset.from_tensors({"image": images, "row": np.arange(rows)}).repeat())
  forwards = work.encoder_flops(step.model.encoder) + work.decoder_flops(step.model.decoder)
  return work.Work(
      repeat=lambda: step.take(batches), unit="images", units=rows, flops=3 * rows * forwards,
      weights=step.model.weights)


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes, options = measuring.split(explicit, SIZES, turns.flags())
  turns.compare("image_step", sizes, options, measuring.peer_image_sizes(sizes))


def run() -> None:
  """Starts the program."""
  command_line.run(main, [*SIZES, *turns.flags()], USAGE)


if __name__ == "__main__":
  run()
