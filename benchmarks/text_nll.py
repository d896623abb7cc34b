"""Speed and memory of the importance-weighted NLL of text: `bazel run //benchmarks:text_nll`."""

from collections.abc import Mapping
from typing import Any

from benchmarks import measuring
from benchmarks import turns
from benchmarks import work
from du_vae_tf import command_line

USAGE = """
Evaluates sentences of random words with a freshly made model of the paper's sizes, in float32 and
in the precision that this machine is fast in, and prints speed and memory. Linux only.

  bazel run //benchmarks:text_nll -- [--flag=value ...]
"""

SIZES = [
    measuring.flag("sentences", 1, int, "Sentences, all of one length."),
    measuring.flag("words", 80, int, "Words of a sentence."),
    measuring.flag("samples", 500, int, "Importance samples of a sentence."),
    *measuring.text_flags()]


def prepare(sizes: Mapping[str, Any], policy: str) -> work.Work:
  """The estimates of all sentences."""
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from benchmarks import estimating
  from benchmarks import models
  from du_vae_tf.data import text_batching

  model = models.text(sizes, policy)
  sentences, words, samples = sizes["sentences"], sizes["words"], sizes["samples"]
  ids = np.random.default_rng(0).integers(4, sizes["vocab_size"], (sentences, words))
  batch = text_batching.pad_batch(ids.tolist())
  dataset = tf.data.Dataset.from_generator(
      lambda: iter([batch]), output_signature=text_batching.ELEMENT_SPEC)
  hidden, embedding = sizes["hidden_size"], sizes["embedding_size"]
  tokens = words + 1
  flops = sentences * (
      work.lstm_flops(tokens + 1, embedding, hidden) + work.lstm_flops(tokens, embedding, 0)
      + samples * (work.lstm_flops(tokens, 0, hidden)
                   + work.vocabulary_flops(tokens, hidden, sizes["vocab_size"])))
  return work.Work(
      repeat=estimating.repeat(model, samples, dataset), unit="sentences", units=sentences,
      flops=flops, weights=model.weights)


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes, options = measuring.split(explicit, SIZES, turns.flags())
  turns.compare("text_nll", sizes, options, sizes)


def run() -> None:
  """Starts the program."""
  command_line.run(main, [*SIZES, *turns.flags()], USAGE)


if __name__ == "__main__":
  run()
