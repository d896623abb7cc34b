"""Gaussian posterior with a diagonal covariance."""

import tensorflow as tf
import tensorflow_probability as tfp

from du_vae_tf.posteriors import bounds

tfd = tfp.distributions

# exp(s) stays within [2e-9, 2.2e4]: no overflow, and no variance whose logarithm is lost.
MIN_LOG_VARIANCE = -20.0
MAX_LOG_VARIANCE = 10.0


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
    scale: square root of the variance.
    distribution: the `tfd.MultivariateNormalDiag`, batch shape [b], event shape [n].
  """

  def __init__(self, mean: tf.Tensor, variance: tf.Tensor) -> None:
    self.mean = mean
    self.variance = variance
    self.scale = tf.sqrt(variance)
    self.distribution = tfd.MultivariateNormalDiag(mean, self.scale)

  @property
  def center(self) -> tf.Tensor:
    """z of zero noise, [b, n]: what stands for an example where one z is wanted."""
    return self.mean

  def representation(self) -> tf.Tensor:
    """What stands for an example in other tasks: the mean, [b, n]."""
    return self.mean

  def sample_and_log_prob(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The sample that standard normal noise stands for, with its log-density.

    Args:
      noise: float tensor [..., b, n].

    Returns:
      z [..., b, n] and log q(z | x) [..., b]. The density is taken from the noise, as recovering
      the noise from z cancels where the variance is small.
    """
    z = self.mean + self.scale * noise
    prior = standard_normal(self.mean.shape[-1], noise.dtype)
    log_determinant = self.distribution.scale.log_abs_determinant()
    return z, prior.log_prob(noise) - log_determinant

  def log_prob(self, z: tf.Tensor) -> tf.Tensor:
    """log q(z | x) of given z [..., b, n]: [..., b]."""
    return self.distribution.log_prob(z)

  def kl_per_dimension(self) -> tf.Tensor:
    """KL to the prior of each latent dimension in closed form, [b, n]."""
    one = tf.ones([], self.mean.dtype)
    return tfd.kl_divergence(tfd.Normal(self.mean, self.scale), tfd.Normal(0.0 * one, one))

  def terms(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
    """What of the evidence lower bound lies in the latent space.

    Args:
      noise: standard normal float tensor [s, b, n].

    Returns:
      `sample` [b, n]: z of the first noise; `kl_per_dimension` [b, n]: KL to the prior, nats.
    """
    return {"sample": self.mean + self.scale * noise[0],
            "kl_per_dimension": self.kl_per_dimension()}


class Gaussian:
  """The family of these posteriors: from what an encoder gives to q(z | x).

  Args:
    min_log_variance: the log-variance is cut to at least this.
  """

  # Samples of which Monte Carlo estimates in evaluation are the mean; KL needs none.
  evaluation_samples = 1
  networks = ()

  def __init__(self, min_log_variance: float = MIN_LOG_VARIANCE) -> None:
    self._min_log_variance = min_log_variance

  def variance(self, log_variance: tf.Tensor) -> tf.Tensor:
    """exp(s), s bounded."""
    return tf.exp(bounds.bounded(log_variance, self._min_log_variance, MAX_LOG_VARIANCE))

  def posterior(self, mean: tf.Tensor, variance: tf.Tensor) -> GaussianPosterior:
    """q(z | x)."""
    return GaussianPosterior(mean, variance)
