"""A text file as input: a sentence, or label<TAB>sentence, a line."""

import array
import functools
import pathlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import numpy as np
import tensorflow as tf

from du_vae_tf import datasets
from du_vae_tf.data import encoding
from du_vae_tf.data import text_batching
from du_vae_tf.data import text_reader
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.embedding_jobs import inputs
from du_vae_tf.embedding_jobs import text_lines
from du_vae_tf.embedding_jobs import text_rows


class TextInput:
  """Sentences under the vocabulary of a run. A line is kept as ids alone.

  Args:
    path: of the file, plain or gzip.
    vocabulary: of the run.
    max_length: longer sentences are cut to so many words, as in training.
    line_format: of the data set that the run was trained on.
  """

  element_spec: Mapping[str, tf.TensorSpec] = text_batching.ELEMENT_SPEC

  def __init__(self, path: pathlib.Path, vocabulary: vocabulary_lib.Vocabulary, max_length: int,
               line_format: datasets.LineFormat | None):
    self._path = path
    self._vocabulary = vocabulary
    self._max_length = max_length
    self._line_format = line_format
    # One handle for all shards: in a packed file only the way forward is cheap.
    self._text = text_lines.open_text(path)
    self._reading = threading.Lock()

  def plan(self, rows_per_shard: int, check: Callable[[], None]) -> inputs.Plan:
    """See `inputs.Input`."""
    index = text_lines.index(self._path, rows_per_shard, check)
    shards = [shard._replace(offset=offset) for shard, offset in zip(
        inputs.cut(index.num_lines, rows_per_shard), index.offsets, strict=True)]
    row_format = text_rows.detect(
        self._lines(0, 0, index.num_lines), self._line_format)
    return inputs.Plan(index.digest, index.num_lines, row_format, shards)

  def read(self, shard: inputs.Shard, row_format: str) -> inputs.ShardRows:
    """See `inputs.Input`."""
    rows, labels = array.array("q"), []
    dead_letters = []

    def sentences() -> Iterator[bytes]:
      lines = self._lines(cast(int, shard.offset), shard.first_row, shard.num_rows)
      for number, line in enumerate(lines, shard.first_row):
        parsed = text_rows.parse(line, cast(text_rows.RowFormat, row_format))
        if isinstance(parsed, str):
          dead_letters.append(inputs.DeadLetter(number, parsed))
        else:
          rows.append(number)
          labels.append(parsed.label)
          yield parsed.sentence

    with self._reading:
      split, counts = encoding.encode_sentences(sentences(), self._vocabulary, self._max_length)
    kinds = {"sentences with numbers as labels": np.int64,
             "sentences with names as labels": np.str_}
    return inputs.ShardRows(
        rows=np.array(rows, np.int64),
        labels=np.array(labels, kinds[row_format]) if row_format in kinds else None,
        batches=functools.partial(text_batching.evaluation_dataset, split),
        dead_letters=dead_letters,
        counts={"words": counts.words, "unknown": counts.unknown, "cut": counts.cut})

  def _lines(self, offset: int, first: int, count: int) -> Iterator[bytes | None]:
    """Lines from the one of number `first`, which begins at `offset`."""
    for number, line in enumerate(text_lines.read(self._text, offset, count), first):
      is_head = number == 0 and line is not None
      yield line.removeprefix(text_reader.BYTE_ORDER_MARK) if is_head and line else line
