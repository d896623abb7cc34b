"""Dropout on posterior variances."""

import math
from typing import Any

import keras
import tensorflow as tf

# A Gaussian with this variance has a differential entropy of exactly 0 nats.
ZERO_ENTROPY_VARIANCE = 1.0 / (2.0 * math.pi * math.e)


@keras.saving.register_keras_serializable(package="du_vae_tf")
class VarianceDropout(keras.layers.Layer):
  """Drops posterior variances to a floor instead of to zero.

  With u >= 0 the variance in excess of the floor, a the floor and p the keep probability:

      training:   a + g * u    g = 1 / p with probability p, else 0; one draw per element
      otherwise:  a + u        so that E[output | u] is the same in both

  The excess is what is carried, so nothing is ever subtracted and the output is never below the
  floor. At the default floor no conditional entropy of a dimension is below 0 nats.

  Source: Shen et al. 2021, section 3.2, eq. (6).

  Args:
    keep_prob: p, in (0, 1]; 1 leaves only the floor.
    floor: a > 0, in squared latent units.

  Call arguments:
    excess_variance: u, float tensor [b, n], entries >= 0.
    uniform: tensor [b, n] of draws from [0, 1), needed in training where p < 1; an element is
      kept where its draw is below p.
    active: bool or scalar bool tensor; if false, u is returned as it is, without floor and
      dropout, in training or not.
    training: whether to drop.

  Returns:
    the variance, shape and dtype of u.

  Raises:
    ValueError: an argument is out of its range, or `uniform` is missing.
  """

  def __init__(self, keep_prob: float, floor: float = ZERO_ENTROPY_VARIANCE,
               **kwargs: Any) -> None:
    super().__init__(**({"autocast": False} | kwargs))
    if not 0.0 < keep_prob <= 1.0:
      raise ValueError(f"`keep_prob` must be in (0, 1]. Received: keep_prob={keep_prob}.")
    if not floor > 0.0:
      raise ValueError(f"`floor` must be > 0. Received: floor={floor}.")
    self.keep_prob = keep_prob
    self.floor = floor

  def call(self, excess_variance: tf.Tensor, uniform: tf.Tensor | None = None,
           active: bool | tf.Tensor = True, training: bool = False) -> tf.Tensor:
    kept = excess_variance
    if training and self.keep_prob < 1.0:
      if uniform is None:
        raise ValueError(
            "`uniform` is needed in training with keep_prob < 1. Received: uniform=None,"
            f" keep_prob={self.keep_prob}.")
      kept = tf.where(uniform < self.keep_prob, kept / self.keep_prob, tf.zeros_like(kept))
    variance = self.floor + kept
    if isinstance(active, bool):
      return variance if active else excess_variance
    return tf.where(active, variance, excess_variance)

  def compute_output_shape(
      self, excess_variance_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return excess_variance_shape

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"keep_prob": self.keep_prob, "floor": self.floor}
