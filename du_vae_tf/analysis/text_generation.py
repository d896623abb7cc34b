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
from du_vae_tf.analysis import word_choice
from du_vae_tf.data import encoding
from du_vae_tf.data import in_memory
from du_vae_tf.data import text_batching
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.models import vae
from du_vae_tf.training import loop


class TextMedium:
  """Sentences; see `codec.Medium`.

  Args:
    model: of text, with its weights.
    vocabulary: of the run.
    max_length: longer sentences are cut to so many words, as in training.
    longest: most words of a decoded sentence.
  """

  def __init__(self, model: vae.VAE, vocabulary: vocabulary_lib.Vocabulary, max_length: int,
               longest: int):
    self._decoder = model.decoder
    # Any number of sentences in one graph.
    self._signature = (tf.TensorSpec([None, model.latent_dim], tf.float32),
                       tf.TensorSpec([None], tf.int64))
    self._vocabulary = vocabulary
    self._max_length = max_length
    self._most = longest + 1
    self._graphs: dict[word_choice.WordChoice, Callable[..., tf.Tensor]] = {}

  def given(self, value: str, flag: str) -> str:
    """The sentence itself; words that the model does not know become `<unk>`."""
    if not value.split():
      raise errors.UserError(f"{flag}: an empty sentence; give at least one word.")
    return value

  def items(self, values: Any, place: str) -> list[str]:
    """See `in_memory.sentences`."""
    return in_memory.sentences(values, place)

  def joined(self, items: Sequence[str]) -> list[str]:
    """A list."""
    return list(items)

  def dataset(self, items: Sequence[str]) -> tf.data.Dataset:
    """Sentences as ids."""
    split = in_memory.encode(items, self._vocabulary, self._max_length)
    return text_batching.evaluation_dataset(split, loop.EVALUATION_BATCH)

  def decode(self, z: tf.Tensor, seed: tf.Tensor, choice: word_choice.WordChoice) -> list[str]:
    """A sentence for each z."""
    if choice not in self._graphs:
      self._graphs[choice] = tf.function(
          self._search(choice), input_signature=self._signature, autograph=False)
    return [self._vocabulary.decode(ids) for ids in self._graphs[choice](z, seed).numpy()]

  def _search(self, choice: word_choice.WordChoice) -> Callable[..., tf.Tensor]:
    """Token ids for z and seeds."""
    decoder, most = self._decoder, self._most
    temperature = choice.temperature or word_choice.DEFAULT_TEMPERATURE
    width = choice.beam_width or word_choice.DEFAULT_BEAM_WIDTH
    searches: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
        "greedy": lambda z, seed: decoder.greedy(z, most),
        "sample": lambda z, seed: decoder.sample(z, most, seed, temperature, choice.top_k),
        "beam": lambda z, seed: decoder.beam_search(z, most, width)[0][:, 0]}
    return searches[choice.decoding]


def examples(vocabulary: vocabulary_lib.Vocabulary,
             split: encoding.EncodedSplit) -> generation.Examples:
  """The sentences of a split, as the model reads them."""
  return generation.Examples(split.labels, lambda row: vocabulary.decode(split.words(row)))


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
  files.write_text_atomically(paths[1], "\n".join(tables(generated).values()))
  return paths


def summarize(generated: generation.Generated, heading: str) -> None:
  """Writes the tables of each kind to the default summary writer, under a heading."""
  for kind, text in tables(generated).items():
    tf.summary.text(f"{heading}/{kind}", text)


def tables(generated: generation.Generated) -> dict[str, str]:
  """What was generated as tables in Markdown, by kind; none of what there is none of."""
  samples = [[number, item] for number, item in enumerate(generated.samples, 1)]
  reconstructions = [row for item, answer in generated.reconstructions
                     for row in (["source", item], ["decoded", answer])]
  analogies = [row for one in generated.analogies for row in (
      ["from", one.first], ["to", one.second], ["as from", one.third], ["to", one.answer])]
  parts = {
      "samples": [("Samples of the prior", samples)],
      "reconstructions": [("Reconstructions", reconstructions)],
      "paths": [(f"Interpolation {number}", [
          ["source", path.source],
          *([step, item] for step, item in enumerate(path.steps, 1)), ["target", path.target]])
                for number, path in enumerate(generated.paths, 1)],
      "analogies": [("Analogies", analogies)]}
  texts = {kind: "\n".join(_table(*part) for part in of_kind if part[1])
           for kind, of_kind in parts.items()}
  return {kind: text for kind, text in texts.items() if text}


def _table(title: str, rows: Sequence[Sequence[Any]]) -> str:
  cells = [[markdown_table.escape(str(content)) for content in row] for row in rows]
  return f"### {title}\n\n{markdown_table.make(['', 'sentence'], cells)}"
