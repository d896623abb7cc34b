"""What an objective may ask of the global batch, the rows of all replicas together."""

import tensorflow as tf


class GlobalBatch:
  """The global batch, seen from a replica; gradients reach the rows of all replicas.

  Args:
    rows: of the global batch, float scalar.
  """

  def __init__(self, rows: tf.Tensor) -> None:
    self.rows = rows
    self._context = tf.distribute.get_replica_context()

  def mean(self, values: tf.Tensor) -> tf.Tensor:
    """The mean over all rows of what this replica's rows have [b, ...]."""
    return self._context.all_reduce("SUM", tf.reduce_sum(values, axis=0)) / self.rows

  def gather(self, values: tf.Tensor) -> tf.Tensor:
    """What all rows have [B, n] from what this replica's rows have [b, n]."""
    replicas = self._context.num_replicas_in_sync
    if replicas == 1:
      return values
    rows = tf.shape(values)[0]
    replica = self._context.replica_id_in_sync_group
    counts = self._context.all_reduce("SUM", tf.one_hot(replica, replicas, dtype=tf.int32) * rows)
    before = tf.reduce_sum(counts[:replica])
    after = tf.reduce_sum(counts) - before - rows
    # A sum in which every row has one replica that knows it: it has a gradient, as gathering has
    # not for pieces of different sizes.
    return self._context.all_reduce("SUM", tf.pad(values, [[before, after], [0, 0]]))
