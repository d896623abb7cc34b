"""Speed and memory of beam search: `bazel run //benchmarks:beam_search`."""

from collections.abc import Mapping
from typing import Any

from benchmarks import measuring
from benchmarks import turns
from benchmarks import work
from du_vae_tf import command_line

USAGE = """
Decodes random z by beam search with a freshly made decoder of the paper's sizes, whose sentences do
not end before --max_length, in float32 and in the precision that this machine is fast in, and
prints speed and memory. The peer decodes one sentence after the other, as the authors do; it takes
--peer_sentences and is scaled. Linux only.

  bazel run //benchmarks:beam_search -- [--flag=value ...]
"""

SIZES = [
    measuring.flag("sentences", 64, int, "Sentences decoded together."),
    measuring.flag("width", 5, int, "Beams of a sentence."),
    measuring.flag("max_length", 100, int, "Tokens of a sentence."),
    measuring.flag("peer_sentences", 1, int, "Sentences that stand for all of the peer's."),
    *measuring.text_flags()]


def prepare(sizes: Mapping[str, Any], policy: str) -> work.Work:
  """Sentences of random z."""
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from benchmarks import models

  decoder = models.text(sizes, policy).decoder
  sentences, width, longest = sizes["sentences"], sizes["width"], sizes["max_length"]
  z = tf.random.stateless_normal([sentences, sizes["latent_dim"]], [0, 1])
  search = tf.function(lambda z: decoder.beam_search(z, longest, width))

  def decode() -> None:
    ids, scores = search(z)
    if ids.shape[-1] != longest or not np.all(np.isfinite(scores.numpy())):
      raise ValueError(f"every sentence must have {longest} tokens. Received: {ids.shape}.")

  hidden = sizes["hidden_size"]
  tokens = sentences * width * longest
  return work.Work(
      repeat=decode, unit="sentences", units=sentences,
      flops=work.lstm_flops(tokens, sizes["embedding_size"], hidden)
      + work.vocabulary_flops(tokens, hidden, sizes["vocab_size"]), weights=decoder.weights)


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes, options = measuring.split(explicit, SIZES, turns.flags())
  own = measuring.without(sizes, "peer_sentences")
  turns.compare("beam_search", own, options, own | {"sentences": sizes["peer_sentences"]},
                sizes["peer_sentences"] / sizes["sentences"])


def run() -> None:
  """Starts the program."""
  command_line.run(main, [*SIZES, *turns.flags()], USAGE)


if __name__ == "__main__":
  run()
