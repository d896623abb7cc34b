"""Tests of bounds on variances."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.posteriors import bounds
from du_vae_tf.posteriors import gaussian

LOWER, UPPER = -2.0, 3.0
VALUES = [-5.0, LOWER, 0.5, UPPER, 7.0]


def gradient_by_values(upstream: list[float]) -> np.ndarray:
  values = tf.constant(VALUES, tf.float64)
  with tf.GradientTape() as tape:
    tape.watch(values)
    cut = bounds.bounded(values, LOWER, UPPER)
  return tape.gradient(cut, values, output_gradients=tf.constant(upstream, tf.float64)).numpy()


class BoundedTest(tf.test.TestCase, parameterized.TestCase):

  def test_values_are_cut(self) -> None:
    self.assertAllEqual(bounds.bounded(tf.constant(VALUES), LOWER, UPPER),
                        [LOWER, LOWER, 0.5, UPPER, UPPER])

  @parameterized.parameters(
      # A step against the gradient goes down, or up: back between the bounds, or further away.
      (2.0, [0.0, 2.0, 2.0, 2.0, 2.0]), (-2.0, [-2.0, -2.0, -2.0, -2.0, 0.0]))
  def test_gradient_outside_leads_back_or_is_none(
      self, upstream: float, expected: list[float]) -> None:
    self.assertAllEqual(gradient_by_values([upstream] * len(VALUES)), expected)

  def test_a_fault_is_not_hidden(self) -> None:
    self.assertAllEqual(np.isnan(gradient_by_values([float("nan")] * len(VALUES))), [True] * 5)

  def test_second_derivatives_are_those_of_the_passed_gradient(self) -> None:
    values = tf.constant(VALUES, tf.float64)
    with tf.GradientTape() as outer:
      outer.watch(values)
      with tf.GradientTape() as inner:
        inner.watch(values)
        loss = tf.reduce_sum(tf.exp(bounds.bounded(values, LOWER, UPPER)))
      slopes = inner.gradient(loss, values)
    self.assertAllClose(
        outer.gradient(slopes, values), [0.0, np.exp(LOWER), np.exp(0.5), np.exp(UPPER),
                                         np.exp(UPPER)], rtol=1e-12, atol=0.0)

  def test_descent_on_the_kl_recovers_a_variance_that_is_out_of_bounds(self) -> None:
    log_variance = tf.Variable([[gaussian.MAX_LOG_VARIANCE + 4.0]])
    family = gaussian.Gaussian()
    for _ in range(100):
      with tf.GradientTape() as tape:
        posterior = family.posterior(tf.zeros([1, 1]), family.variance(log_variance))
        kl = tf.reduce_sum(posterior.kl_per_dimension())
      log_variance.assign_sub(tf.clip_by_norm(tape.gradient(kl, log_variance), 1.0))
    self.assertAllClose(log_variance, [[0.0]], rtol=0.0, atol=0.1)


if __name__ == "__main__":
  tf.test.main()
