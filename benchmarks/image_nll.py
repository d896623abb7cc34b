"""Speed and memory of the importance-weighted NLL of images: `bazel run //benchmarks:image_nll`."""

from typing import Any

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import startup

USAGE = """
Evaluates random binary images with a freshly made model of the paper's sizes, and prints how fast
that was and how much memory it took above the model. Linux only.

  bazel run //benchmarks:image_nll -- [--flag=value ...]
"""

FLAGS = [
    measuring.flag("images", 10, int, "Evaluated images."),
    measuring.flag("samples", 100, int, "Importance samples of an image."),
    measuring.flag("side", 28, int, "Height and width of an image."),
    *command_line.config_flags("decoder"),
    measuring.json_flag()]


def measure(images: int, samples: int, side: int, config: config_lib.RunConfig) -> dict[str, float]:
  """Evaluates random images once.

  Returns:
    `image_samples_per_second` and `measuring.memory_figures`.
  """
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from du_vae_tf.estimators import importance_nll
  from du_vae_tf.models import builders

  loaded = measuring.resident_bytes()
  model = builders.build_model(config, {"side": side})
  pixels = np.random.default_rng(0).integers(0, 2, (images, side, side, 1)).astype(np.float32)
  dataset = tf.data.Dataset.from_tensors({"image": pixels, "row": np.arange(images)})
  clock = measuring.Clock()
  weighted = importance_nll.ImportanceNLL(model, samples, seed=0).estimate(dataset, clock)
  if not np.all(np.isfinite(weighted.nll)):
    raise FloatingPointError(f"the estimates must be finite. Received: {weighted.nll}.")
  return {"image_samples_per_second": images * samples / clock.seconds,
          **measuring.memory_figures(loaded, model.weights)}


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes = {flag.name: flag.default for flag in FLAGS} | explicit
  json_out, decoder = sizes.pop(measuring.JSON_FLAG), sizes.pop("decoder")
  config = config_lib.resolve(
      {"dataset": "omniglot"} | ({} if decoder is None else {"decoder": decoder}), {})
  startup.load_tensorflow()
  figures = measure(sizes["images"], sizes["samples"], sizes["side"], config)
  measuring.show({"decoder": config.decoder} | sizes | figures, json_out)


def run() -> None:
  """Starts the program."""
  command_line.run(main, FLAGS, USAGE)


if __name__ == "__main__":
  run()
