"""Devices: which strategy, and how a global batch is shared among replicas."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf.training import workers

Batch = dict[str, tf.Tensor]


def make_strategy(name: str) -> tf.distribute.Strategy:
  """The strategy of that name.

  Args:
    name: `one_device`; `mirrored` over all GPUs, or over all logical CPU devices where there is
      no GPU; `auto` is `mirrored` where there are several GPUs, else `one_device`;
      `multi_worker` over the machines that `TF_CONFIG` names, and the GPUs of each. That one must
      be made before TensorFlow does anything, and waits until all are there.

  Raises:
    errors.UserError: `TF_CONFIG` names no machines.
  """
  if name == "multi_worker":
    return workers.join()
  gpus = tf.config.list_logical_devices("GPU")
  if name == "one_device" or (name == "auto" and len(gpus) < 2):
    return tf.distribute.get_strategy()
  devices = gpus or tf.config.list_logical_devices("CPU")
  return tf.distribute.MirroredStrategy([device.name for device in devices])


def distribute_batch(batch: Mapping[str, np.ndarray], strategy: tf.distribute.Strategy) -> Any:
  """One global batch, shared as `distribute` shares those of a data set."""
  pieces = strategy.num_replicas_in_sync
  if pieces == 1:
    return {name: tf.constant(value) for name, value in batch.items()}
  rows = len(batch["row"])

  def piece(context: tf.distribute.experimental.ValueContext) -> Batch:
    number = context.replica_id_in_sync_group
    return {name: tf.constant(value[rows * number // pieces:rows * (number + 1) // pieces])
            for name, value in batch.items()}

  return strategy.experimental_distribute_values_from_function(piece)


def distribute(dataset: tf.data.Dataset, strategy: tf.distribute.Strategy) -> Any:
  """Shares each global batch among the replicas in pieces whose sizes differ by at most one.

  The pieces are cut here, rather than by the strategy, because it cannot cut batches whose sizes
  vary without changing which rows come together. A piece may be empty.

  Args:
    dataset: of global batches.
    strategy: whose replicas take the pieces.

  Returns:
    An iterable of one global step per element.
  """
  pieces = strategy.num_replicas_in_sync
  if pieces == 1:
    return dataset

  def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
    here = pieces // context.num_input_pipelines
    first = context.input_pipeline_id * here

    def cut(batch: Batch) -> tf.data.Dataset:
      rows = tf.shape(batch["row"], out_type=tf.int64)[0]
      return tf.data.Dataset.range(first, first + here).map(lambda piece: {
          name: value[rows * piece // pieces:rows * (piece + 1) // pieces]
          for name, value in batch.items()})

    return dataset.flat_map(cut)

  return strategy.distribute_datasets_from_function(of_worker)
