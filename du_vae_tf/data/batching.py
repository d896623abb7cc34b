"""Batches as `tf.data`, whatever an example is.

A batch is a dict of arrays whose first axis has no fixed size, so that a function traced once
takes every batch. A plan gives arrays of row numbers, one per batch, in order.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np
import tensorflow as tf

Assemble = Callable[[np.ndarray], dict[str, np.ndarray]]
Spec = Mapping[str, tf.TensorSpec]

_PREFETCH = 8


class Plan(Protocol):
  """The row numbers of each batch."""

  def __len__(self) -> int:
    """Number of batches."""

  def __getitem__(self, batch: int, /) -> np.ndarray:
    """Row numbers of one batch."""


class TrainBatches:
  """The training batches of all epochs.

  Args:
    plan: epoch, from 0 -> the row numbers of its batches; a pure function.
    assemble: row numbers -> batch.
    spec: what a batch is.

  Attributes:
    plan: as given.
    assemble: as given.
    batches_per_epoch: the same in every epoch.
  """

  def __init__(self, plan: Callable[[int], Plan], assemble: Assemble, spec: Spec) -> None:
    self.plan = plan
    self.assemble = assemble
    self._spec = spec
    self.batches_per_epoch = len(plan(0))

  def dataset(self, epoch: int, first: int = 0) -> tf.data.Dataset:
    """The batches of an epoch.

    Args:
      epoch: from 0.
      first: batches to leave out at the beginning; they are not built.
    """
    return dataset(self.plan(epoch), self.assemble, self._spec, first)

  def epochs(self, first: int, end: int) -> tf.data.Dataset:
    """The batches of several epochs, one epoch after the other; of no announced number.

    Args:
      first: epoch, from 0.
      end: the epoch after the last one.
    """
    def rows() -> Iterator[np.ndarray]:
      for epoch in range(first, end):
        yield from _rows(self.plan(epoch))

    return _generated(rows, self.assemble, self._spec).prefetch(_PREFETCH)


def dataset(plan: Plan, assemble: Assemble, spec: Spec, first: int = 0) -> tf.data.Dataset:
  """The batches of a plan.

  Args:
    plan: row numbers of each batch.
    assemble: row numbers -> batch.
    spec: what a batch is.
    first: batches to leave out at the beginning.
  """
  batches = _generated(lambda: _rows(plan, first), assemble, spec)
  batches = batches.apply(tf.data.experimental.assert_cardinality(len(plan) - first))
  return batches.prefetch(_PREFETCH)


def _rows(plan: Plan, first: int = 0) -> Iterator[np.ndarray]:
  return (plan[batch] for batch in range(first, len(plan)))


def _generated(plan: Callable[[], Iterator[np.ndarray]], assemble: Assemble,
               spec: Spec) -> tf.data.Dataset:
  def generate() -> Iterator[dict[str, np.ndarray]]:
    for rows in plan():
      yield assemble(rows)

  return tf.data.Dataset.from_generator(generate, output_signature=dict(spec))
