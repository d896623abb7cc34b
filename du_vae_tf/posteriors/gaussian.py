"""Gaussian posterior with a diagonal covariance."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def standard_normal(latent_dim: int,
                    dtype: tf.DType = tf.float32) -> tfp.distributions.Distribution:
  """The prior p(z): batch shape [], event shape [latent_dim]."""
  return tfd.MultivariateNormalDiag(tf.zeros([latent_dim], dtype), tf.ones([latent_dim], dtype))


class GaussianPosterior:
  """q(z | x) = N(mean, diag(variance)); all densities in nats.

  Args:
    mean: float tensor [b, n].
    variance: float tensor [b, n], entries > 0.

  Attributes:
    mean: as given.
    variance: as given.
    distribution: the `tfd.MultivariateNormalDiag`, batch shape [b], event shape [n].
  """

  def __init__(self, mean: tf.Tensor, variance: tf.Tensor) -> None:
    self.mean = mean
    self.variance = variance
    self._scale = tf.sqrt(variance)
    self.distribution = tfd.MultivariateNormalDiag(mean, self._scale)

  def sample_and_log_prob(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The sample that standard normal noise stands for, with its log-density.

    Args:
      noise: float tensor [..., b, n].

    Returns:
      z [..., b, n] and log q(z | x) [..., b]. The density is taken from the noise, as recovering
      the noise from z cancels where the variance is small.
    """
    z = self.mean + self._scale * noise
    prior = standard_normal(self.mean.shape[-1], noise.dtype)
    log_determinant = self.distribution.scale.log_abs_determinant()
    return z, prior.log_prob(noise) - log_determinant

  def log_prob(self, z: tf.Tensor) -> tf.Tensor:
    """log q(z | x) of given z [..., b, n]: [..., b]."""
    return self.distribution.log_prob(z)

  def kl(self) -> tf.Tensor:
    """KL(q(z | x) || N(0, 1)) [b]."""
    prior = standard_normal(self.mean.shape[-1], self.mean.dtype)
    return tfd.kl_divergence(self.distribution, prior)

  def kl_per_dimension(self) -> tf.Tensor:
    """The part of every latent dimension in `kl`, [b, n]."""
    one = tf.ones([], self.mean.dtype)
    return tfd.kl_divergence(tfd.Normal(self.mean, self._scale), tfd.Normal(0.0 * one, one))
