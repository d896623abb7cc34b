"""Batches of text as `tf.data`.

A batch is a dict: `ids` int32 [b, t] (`<s> w1 .. wL </s>`, then `<pad>`), `length` int32 [b]
(L + 2), `label` int32 [b] (-1: none) and `row` int64 [b] (number of the row in its split). Batch
and time have no fixed size, so that a function traced once takes every batch.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from du_vae_tf import errors
from du_vae_tf.data import batch_plans
from du_vae_tf.data import datasets
from du_vae_tf.data import encoding
from du_vae_tf.data import vocabulary

ELEMENT_SPEC: dict[str, tf.TensorSpec] = {
    "ids": tf.TensorSpec([None, None], tf.int32),
    "length": tf.TensorSpec([None], tf.int32),
    "label": tf.TensorSpec([None], tf.int32),
    "row": tf.TensorSpec([None], tf.int64),
}
_PREFETCH = 8


class TrainBatches:
  """The training batches of all epochs, a pure function of (seed, epoch).

  Args:
    split: the training split.
    batch_size: the largest batch, over all replicas.
    batching: "near_equal" or "equal_length"; see `batch_plans`.
    seed: of the run.

  Attributes:
    batches_per_epoch: the same in every epoch.
    rows_left_out: rows that no batch has.

  Raises:
    errors.UserError: no batch remains.
  """

  def __init__(
      self,
      split: encoding.EncodedSplit,
      batch_size: int,
      batching: str,
      seed: int,
  ) -> None:
    if batching not in ("near_equal", "equal_length"):
      raise ValueError(
          f"`batching` must be near_equal or equal_length. Received: batching={batching}.")
    self._split = split
    self._lengths = split.lengths
    self._batch_size = batch_size
    self._seed = seed
    self._fixed: list[np.ndarray] | None = None
    self.rows_left_out = 0
    if batching == "equal_length":
      self._fixed = batch_plans.equal_length(self._lengths, batch_size)
      self.rows_left_out = split.num_examples - sum(map(len, self._fixed))
      if not self._fixed:
        raise errors.UserError(
            f"--batching=equal_length: with --batch_size={batch_size} no batch has"
            f" {datasets.MIN_TRAINING_ROWS} sentences of one length, and smaller ones are skipped;"
            " use --batching=near_equal.")
    self.batches_per_epoch = len(self.plan(0))

  def plan(self, epoch: int) -> list[np.ndarray]:
    """The row numbers of the batches of an epoch, in order."""
    if self._fixed is None:
      return batch_plans.near_equal(self._lengths, self._batch_size, self._seed, epoch)
    order = np.random.default_rng([self._seed, epoch]).permutation(len(self._fixed))
    return [self._fixed[batch] for batch in order]

  def dataset(self, epoch: int, first: int = 0) -> tf.data.Dataset:
    """The batches of an epoch.

    Args:
      epoch: from 0.
      first: batches to leave out at the beginning; they are not built.
    """
    return _dataset(self._split, self.plan(epoch)[first:])


def evaluation_dataset(
    split: encoding.EncodedSplit, batch_size: int, max_examples: int | None = None
) -> tf.data.Dataset:
  """Every row once, shortest first, always in the same order.

  Args:
    split: what is evaluated.
    batch_size: the largest batch.
    max_examples: only the first rows of the split; None takes all.
  """
  return _dataset(split, batch_plans.evaluation(split.lengths, batch_size, max_examples))


def pad_batch(sentences: Sequence[Sequence[int]], extra_padding: int = 0) -> dict[str, tf.Tensor]:
  """A batch of given sentences (word ids without `<s>` and `</s>`), rows numbered from 0.

  Args:
    sentences: word ids; may be empty lists.
    extra_padding: columns of `<pad>` more than the longest sentence needs.
  """
  lengths = [len(sentence) for sentence in sentences]
  split = encoding.EncodedSplit(
      tokens=np.array([word for sentence in sentences for word in sentence], np.int32),
      offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
      labels=np.full(len(sentences), -1, np.int32))
  batch = _assemble(split, np.arange(len(sentences)), extra_padding)
  return {name: tf.constant(value) for name, value in batch.items()}


def _dataset(split: encoding.EncodedSplit, plan: Sequence[np.ndarray]) -> tf.data.Dataset:
  def generate() -> Iterator[dict[str, np.ndarray]]:
    for rows in plan:
      yield _assemble(split, rows)

  dataset = tf.data.Dataset.from_generator(generate, output_signature=ELEMENT_SPEC)
  dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(plan)))
  return dataset.prefetch(_PREFETCH)


def _assemble(
    split: encoding.EncodedSplit, rows: np.ndarray, extra_padding: int = 0
) -> dict[str, np.ndarray]:
  """One batch, without a loop over rows or words."""
  begin = split.offsets[rows]
  length = split.offsets[rows + 1] - begin
  longest = int(length.max())
  ids = np.full((len(rows), longest + 2 + extra_padding), vocabulary.PAD, np.int32)
  ids[:, 0] = vocabulary.START
  column = np.arange(longest)
  in_row, at = np.nonzero(column < length[:, None])
  ids[in_row, at + 1] = split.tokens[begin[in_row] + at]
  ids[np.arange(len(rows)), length + 1] = vocabulary.END
  return {
      "ids": ids,
      "length": (length + 2).astype(np.int32),
      "label": np.asarray(split.labels[rows], np.int32),
      "row": rows.astype(np.int64),
  }
