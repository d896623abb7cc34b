"""Speed and memory of drawing images: `bazel run //benchmarks:generate`."""

from collections.abc import Mapping
from typing import Any

from benchmarks import measuring
from benchmarks import turns
from benchmarks import work
from du_vae_tf import command_line

USAGE = """
Draws images with a freshly made decoder of the paper's sizes, in float32, and prints speed and
memory. A sampler without cached activations, such as that of the peer, needs as many passes over
the images as an image has pixels; of these the peer takes --peer_passes and is scaled. Linux only.

  bazel run //benchmarks:generate -- [--flag=value ...]
"""

SIZES = [
    measuring.flag("images", 64, int, "Images drawn together."),
    measuring.flag("peer_passes", 4, int, "Passes that stand for all of the peer's."),
    *measuring.image_flags()]


def prepare(sizes: Mapping[str, Any], policy: str) -> work.Work:
  """Images of random z."""
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from benchmarks import models

  images, side = sizes["images"], sizes["side"]
  decoder = models.image(sizes, policy).decoder
  z = tf.random.stateless_normal([images, sizes["latent_dim"]], [0, 1])
  uniform = tf.random.stateless_uniform([images, side, side], [0, 2])
  sample = tf.function(decoder.sample)

  def draw() -> None:
    _, logits = sample(z, uniform)
    if not np.all(np.isfinite(logits.numpy())):
      raise FloatingPointError("the logits must be finite. Received: some that are not.")

  return work.Work(
      repeat=draw, unit="images", units=images, flops=images * work.decoder_flops(decoder),
      weights=decoder.weights)


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes, options = measuring.split(explicit, SIZES, turns.flags())
  passes = sizes["peer_passes"]
  turns.compare("generate", measuring.without(sizes, "peer_passes"),
                options | {"precision": "float32"},
                measuring.peer_image_sizes(sizes | {"passes": passes}, "peer_passes"),
                passes / sizes["side"]**2)


def run() -> None:
  """Starts the program."""
  command_line.run(main, [*SIZES, *turns.flags(precisions=("float32",))], USAGE)


if __name__ == "__main__":
  run()
