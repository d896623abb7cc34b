"""Speed and memory of drawing images: `bazel run //benchmarks:generate`."""

import time
from typing import Any

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import startup

USAGE = """
Draws images with a freshly made decoder of the paper's sizes, and prints how long that took, how
many full passes over the images would have taken as long, and the memory above the decoder. A
sampler without cached activations needs as many passes as an image has pixels. Linux only.

  bazel run //benchmarks:generate -- [--flag=value ...]
"""

FLAGS = [
    measuring.flag("images", 64, int, "Images drawn together."),
    measuring.flag("side", 28, int, "Height and width of an image."),
    *command_line.config_flags("decoder"),
    measuring.json_flag()]

_REPEATS = 3


def measure(images: int, side: int, config: config_lib.RunConfig) -> dict[str, float]:
  """Draws images of random z.

  Returns:
    `seconds` and `seconds_of_a_pass` (the best of three), their ratio `passes`, and
    `measuring.memory_figures`.
  """
  import tensorflow as tf  # Imported after the flags are parsed.

  from du_vae_tf.models import builders

  loaded = measuring.resident_bytes()
  decoder = builders.build_model(config, {"side": side}).decoder
  z = tf.random.stateless_normal([images, config.latent_dim], [0, 1])
  uniform = tf.random.stateless_uniform([images, side, side], [0, 2])

  def best(function: Any, *arguments: tf.Tensor) -> float:
    graph = tf.function(function)
    seconds = []
    for _ in range(_REPEATS + 1):
      begin = time.monotonic()
      tf.nest.map_structure(lambda tensor: tensor.numpy(), graph(*arguments))
      seconds.append(time.monotonic() - begin)
    return min(seconds[1:])

  seconds = best(decoder.sample, z, uniform)
  one_pass = best(decoder.logits, z, decoder.sample(z, uniform)[0])
  return {"seconds": seconds, "seconds_of_a_pass": one_pass, "passes": seconds / one_pass,
          **measuring.memory_figures(loaded, decoder.weights)}


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes = {flag.name: flag.default for flag in FLAGS} | explicit
  json_out, decoder = sizes.pop(measuring.JSON_FLAG), sizes.pop("decoder")
  config = config_lib.resolve(
      {"dataset": "omniglot"} | ({} if decoder is None else {"decoder": decoder}), {})
  startup.load_tensorflow()
  figures = measure(sizes["images"], sizes["side"], config)
  measuring.show({"decoder": config.decoder} | sizes | figures, json_out)


def run() -> None:
  """Starts the program."""
  command_line.run(main, FLAGS, USAGE)


if __name__ == "__main__":
  run()
