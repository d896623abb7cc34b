"""Speed and memory of the importance-weighted NLL of images: `bazel run //benchmarks:image_nll`."""

from collections.abc import Mapping
from typing import Any

from benchmarks import measuring
from benchmarks import turns
from benchmarks import work
from du_vae_tf import command_line

USAGE = """
Evaluates random binary images with a freshly made model of the paper's sizes, in float32 and in the
precision that this machine is fast in, and prints speed and memory. Linux only.

  bazel run //benchmarks:image_nll -- [--flag=value ...]
"""

SIZES = [
    measuring.flag("images", 10, int, "Evaluated images."),
    measuring.flag("samples", 100, int, "Importance samples of an image."),
    *measuring.image_flags()]


def prepare(sizes: Mapping[str, Any], policy: str) -> work.Work:
  """The estimates of all images."""
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from benchmarks import estimating
  from benchmarks import models

  images, samples, side = sizes["images"], sizes["samples"], sizes["side"]
  model = models.image(sizes, policy)
  pixels = np.random.default_rng(0).integers(0, 2, (images, side, side, 1)).astype(np.float32)
  dataset = tf.data.Dataset.from_tensors({"image": pixels, "row": np.arange(images)})
  flops = images * (work.encoder_flops(model.encoder)
                    + samples * work.decoder_flops(model.decoder))
  return work.Work(
      repeat=estimating.repeat(model, samples, dataset), unit="image-samples",
      units=images * samples, flops=flops, weights=model.weights)


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes, options = measuring.split(explicit, SIZES, turns.flags())
  turns.compare("image_nll", sizes, options, measuring.peer_image_sizes(sizes))


def run() -> None:
  """Starts the program."""
  command_line.run(main, [*SIZES, *turns.flags()], USAGE)


if __name__ == "__main__":
  run()
