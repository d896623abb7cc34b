"""What networks of text read of a batch."""

from collections.abc import Mapping

import tensorflow as tf


def ids_and_length(batch: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
  """`ids` [b, t], padded to at least two positions, and `length` [b].

  A replica that receives no row gets ids of shape [0, 0]; start and end symbol are two positions.
  """
  ids = batch["ids"]
  missing = tf.maximum(0, 2 - tf.shape(ids)[1])
  return tf.pad(ids, [[0, 0], [0, missing]]), batch["length"]
