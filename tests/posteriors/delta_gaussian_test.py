"""The Gaussian posterior whose KL has a floor."""

import math

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.posteriors import delta_gaussian

RANDOM = np.random.default_rng(0)
MEAN = RANDOM.normal(0.0, 3.0, size=(50, 4))
RAW = RANDOM.normal(0.0, 2.0, size=(50, 4))


class DeltaGaussianTest(tf.test.TestCase, parameterized.TestCase):

  # Roots of ln v - v + 2 delta + 1, by bisection.
  @parameterized.parameters(
      (0.10, 0.702310, 1.331259), (0.15, 0.641181, 1.409343), (0.20, 0.591527, 1.476060),
      (0.25, 0.549281, 1.535473))
  def test_bounds_of_the_scale(self, delta: float, lower: float, upper: float) -> None:
    found = delta_gaussian.scale_bounds(delta)
    self.assertAllClose(found, (lower, upper), rtol=0.0, atol=1e-6)
    for scale in found:
      self.assertAllClose(0.5 * (scale**2 - math.log(scale**2) - 1.0), delta, rtol=1e-12)

  @parameterized.parameters(0.1, 0.25, 1.0)
  def test_kl_is_the_floor_and_half_of_what_the_encoder_adds(self, delta: float) -> None:
    family = delta_gaussian.DeltaGaussian(delta)
    posterior = family.posterior(tf.constant(MEAN), family.variance(tf.constant(RAW)))
    expected = delta + 0.5 * np.maximum(MEAN, 0.0)
    self.assertAllClose(posterior.kl_per_dimension(), expected, rtol=0.0, atol=1e-6)
    self.assertAllInRange(posterior.mean, 0.0, np.inf)
    lower, upper = delta_gaussian.scale_bounds(delta)
    self.assertAllInRange(posterior.scale, lower, upper)

  @parameterized.parameters(-1e4, -60.0, 60.0, 1e4)
  def test_ends_of_the_scale_give_finite_values_and_gradients(self, raw: float) -> None:
    family = delta_gaussian.DeltaGaussian(0.1)
    given = tf.constant([[raw]])
    with tf.GradientTape() as tape:
      tape.watch(given)
      posterior = family.posterior(tf.constant([[-1.0]]), family.variance(given))
      kl = posterior.kl_per_dimension()
    self.assertAllClose(kl, [[0.1]], rtol=0.0, atol=1e-5)
    self.assertTrue(np.all(np.isfinite(tape.gradient(kl, given))))

  @parameterized.parameters(0.0, -0.1, float("nan"))
  def test_floor_must_be_positive(self, delta: float) -> None:
    with self.assertRaisesRegex(ValueError, "`delta` must be > 0. Received"):
      delta_gaussian.DeltaGaussian(delta)


if __name__ == "__main__":
  tf.test.main()
