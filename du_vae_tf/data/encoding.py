"""Sentences as ids."""

import array
import dataclasses
import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from du_vae_tf.data import text_reader
from du_vae_tf.data import vocabulary as vocabulary_lib

_ROWS_AT_ONCE = 2**14


@dataclasses.dataclass(frozen=True)
class EncodedSplit:
  """The rows of one split, end to end.

  Attributes:
    tokens: int32, the word ids of all rows, without `<s>` and `</s>`.
    offsets: int64 [num_examples + 1], where the rows begin in `tokens`.
    labels: int32 [num_examples], -1 where there are none.
  """

  tokens: np.ndarray
  offsets: np.ndarray
  labels: np.ndarray

  @property
  def num_examples(self) -> int:
    """Number of rows."""
    return len(self.labels)

  @property
  def lengths(self) -> np.ndarray:
    """int64 [num_examples], words of each row."""
    return np.diff(self.offsets)

  def lengths_of(self, rows: np.ndarray) -> np.ndarray:
    """int64 [n], words of the given rows, without a look at the others."""
    return self.offsets[rows + 1] - self.offsets[rows]

  @property
  def num_tokens(self) -> int:
    """Predicted tokens: words and one `</s>` a row."""
    return int(self.offsets[-1] - self.offsets[0]) + self.num_examples

  @property
  def max_words(self) -> int:
    """Words of the longest row."""
    return max(
        int(np.diff(self.offsets[first:first + _ROWS_AT_ONCE + 1]).max())
        for first in range(0, self.num_examples, _ROWS_AT_ONCE))

  def words(self, row: int) -> np.ndarray:
    """int32, the word ids of one row."""
    return self.tokens[self.offsets[row]:self.offsets[row + 1]]


@dataclasses.dataclass(frozen=True)
class Counts:
  """What happened to the lines of one split.

  Attributes:
    sentences: rows.
    words: words kept.
    unknown: of these, words that are not in the vocabulary.
    special: of these, words written like a special symbol other than `<unk>`.
    cut: rows of which only the first words were kept.
    blank_lines: lines without a word, skipped.
  """

  sentences: int
  words: int
  unknown: int
  special: int
  cut: int
  blank_lines: int

  def __add__(self, other: "Counts") -> "Counts":
    return Counts(**{
        field.name: getattr(self, field.name) + getattr(other, field.name)
        for field in dataclasses.fields(self)})

  def note(self, split: str, max_length: int) -> str:
    """One line for the console."""
    text = (f"{split}: {self.sentences} sentences, {self.words} words,"
            f" {100.0 * self.unknown / max(self.words, 1):.2f} % unknown")
    for count, what in (
        (self.blank_lines, "blank lines skipped"),
        (self.cut, f"sentences cut to {max_length} words"),
        (self.special, "words written like special symbols read as <unk>")):
      text += f"; {count} {what}" if count else ""
    return text


def encode_parts(
    raw: text_reader.RawSplit, vocabulary: vocabulary_lib.Vocabulary, max_length: int
) -> Iterator[tuple[EncodedSplit, Counts]]:
  """Encodes a split of any size part by part.

  Args:
    raw: its rows.
    vocabulary: looked up.
    max_length: see `encode_sentences`.

  Yields:
    Arrays that give those of the split where each is put at the end of the one before, and the
    counts up to there.
  """
  rows, position = raw.rows(), 0
  counts = Counts(0, 0, 0, 0, 0, raw.blank_lines)
  while part := list(itertools.islice(rows, _ROWS_AT_ONCE)):
    sentences, labels = zip(*part, strict=True)
    split, added = encode_sentences(sentences, vocabulary, max_length)
    counts += added
    # The first offset of a later part is the last one of the part before.
    offsets = position + (split.offsets[1:] if position else split.offsets)
    yield EncodedSplit(split.tokens, offsets, np.array(labels, np.int32)), counts
    position = int(offsets[-1])


def encode_sentences(
    sentences: Iterable[bytes], vocabulary: vocabulary_lib.Vocabulary, max_length: int
) -> tuple[EncodedSplit, Counts]:
  """Splits sentences into words, cuts them to `max_length` words and looks up the ids.

  Each sentence is read once and not kept. There are no labels, and no counts of blank lines.
  """
  tokens, offsets = array.array("i"), array.array("q", [0])
  cut = special = 0
  reserved = (b"<pad>", b"<s>", b"</s>")
  for sentence in sentences:
    words = sentence.split(None, max_length)  # one piece more than kept, if the line goes on
    if len(words) > max_length:
      cut += 1
      del words[max_length:]
    if any(word in sentence for word in reserved):
      special += sum(map(words.count, reserved))
    tokens.extend(vocabulary.iterate_ids(words))
    offsets.append(len(tokens))
  split = EncodedSplit(
      np.array(tokens, np.int32), np.array(offsets, np.int64),
      np.full(len(offsets) - 1, text_reader.NO_LABEL, np.int32))
  unknown = int(np.count_nonzero(split.tokens == vocabulary_lib.UNKNOWN))
  return split, Counts(split.num_examples, len(tokens), unknown, special, cut, blank_lines=0)
