"""Tests of the Gaussian posterior."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from du_vae_tf.posteriors import gaussian

BATCH, LATENT_DIM = 4, 3
RANDOM = np.random.default_rng(0)
MEAN = RANDOM.normal(size=(BATCH, LATENT_DIM))
VARIANCE = RANDOM.gamma(1.0, size=(BATCH, LATENT_DIM))
NOISE = RANDOM.normal(size=(5, BATCH, LATENT_DIM))


def make_posterior() -> gaussian.GaussianPosterior:
  return gaussian.GaussianPosterior(tf.constant(MEAN), tf.constant(VARIANCE))


def log_density(z: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
  return -0.5 * np.sum(
      np.log(2.0 * math.pi * variance) + np.square(z - mean) / variance, axis=-1)


class GaussianPosteriorTest(tf.test.TestCase):

  def test_is_a_diagonal_gaussian_of_tfp(self) -> None:
    distribution = make_posterior().distribution
    self.assertIsInstance(distribution, tfp.distributions.MultivariateNormalDiag)
    self.assertEqual(distribution.batch_shape, [BATCH])
    self.assertEqual(distribution.event_shape, [LATENT_DIM])
    self.assertAllClose(distribution.variance(), VARIANCE, rtol=1e-12, atol=0.0)

  def test_sample_is_the_affine_map_of_the_noise_with_its_density(self) -> None:
    posterior = make_posterior()
    z, log_prob = posterior.sample_and_log_prob(tf.constant(NOISE))
    self.assertAllClose(z, MEAN + np.sqrt(VARIANCE) * NOISE, rtol=1e-12, atol=1e-12)
    self.assertAllClose(log_prob, log_density(z.numpy(), MEAN, VARIANCE), rtol=1e-10, atol=1e-10)
    self.assertAllClose(posterior.log_prob(z), log_prob, rtol=1e-10, atol=1e-10)

  def test_density_of_a_sample_survives_a_tiny_variance_in_float32(self) -> None:
    posterior = gaussian.GaussianPosterior(tf.constant([[3.0]]), tf.constant([[1e-12]]))
    _, log_prob = posterior.sample_and_log_prob(tf.constant([[0.7]]))
    expected = -0.5 * (math.log(2.0 * math.pi * 1e-12) + 0.49)
    self.assertAllClose(log_prob, [expected], rtol=1e-6, atol=0.0)

  def test_kl_splits_the_closed_form_over_dimensions(self) -> None:
    posterior = make_posterior()
    expected = 0.5 * (MEAN**2 + VARIANCE - np.log(VARIANCE) - 1.0)
    kl = posterior.kl_per_dimension()
    self.assertAllEqual(posterior.terms(tf.constant(NOISE))["kl_per_dimension"], kl)
    self.assertAllClose(kl, expected, rtol=1e-10, atol=1e-12)
    prior = gaussian.standard_normal(LATENT_DIM, tf.float64)
    self.assertAllClose(tf.reduce_sum(kl, axis=-1), posterior.distribution.kl_divergence(prior),
                        rtol=1e-10, atol=1e-12)

  def test_terms_sample_the_first_noise(self) -> None:
    self.assertAllClose(make_posterior().terms(tf.constant(NOISE))["sample"],
                        MEAN + np.sqrt(VARIANCE) * NOISE[0], rtol=1e-12, atol=1e-12)

  def test_mean_stands_for_the_example(self) -> None:
    posterior = make_posterior()
    self.assertAllEqual(posterior.center, MEAN)
    self.assertAllEqual(posterior.representation(), MEAN)

  def test_kl_gradients_are_the_closed_form(self) -> None:
    mean, variance = tf.constant(MEAN), tf.constant(VARIANCE)
    with tf.GradientTape() as tape:
      tape.watch([mean, variance])
      kl = gaussian.GaussianPosterior(mean, variance).kl_per_dimension()
    by_mean, by_variance = tape.gradient(kl, [mean, variance])
    self.assertAllClose(by_mean, MEAN, rtol=1e-10, atol=1e-12)
    self.assertAllClose(by_variance, 0.5 * (1.0 - 1.0 / VARIANCE), rtol=1e-10, atol=1e-12)

  def test_samples_are_reparameterized(self) -> None:
    mean, variance = tf.constant(MEAN), tf.constant(VARIANCE)
    with tf.GradientTape() as tape:
      tape.watch([mean, variance])
      z, _ = gaussian.GaussianPosterior(mean, variance).sample_and_log_prob(tf.constant(NOISE[0]))
    by_mean, by_variance = tape.gradient(z, [mean, variance])
    self.assertAllEqual(by_mean, np.ones_like(MEAN))
    self.assertAllClose(by_variance, NOISE[0] / (2.0 * np.sqrt(VARIANCE)), rtol=1e-10, atol=0.0)

  def test_prior_is_standard_normal(self) -> None:
    prior = gaussian.standard_normal(LATENT_DIM, tf.float64)
    expected = log_density(NOISE, np.zeros(LATENT_DIM), np.ones(LATENT_DIM))
    self.assertAllClose(prior.log_prob(NOISE), expected, rtol=1e-12, atol=1e-12)


if __name__ == "__main__":
  tf.test.main()
