"""Batches of images.

A batch has `image` float32 [b, side, side, 1], `label` int32 [b] (-1: none) and `row` int64 [b]
(number of the row in its split). Images for training are grey: probabilities of ink.
"""

import functools

import numpy as np
import tensorflow as tf

from du_vae_tf.data import batch_plans
from du_vae_tf.data import batching
from du_vae_tf.data import image_splits


def element_spec(side: int) -> dict[str, tf.TensorSpec]:
  """What a batch of images of that side is."""
  return {
      "image": tf.TensorSpec([None, side, side, 1], tf.float32),
      "label": tf.TensorSpec([None], tf.int32),
      "row": tf.TensorSpec([None], tf.int64),
  }


def train_batches(
    split: image_splits.ImageSplit, batch_size: int, seed: int
) -> batching.TrainBatches:
  """The training batches of all epochs, a pure function of (seed, epoch).

  Every image once in an epoch, in ceil(N / batch size) batches whose sizes differ by at most one.

  Args:
    split: the training split.
    batch_size: the largest batch, over all replicas.
    seed: of the run.
  """
  # As sentences, all of one length.
  return batching.TrainBatches(
      lambda epoch: batch_plans.NearEqual(
          split.num_examples, np.zeros_like, batch_size, seed, epoch),
      functools.partial(_assemble, split), element_spec(split.side))


def evaluation_dataset(
    split: image_splits.ImageSplit, batch_size: int, max_examples: int | None = None
) -> tf.data.Dataset:
  """Every image once, in the order of the split.

  Args:
    split: what is evaluated.
    batch_size: the largest batch.
    max_examples: only the first images of the split; None takes all.
  """
  plan = batch_plans.evaluation(
      np.zeros(split.num_examples, np.int64), batch_size, max_examples)
  return batching.dataset(plan, functools.partial(_assemble, split), element_spec(split.side))


def _assemble(split: image_splits.ImageSplit, rows: np.ndarray) -> dict[str, np.ndarray]:
  return {
      "image": np.asarray(split.images[rows], np.float32),
      "label": np.asarray(split.labels[rows]),
      "row": rows.astype(np.int64),
  }
