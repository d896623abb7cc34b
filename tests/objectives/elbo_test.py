"""The bound against a model whose likelihood is known."""

import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.objectives import elbo


def linear_gaussian(x: np.ndarray, slope: float, noise: float, mean: np.ndarray,
                    variance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """x = slope z + noise * e with z, e ~ N(0, 1), and q(z | x) = N(mean, variance).

  Returns:
    E_q[-log p(x | z)], KL(q || p) and -log p(x), each [b], nats.
  """
  reconstruction = 0.5 * (math.log(2.0 * math.pi * noise**2)
                          + ((x - slope * mean)**2 + slope**2 * variance) / noise**2)
  kl = 0.5 * (mean**2 + variance - math.log(variance) - 1.0)
  total = slope**2 + noise**2
  return reconstruction, kl, 0.5 * (math.log(2.0 * math.pi * total) + x**2 / total)


class ElboTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self) -> None:
    super().setUp()
    self.x = np.array([-1.5, 0.0, 0.3, 4.0])
    self.slope, self.noise = 0.7, 0.4
    total = self.slope**2 + self.noise**2
    self.exact_mean = self.slope * self.x / total
    self.exact_variance = self.noise**2 / total

  def test_with_the_exact_posterior_it_is_the_negative_log_likelihood(self) -> None:
    reconstruction, kl, nll = linear_gaussian(
        self.x, self.slope, self.noise, self.exact_mean, self.exact_variance)
    self.assertAllClose(elbo.negative_elbo(reconstruction, kl, 1.0), nll, rtol=1e-12, atol=0.0)

  @parameterized.parameters((0.1, 1.0), (0.0, 1.3), (-0.2, 0.5))
  def test_with_another_posterior_it_is_larger_by_the_divergence_from_the_exact_one(
      self, shift: float, factor: float) -> None:
    reconstruction, kl, nll = linear_gaussian(
        self.x, self.slope, self.noise, self.exact_mean + shift, self.exact_variance * factor)
    gap = 0.5 * (shift**2 / self.exact_variance + factor - math.log(factor) - 1.0)
    self.assertAllClose(
        elbo.negative_elbo(reconstruction, kl, 1.0) - nll, np.full(4, gap), rtol=1e-10, atol=0.0)

  @parameterized.parameters(0.0, 0.25, 1.0)
  def test_weight_multiplies_the_divergence_of_every_example(self, weight: float) -> None:
    reconstruction, kl = tf.constant([1.0, 2.0]), tf.constant([4.0, 8.0])
    with tf.GradientTape() as tape:
      tape.watch(kl)
      losses = elbo.negative_elbo(reconstruction, kl, tf.constant(weight))
    self.assertAllEqual(losses, [1.0 + 4.0 * weight, 2.0 + 8.0 * weight])
    self.assertAllEqual(tape.gradient(losses, kl), [weight, weight])


if __name__ == "__main__":
  tf.test.main()
