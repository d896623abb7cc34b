"""Speed and memory of training on text: `bazel run //benchmarks:text_step`."""

from collections.abc import Mapping
from typing import Any

from benchmarks import measuring
from benchmarks import turns
from benchmarks import work
from du_vae_tf import command_line

USAGE = """
Takes training steps on sentences of random words with a freshly made model of the paper's sizes, in
float32 and in the precision that this machine is fast in, and prints speed and memory. Linux only.

  bazel run //benchmarks:text_step -- [--flag=value ...]
"""

SIZES = [
    measuring.flag("batch_size", 32, int, "Examples of a step."),
    measuring.flag("words", 80, int, "Words of a sentence."),
    *measuring.text_flags(),
    measuring.flag("method", "du_vae", str, "What is trained.")]


def prepare(sizes: Mapping[str, Any], policy: str) -> work.Work:
  """A training step."""
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from benchmarks import models
  from benchmarks import training
  from du_vae_tf.data import text_batching

  config = models.text_config(sizes, method=sizes["method"], batch_size=sizes["batch_size"])
  step = training.Step(config, {"vocab_size": sizes["vocab_size"]}, policy)
  words, rows = sizes["words"], sizes["batch_size"]
  ids = np.random.default_rng(0).integers(4, sizes["vocab_size"], (rows, words))
  batch = text_batching.pad_batch(ids.tolist())
  batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
  hidden, embedding = sizes["hidden_size"], sizes["embedding_size"]
  forwards = (
      work.lstm_flops(rows * (words + 2), embedding, hidden)
      + work.lstm_flops(rows * (words + 1), embedding, hidden)
      + work.vocabulary_flops(rows * (words + 1), hidden, sizes["vocab_size"]))
  return work.Work(
      repeat=lambda: step.take(batches), unit="words", units=rows * words, flops=3 * forwards,
      weights=step.model.weights)


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes, options = measuring.split(explicit, SIZES, turns.flags())
  turns.compare("text_step", sizes, options, measuring.without(sizes, "method"))


def run() -> None:
  """Starts the program."""
  command_line.run(main, [*SIZES, *turns.flags()], USAGE)


if __name__ == "__main__":
  run()
