"""Moments of a batch that several replicas share."""

import keras
import tensorflow as tf


def batch_moments(tensor: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Mean and variance of the last axis' entries, over all other axes and all replicas.

  Two passes, the mean and then the centred squares, because E[x^2] - E[x]^2 cancels where the
  spread is small against the mean. Replicas may hold different numbers of rows, also none.

  Args:
    tensor: float32 [..., c].

  Returns:
    mean [c], biased variance [c] and the number of values behind each, a float scalar. Where no
    replica has a row all are 0.
  """
  values = tf.reshape(tensor, [-1, tensor.shape[-1]])
  rows = tf.cast(tf.shape(values)[:1], tensor.dtype)
  totals = _sum_over_replicas(tf.concat([tf.reduce_sum(values, axis=0), rows], axis=0))
  count = totals[-1]
  divisor = tf.maximum(count, 1.0)
  center = totals[:-1] / divisor
  squares = _sum_over_replicas(tf.reduce_sum(tf.square(values - center), axis=0))
  return center, squares / divisor, count


def add_running_moments(layer: keras.layers.Layer, shape: tuple[int | None, ...]
                        ) -> tuple[keras.Variable, keras.Variable]:
  """Gives a layer a running mean of that shape, at first 0, and a running variance, at first 1."""
  # All replicas compute the same moments, so the first one's assignment stands for all.
  mean, variance = (
      layer.add_weight(name=name, shape=shape, dtype="float32", autocast=False, trainable=False,
                       initializer=initializer, aggregation="only_first_replica")
      for name, initializer in (("moving_mean", "zeros"), ("moving_variance", "ones")))
  return mean, variance


def update_averages(moving_mean: keras.Variable, moving_variance: keras.Variable, momentum: float,
                    mean: tf.Tensor, variance: tf.Tensor, count: tf.Tensor) -> None:
  """Moves running moments towards those of a batch, if the batch has rows.

  Args:
    moving_mean: running mean [c].
    moving_variance: running variance [c]; takes the unbiased one, as the authors' framework does.
    momentum: weight of the old values, in [0, 1).
    mean: of the batch, [c].
    variance: of the batch, biased, [c].
    count: values behind each.
  """
  unbiased = variance * (count / tf.maximum(count - 1.0, 1.0))
  for average, value in ((moving_mean, mean), (moving_variance, unbiased)):
    new = momentum * average.value + (1.0 - momentum) * tf.stop_gradient(value)
    average.assign(tf.where(count > 0.0, new, average.value))


def num_replicas() -> int:
  """Replicas that run the step together."""
  context = tf.distribute.get_replica_context()
  return 1 if context is None else context.num_replicas_in_sync


def _sum_over_replicas(tensor: tf.Tensor) -> tf.Tensor:
  """The sum over all replicas that run the step together; differentiable."""
  if num_replicas() == 1:
    return tensor
  return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensor)
