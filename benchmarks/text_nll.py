"""Speed and memory of the importance-weighted NLL: `bazel run //benchmarks:text_nll`."""

from typing import Any

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import startup

USAGE = """
Evaluates sentences of random words with a freshly made model of the paper's sizes, and prints how
fast that was and how much memory it took above the model. Linux only.

  bazel run //benchmarks:text_nll -- [--flag=value ...]
"""


FLAGS = [
    measuring.flag("sentences", 1, int, "Sentences, all of one length."),
    measuring.flag("words", 200, int, "Words of a sentence."),
    measuring.flag("samples", 500, int, "Importance samples of a sentence."),
    measuring.flag("vocab_size", 20_001, int, "Words of the vocabulary, special ones included."),
    measuring.flag("hidden_size", 1024, int, "LSTM units of encoder and decoder."),
    measuring.flag("embedding_size", 512, int, "Word embedding dimensions."),
    measuring.json_flag()]


def measure(sentences: int, words: int, samples: int, vocab_size: int,
            config: config_lib.RunConfig) -> dict[str, float]:
  """Evaluates random sentences once.

  Returns:
    `seconds_per_sentence`, `words_per_second` and `measuring.memory_figures`.
  """
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from du_vae_tf.data import text_batching
  from du_vae_tf.estimators import importance_nll
  from du_vae_tf.models import builders

  loaded = measuring.resident_bytes()
  model = builders.build_model(config, {"vocab_size": vocab_size})
  ids = np.random.default_rng(0).integers(4, vocab_size, (sentences, words))
  batch = text_batching.pad_batch(ids.tolist())
  dataset = tf.data.Dataset.from_generator(
      lambda: iter([batch]), output_signature=text_batching.ELEMENT_SPEC)
  clock = measuring.Clock()
  weighted = importance_nll.ImportanceNLL(model, samples, seed=0).estimate(dataset, clock)
  if not np.all(np.isfinite(weighted.nll)):
    raise FloatingPointError(f"the estimates must be finite. Received: {weighted.nll}.")
  return {
      "seconds_per_sentence": clock.seconds / sentences,
      "words_per_second": sentences * words / clock.seconds,
      **measuring.memory_figures(loaded, model.weights)}


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes = {flag.name: flag.default for flag in FLAGS} | explicit
  json_out = sizes.pop(measuring.JSON_FLAG)
  config = config_lib.resolve(
      {name: sizes[name] for name in ("hidden_size", "embedding_size")}, {})
  startup.load_tensorflow()
  figures = measure(
      sizes["sentences"], sizes["words"], sizes["samples"], sizes["vocab_size"], config)
  measuring.show(sizes | figures, json_out)


def run() -> None:
  """Starts the program."""
  command_line.run(main, FLAGS, USAGE)


if __name__ == "__main__":
  run()
