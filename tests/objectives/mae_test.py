"""The terms of MAE against loops over all pairs."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from du_vae_tf.estimators import posterior_divergence
from du_vae_tf.objectives import mae

tfd = tfp.distributions
RANDOM = np.random.default_rng(0)
ROWS, DIMENSIONS = 7, 3
MEAN = RANDOM.normal(size=(ROWS, DIMENSIONS))
VARIANCE = RANDOM.gamma(2.0, size=(ROWS, DIMENSIONS))


def off_diagonal() -> np.ndarray:
  """KL of each dimension of every ordered pair of different rows, [B (B - 1), n]."""
  pairs = [(i, j) for i in range(ROWS) for j in range(ROWS) if i != j]
  return np.stack([tfd.kl_divergence(
      tfd.Normal(MEAN[i], np.sqrt(VARIANCE[i])), tfd.Normal(MEAN[j], np.sqrt(VARIANCE[j])))
                   for i, j in pairs])


class MAETest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters((1.0, 0.0), (0.0, 1.0), (2.0, 0.2))
  def test_penalty_is_that_of_the_pairs(self, diversity: float, smoothness: float) -> None:
    kl = off_diagonal()
    expected = (diversity * np.sum(np.log1p(np.exp(-kl.mean(axis=0))))
                + smoothness * kl.sum(axis=1).std(ddof=1))
    self.assertAllClose(
        mae.penalty(tf.constant(MEAN), tf.constant(VARIANCE), diversity, smoothness), expected,
        rtol=1e-9)

  def test_mean_over_pairs_is_the_divergence_of_the_batch(self) -> None:
    divergence = posterior_divergence.mean_posterior_divergence(MEAN, VARIANCE)
    self.assertAllClose(off_diagonal().sum(axis=1).mean(), ROWS / (ROWS - 1) * divergence,
                        rtol=1e-9)

  def test_gradient_is_that_of_finite_differences(self) -> None:
    given = [tf.constant(MEAN), tf.constant(VARIANCE)]

    def value(mean: np.ndarray, variance: np.ndarray) -> tf.Tensor:
      return mae.penalty(tf.constant(mean), tf.constant(variance), 1.0, 0.2)

    with tf.GradientTape() as tape:
      tape.watch(given)
      total = mae.penalty(*given, 1.0, 0.2)
    by_mean, by_variance = tape.gradient(total, given)
    direction = RANDOM.normal(size=(2, ROWS, DIMENSIONS))
    step = 1e-6
    slope = (value(MEAN + step * direction[0], VARIANCE + step * direction[1])
             - value(MEAN - step * direction[0], VARIANCE - step * direction[1])) / (2.0 * step)
    self.assertAllClose(
        np.sum(by_mean * direction[0]) + np.sum(by_variance * direction[1]), slope, rtol=1e-6)

  def test_equal_posteriors_have_a_finite_gradient(self) -> None:
    mean = tf.zeros([4, 2])
    with tf.GradientTape() as tape:
      tape.watch(mean)
      total = mae.penalty(mean, tf.ones([4, 2]), 1.0, 0.2)
    self.assertAllClose(total, 2.0 * np.log(2.0), rtol=1e-5)
    self.assertTrue(np.all(np.isfinite(tape.gradient(total, mean))))

  @parameterized.parameters(0, 1)
  def test_batches_without_pairs_have_no_penalty(self, rows: int) -> None:
    mean, variance = tf.constant(MEAN[:rows]), tf.constant(VARIANCE[:rows])
    with tf.GradientTape() as tape:
      tape.watch(mean)
      total = mae.penalty(mean, variance, 1.0, 0.2)
    self.assertEqual(total, 0.0)
    self.assertAllEqual(tape.gradient(total, mean), np.zeros([rows, DIMENSIONS]))


if __name__ == "__main__":
  tf.test.main()
