"""Posterior of an autoencoder that decodes its means."""

import math

import tensorflow as tf

from du_vae_tf.posteriors import gaussian

# Without a KL variances fall without end, and densities and mutual information with them.
MIN_LOG_VARIANCE = -10.0


class PointPosterior(gaussian.GaussianPosterior):
  """A narrow Gaussian whose mean is what is decoded.

  Densities, and the samples of importance weighting, are those of the Gaussian.
  """

  def terms(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
    """See `GaussianPosterior.terms`; `sample` is the mean."""
    return super().terms(noise) | {"sample": self.mean}


class Point(gaussian.Gaussian):
  """The family of these posteriors: the variance is exp(-10) whatever the encoder gives for it."""

  def variance(self, log_variance: tf.Tensor) -> tf.Tensor:
    """exp(-10) in every dimension."""
    return tf.fill(tf.shape(log_variance), math.exp(MIN_LOG_VARIANCE))

  def posterior(self, mean: tf.Tensor, variance: tf.Tensor) -> PointPosterior:
    """q(z | x)."""
    return PointPosterior(mean, variance)
