"""Words and their ids.

Ids 0-3 are `<pad> <s> </s> <unk>`; then come the words of the training split, most frequent first.
"""

import collections
import hashlib
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf.data import raw_files
from du_vae_tf.data import text_reader

PAD, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL_WORDS: tuple[bytes, ...] = (b"<pad>", b"<s>", b"</s>", b"<unk>")
# The name that the published corpora write for a word outside their own vocabulary.
CORPUS_UNKNOWN: bytes = b"_UNK"
# Written in a text, these are no words of their own: they are read as `<unk>`.
_NOT_WORDS: frozenset[bytes] = frozenset((*SPECIAL_WORDS, CORPUS_UNKNOWN))


class Vocabulary:
  """A list of words with their ids.

  Args:
    words: the words after the four special ones; id 4 first.

  Attributes:
    words: all words, special ones included; the position is the id.

  Raises:
    ValueError: a word occurs twice, is empty, has white space or the name of a special one.
  """

  def __init__(self, words: Iterable[bytes]) -> None:
    own = tuple(words)
    self.words: tuple[bytes, ...] = SPECIAL_WORDS + own
    # Without the special words, so that one written in a text is unknown.
    self._ids: dict[bytes, int] = {
        word: number for number, word in enumerate(own, start=len(SPECIAL_WORDS))}
    if len(self._ids) != len(own):
      raise ValueError("`words` must be distinct. Received: words with repetitions.")
    for word in own:
      if word in _NOT_WORDS or word.split() != [word]:
        raise ValueError(
            "`words` must not be empty, have white space or be special. Received: "
            f"{word!r}.")

  def __len__(self) -> int:
    return len(self.words)

  def __eq__(self, other: object) -> bool:
    return isinstance(other, Vocabulary) and self.words == other.words

  def __hash__(self) -> int:
    return hash(self.words)

  @property
  def digest(self) -> str:
    """Hex digits that name the list of words."""
    return hashlib.sha256(b"\n".join(self.words)).hexdigest()

  def encode(self, words: Sequence[bytes]) -> list[int]:
    """The ids of words, without `<s>` and `</s>`; one written like a special word is `<unk>`."""
    return list(self.iterate_ids(words))

  def iterate_ids(self, words: Iterable[bytes]) -> Iterator[int]:
    """The ids of words, one by one."""
    return map(self._ids.get, words, itertools.repeat(UNKNOWN))

  def decode(self, ids: Iterable[int]) -> str:
    """The text of ids: stops at `</s>`, leaves out `<s>` and `<pad>`."""
    kept = itertools.takewhile(lambda number: number != END, map(int, ids))
    return b" ".join(
        self.words[number] for number in kept if number not in (PAD, START)).decode("utf-8")

  def save(self, path: str | os.PathLike[str]) -> None:
    """Writes one word a line; the line number, from 0, is the id. Complete or not at all."""
    files.write_bytes_atomically(path, b"".join(word + b"\n" for word in self.words))


def load(path: str | os.PathLike[str]) -> Vocabulary:
  """Reads a vocabulary, one word a line.

  A file that starts with our four special words keeps its ids. In any other file the order of
  the words is kept and special ones, wherever they stand, are moved to the ids 0-3.

  Raises:
    errors.UserError: the file cannot be read, a line is blank or has two words, or a word occurs
      twice.
  """
  file = pathlib.Path(path)
  content = raw_files.read_bytes(file, "one word a line")
  text_reader.check_utf8(content, file)
  content = content.removeprefix(text_reader.BYTE_ORDER_MARK).replace(b"\r\n", b"\n")
  lines = content.removesuffix(b"\n").split(b"\n")
  first_seen: dict[bytes, int] = {}
  for number, line in enumerate(lines, start=1):
    if line.split() != [line]:
      raise errors.UserError(
          f"{file}, line {number}: expected exactly one word a line, received"
          f" {line[:40].decode('utf-8', 'replace')!r}.")
    if line in first_seen:
      raise errors.UserError(
          f"{file}, line {number}: the word of line {first_seen[line]} again,"
          f" {line.decode('utf-8')!r}; expected distinct words.")
    first_seen[line] = number
  if _NOT_WORDS.issuperset(first_seen):
    raise errors.UserError(f"{file}: has no word but special ones; expected one word a line.")
  return Vocabulary(word for word in lines if word not in _NOT_WORDS)


def count_words(sentences: Iterable[bytes], max_length: int) -> collections.Counter[bytes]:
  """How often each word occurs in the first `max_length` words of the sentences.

  The keys are in order of first occurrence; special words are left out.
  """
  counts: collections.Counter[bytes] = collections.Counter()
  for sentence in sentences:
    counts.update(sentence.split(None, max_length)[:max_length])
  for word in _NOT_WORDS:
    counts.pop(word, None)
  return counts


def most_frequent(counts: collections.Counter[bytes], size: int | None) -> Vocabulary:
  """The most frequent words first, equally frequent ones in order of first occurrence.

  Args:
    counts: from `count_words`.
    size: the number of ids, the four special ones included; None keeps all words.
  """
  ordered = sorted(counts, key=counts.__getitem__, reverse=True)  # sorting is stable, reversed too
  return Vocabulary(ordered if size is None else ordered[:max(0, size - len(SPECIAL_WORDS))])


def keep_most_frequent(
    vocabulary: Vocabulary, counts: collections.Counter[bytes], size: int
) -> Vocabulary:
  """A given vocabulary, cut to its `size` most frequent words without changing their order."""
  own = vocabulary.words[len(SPECIAL_WORDS):]
  kept = set(sorted(own, key=lambda word: -counts[word])[:max(0, size - len(SPECIAL_WORDS))])
  return Vocabulary(word for word in own if word in kept)
