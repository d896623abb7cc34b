"""The floor under the KL of each dimension."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.objectives import free_bits

RANDOM = np.random.default_rng(0)
RECONSTRUCTION = RANDOM.gamma(3.0, size=6)
# Means over the batch on both sides of the floor, single entries on both sides in each.
KL = RANDOM.gamma(1.0, size=(6, 4)) * np.array([0.01, 0.2, 0.3, 2.0])
FLOOR = 0.25


def losses(kl: tf.Tensor, floor: float = FLOOR, weight: float = 0.5) -> tf.Tensor:
  return free_bits.free_bits(
      tf.constant(RECONSTRUCTION), kl, tf.reduce_mean(kl, axis=0), floor,
      tf.constant(weight, tf.float64))


class FreeBitsTest(tf.test.TestCase, parameterized.TestCase):

  def test_mean_loss_has_the_floored_mean_of_each_dimension(self) -> None:
    means = KL.mean(axis=0)
    self.assertGreater(means.max(), FLOOR)
    self.assertLess(means.min(), FLOOR)
    expected = RECONSTRUCTION.mean() + 0.5 * np.maximum(means, FLOOR).sum()
    self.assertAllClose(np.mean(losses(tf.constant(KL))), expected, rtol=1e-12)

  @parameterized.parameters(0.0, 0.1, 1.0, 30.0)
  def test_loss_is_never_below_the_floor(self, floor: float) -> None:
    least = RECONSTRUCTION.mean() + 0.5 * 4 * floor
    self.assertGreaterEqual(np.mean(losses(tf.constant(KL), floor)), least - 1e-12)

  def test_gradient_is_that_of_the_floored_mean(self) -> None:
    kl = tf.constant(KL)
    with tf.GradientTape() as tape:
      tape.watch(kl)
      loss = tf.reduce_mean(losses(kl))
    above = KL.mean(axis=0) > FLOOR
    self.assertAllClose(tape.gradient(loss, kl), np.tile(0.5 / 6 * above, [6, 1]), rtol=1e-12)

  def test_without_a_floor_it_is_the_negative_bound(self) -> None:
    expected = RECONSTRUCTION + 0.5 * KL.sum(axis=-1)
    self.assertAllClose(losses(tf.constant(KL), 0.0), expected, rtol=1e-12)


if __name__ == "__main__":
  tf.test.main()
