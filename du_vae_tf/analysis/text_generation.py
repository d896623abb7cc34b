"""Sentences in and out of a trained model, and what was generated as tables."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import markdown_table
from du_vae_tf.analysis import generation
from du_vae_tf.data import encoding
from du_vae_tf.data import text_batching
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.models import vae

DECODINGS = ("greedy", "sample", "beam")


@dataclasses.dataclass(frozen=True)
class WordChoice:
  """How words are chosen.

  Attributes:
    decoding: one of `DECODINGS`.
    temperature: of `sample`.
    top_k: of `sample`; None: all words.
    beam_width: of `beam`, whose likeliest sentence is taken.
  """

  decoding: str = "greedy"
  temperature: float = 1.0
  top_k: int | None = None
  beam_width: int = 5


class TextMedium:
  """Sentences; see `generation.Medium`.

  Args:
    model: of text, with its weights.
    vocabulary: of the run.
    split: rows that items are drawn from.
    max_length: longer sentences are cut to so many words, as in training.
    longest: most words of a decoded sentence.
    choice: how words are chosen.
  """

  def __init__(self, model: vae.VAE, vocabulary: vocabulary_lib.Vocabulary,
               split: encoding.EncodedSplit, max_length: int, longest: int, choice: WordChoice):
    self._vocabulary = vocabulary
    self._split = split
    self._max_length = max_length
    decoder, most = model.decoder, longest + 1
    choose: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
        "greedy": lambda z, seed: decoder.greedy(z, most),
        "sample": lambda z, seed: decoder.sample(
            z, most, seed, choice.temperature, choice.top_k),
        "beam": lambda z, seed: decoder.beam_search(z, most, choice.beam_width)[0][:, 0]}
    self._choose = tf.function(choose[choice.decoding], reduce_retracing=True)

  def given(self, value: str, flag: str) -> str:
    """The sentence itself; words that the model does not know become `<unk>`."""
    if not value.split():
      raise errors.UserError(f"{flag}: an empty sentence; give at least one word.")
    return value

  def row(self, row: int) -> str:
    """The sentence of a row, as the model reads it."""
    return self._vocabulary.decode(self._split.words(row))

  def batch(self, items: Sequence[str]) -> dict[str, tf.Tensor]:
    """Sentences as ids."""
    return text_batching.pad_batch([
        self._vocabulary.encode(item.encode().split()[:self._max_length]) for item in items])

  def decode(self, z: tf.Tensor, seed: tf.Tensor) -> list[str]:
    """A sentence for each z."""
    return [self._vocabulary.decode(ids) for ids in self._choose(z, seed).numpy()]


def write(generated: generation.Generated, stem: pathlib.Path) -> list[pathlib.Path]:
  """Writes all of it as JSON and as Markdown.

  Args:
    generated: of sentences.
    stem: of the files.

  Returns:
    The files.
  """
  paths = [stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.md")]
  files.write_text_atomically(paths[0], json.dumps(
      dataclasses.asdict(generated), indent=2, ensure_ascii=False) + "\n")
  files.write_text_atomically(paths[1], markdown(generated))
  return paths


def markdown(generated: generation.Generated) -> str:
  """Tables of what was generated."""
  parts = [
      ("Samples of the prior", ["", "sentence"],
       [[number, item] for number, item in enumerate(generated.samples, 1)]),
      ("Reconstructions", ["", "sentence"],
       [row for item, answer in generated.reconstructions
        for row in (["source", item], ["decoded", answer])]),
      *((f"Interpolation {number}", ["", "sentence"], [
          ["source", path.source],
          *([step, item] for step, item in enumerate(path.steps, 1)), ["target", path.target]])
        for number, path in enumerate(generated.paths, 1)),
      ("Analogies", ["", "sentence"],
       [row for one in generated.analogies for row in (
           ["from", one.first], ["to", one.second], ["as from", one.third],
           ["to", one.answer])])]
  return "\n".join(_table(*part) for part in parts if part[2])


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
  return f"### {title}\n\n{markdown_table.make(head, [[*map(_cell, row)] for row in rows])}"


def _cell(content: Any) -> str:
  """As a cell: neither a bar nor `<unk>` may be taken for Markdown."""
  return str(content).replace("|", "\\|").replace("<", "&lt;")
