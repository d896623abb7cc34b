"""What is embedded: rows, cut into shards that can be read one by one."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf


class Shard(NamedTuple):
  """Consecutive rows of the input, which become one file.

  Attributes:
    number: from 0.
    first_row: number of its first row in the input, from 0.
    num_rows: of the input, unusable ones included.
    offset: of text: the byte at which its first line begins, of the unpacked text.
  """

  number: int
  first_row: int
  num_rows: int
  offset: int | None


class DeadLetter(NamedTuple):
  """A row that cannot be embedded: its number in the input, and why not."""

  row: int
  reason: str


@dataclasses.dataclass(frozen=True)
class Plan:
  """How the input is cut.

  Attributes:
    digest: hex digits that name the content of the input.
    num_rows: of the input.
    row_format: what a row is; `Input.read` takes it.
    shards: in order; together every row once.
  """

  digest: str
  num_rows: int
  row_format: str
  shards: list[Shard]


@dataclasses.dataclass(frozen=True)
class ShardRows:
  """The rows of a shard that can be embedded.

  Attributes:
    rows: int64 [n], their numbers in the input, ascending.
    labels: int64 or strings [n]; None where rows have no labels.
    batches: batch size -> their batches, whose `row` counts within the n.
    dead_letters: the other rows of the shard.
    counts: figures that add up over shards.
  """

  rows: np.ndarray
  labels: np.ndarray | None
  batches: Callable[[int], tf.data.Dataset]
  dead_letters: list[DeadLetter]
  counts: Mapping[str, int]


class Input(Protocol):
  """A file of rows."""

  @property
  def element_spec(self) -> Mapping[str, tf.TensorSpec]:
    """What a batch is."""

  def plan(self, rows_per_shard: int, check: Callable[[], None]) -> Plan:
    """Reads the file once to its end and cuts it.

    Raises:
      errors.UserError: it is no such file.
    """

  def read(self, shard: Shard, row_format: str) -> ShardRows:
    """The rows of a shard; may be called from several threads."""


def cut(num_rows: int, rows_per_shard: int) -> list[Shard]:
  """Shards of so many rows, the last one with the rest; without offsets."""
  return [Shard(number, first, min(rows_per_shard, num_rows - first), None)
          for number, first in enumerate(range(0, num_rows, rows_per_shard))]
