"""Gaussian posterior whose KL to the prior cannot fall below a floor."""

import math

import scipy.special
import tensorflow as tf

from du_vae_tf.posteriors import gaussian

# The square root of the mean has an infinite slope at 0.
_SMALLEST_SQUARE = 1e-6


def scale_bounds(delta: float) -> tuple[float, float]:
  """The scales between which a KL of delta leaves room for a mean.

  Their squares solve ln v - v + 2 delta + 1 = 0, so that N(0, v) has a KL of delta.

  Args:
    delta: > 0, nats.

  Raises:
    ValueError: `delta` is not > 0.
  """
  if not delta > 0.0:
    raise ValueError(f"`delta` must be > 0. Received: delta={delta}.")
  argument = -math.exp(-(2.0 * delta + 1.0))
  lower, upper = (-scipy.special.lambertw(argument, branch).real for branch in (0, -1))
  return math.sqrt(lower), math.sqrt(upper)


class DeltaGaussian:
  """The family of Gaussian posteriors with a KL of at least delta in every dimension.

      sigma = sigma_l + (sigma_u - sigma_l) sigmoid(s)
      mu = sqrt(2 delta + 1 + ln sigma^2 - sigma^2 + max(0, m))

  so that KL_d = delta + max(0, m_d) / 2 whatever sigma is; m and s are what the encoder gives.

  Source: Razavi et al. 2019, the uncorrelated case of their section 2.

  Args:
    delta: floor of the KL of a dimension, > 0, nats.
  """

  evaluation_samples = 1
  networks = ()

  def __init__(self, delta: float) -> None:
    self._delta = delta
    self._bounds = scale_bounds(delta)

  def variance(self, raw: tf.Tensor) -> tf.Tensor:
    """sigma^2 [b, n] of s [b, n]."""
    lower, upper = self._bounds
    return tf.square(lower + (upper - lower) * tf.sigmoid(raw))

  def posterior(self, mean: tf.Tensor, variance: tf.Tensor) -> gaussian.GaussianPosterior:
    """q(z | x) of m [b, n] and sigma^2 [b, n]."""
    square = 2.0 * self._delta + 1.0 + tf.math.log(variance) - variance + tf.nn.relu(mean)
    return gaussian.GaussianPosterior(tf.sqrt(tf.maximum(square, _SMALLEST_SQUARE)), variance)
