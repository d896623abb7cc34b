"""Batches of text.

A batch has `ids` int32 [b, t] (`<s> w1 .. wL </s>`, then `<pad>`), `length` int32 [b] (L + 2),
`label` int32 [b] (-1: none) and `row` int64 [b] (number of the row in its split).
"""

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.data import batch_plans
from du_vae_tf.data import batching
from du_vae_tf.data import encoding
from du_vae_tf.data import vocabulary

ELEMENT_SPEC: dict[str, tf.TensorSpec] = {
    "ids": tf.TensorSpec([None, None], tf.int32),
    "length": tf.TensorSpec([None], tf.int32),
    "label": tf.TensorSpec([None], tf.int32),
    "row": tf.TensorSpec([None], tf.int64),
}


def train_batches(
    split: encoding.EncodedSplit, batch_size: int, kind: str | None, seed: int
) -> batching.TrainBatches:
  """The training batches of all epochs, a pure function of (seed, epoch).

  Args:
    split: the training split.
    batch_size: the largest batch, over all replicas.
    kind: "near_equal" or "equal_length"; see `batch_plans`.
    seed: of the run.

  Raises:
    errors.UserError: no batch remains.
  """
  if kind == "near_equal":
    def plan(epoch: int) -> batching.Plan:
      return batch_plans.NearEqual(
          split.num_examples, split.lengths_of, batch_size, seed, epoch)
  elif kind == "equal_length":
    fixed = batch_plans.equal_length(split.lengths, batch_size)
    if not fixed:
      raise errors.UserError(
          f"--batching=equal_length: with --batch_size={batch_size} no batch has"
          f" {datasets.MIN_TRAINING_ROWS} sentences of one length, and smaller ones are skipped;"
          " use --batching=near_equal.")

    def plan(epoch: int) -> batching.Plan:
      order = np.random.default_rng([seed, epoch]).permutation(len(fixed))
      return [fixed[batch] for batch in order]
  else:
    raise ValueError(f"`kind` must be near_equal or equal_length. Received: kind={kind}.")
  return batching.TrainBatches(plan, functools.partial(_assemble, split), ELEMENT_SPEC)


def evaluation_dataset(
    split: encoding.EncodedSplit, batch_size: int, max_examples: int | None = None
) -> tf.data.Dataset:
  """Every row once, shortest first, always in the same order.

  Args:
    split: what is evaluated.
    batch_size: the largest batch.
    max_examples: only the first rows of the split; None takes all.
  """
  plan = batch_plans.evaluation(split.lengths, batch_size, max_examples)
  return batching.dataset(plan, functools.partial(_assemble, split), ELEMENT_SPEC)


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
