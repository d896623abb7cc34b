"""Bounds on what an encoder gives for variances."""

from typing import Any

import tensorflow as tf


@tf.custom_gradient
def bounded(values: tf.Tensor, lower: float, upper: float) -> Any:
  """`values` cut to [lower, upper], with a gradient that leads back between the bounds.

  Outside, the derivative of the cut itself is 0, and what is once there stays. Here the gradient
  passes where a step against it goes towards the bounds, and is 0 where it goes further away.

  Args:
    values: float tensor.
    lower: smallest value given back.
    upper: largest value given back, > lower.
  """

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None, None]:
    leads_away = tf.logical_or(
        tf.logical_and(values > upper, upstream < 0.0),
        tf.logical_and(values < lower, upstream > 0.0))
    return tf.where(leads_away, tf.zeros_like(upstream), upstream), None, None

  return tf.clip_by_value(values, lower, upper), gradient
