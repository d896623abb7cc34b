"""Tests of the dropout on posterior variances."""

import math

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import variance_dropout
from tests.testing import tolerances

FLOOR = variance_dropout.ZERO_ENTROPY_VARIANCE


def kept_and_dropped(layer: variance_dropout.VarianceDropout,
                     excess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """The two values that training can give."""
  return tuple(
      layer(excess, uniform=np.full_like(excess, draw), training=True).numpy()
      for draw in (0.0, 1.0 - 1e-6))


class VarianceDropoutTest(tf.test.TestCase, parameterized.TestCase):

  def test_entropy_at_the_floor_is_zero(self) -> None:
    self.assertAlmostEqual(0.5 * math.log(2.0 * math.pi * math.e * FLOOR), 0.0, places=14)
    self.assertAlmostEqual(FLOOR, 0.0585498315, places=10)

  @parameterized.parameters(0.1, 0.5, 0.8, 0.99)
  def test_expectations_are_those_of_the_paper(self, keep_prob: float) -> None:
    layer = variance_dropout.VarianceDropout(keep_prob, dtype="float64")
    excess = np.linspace(1e-3, 20.0, 1000).reshape([500, 2])
    kept, dropped = kept_and_dropped(layer, excess)
    variance = FLOOR + excess
    self.assertAllEqual(dropped, np.full_like(excess, FLOOR))
    # Shen et al. 2021, eq. (S14a) to (S14c).
    p, q = keep_prob, 1.0 - keep_prob
    self.assertAllClose(p * kept + q * dropped, variance, rtol=1e-12, atol=0.0)
    self.assertAllClose(p / kept + q / dropped, p**2 / (variance - q * FLOOR) + q / FLOOR,
                        rtol=1e-12, atol=0.0)
    self.assertAllClose(
        p * np.log(kept) + q * np.log(dropped),
        p * np.log((variance - q * FLOOR) / (p * FLOOR)) + math.log(FLOOR), rtol=1e-12, atol=1e-12)

  @parameterized.parameters(0.1, 0.5, 0.8)
  def test_kept_share_is_the_keep_probability(self, keep_prob: float) -> None:
    layer = variance_dropout.VarianceDropout(keep_prob)
    uniform = tf.random.stateless_uniform([1000, 100], [1, 2])
    outputs = layer(tf.ones([1000, 100]), uniform=uniform, training=True)
    share = np.mean(outputs.numpy() > layer.floor)
    self.assertAllClose(share, keep_prob, rtol=0.0,
                        atol=tolerances.hoeffding_radius(100_000))

  def test_evaluation_adds_the_floor_and_nothing_else(self) -> None:
    layer = variance_dropout.VarianceDropout(0.5)
    excess = np.array([[0.0, 1e-9, 1.0, 1e4]], np.float32)
    expected = np.float32(FLOOR) + excess
    self.assertAllEqual(layer(excess), expected)
    self.assertAllEqual(layer(excess, uniform=np.ones_like(excess)), expected)

  def test_output_is_never_below_the_floor(self) -> None:
    layer = variance_dropout.VarianceDropout(0.3)
    excess = np.array([[0.0, 1e-30, 1e-9, 1e-3]], np.float32)
    for variance in (layer(excess), *kept_and_dropped(layer, excess)):
      self.assertAllInRange(variance, np.float32(FLOOR), 1.0)

  def test_keep_probability_one_needs_no_draws_and_only_adds_the_floor(self) -> None:
    layer = variance_dropout.VarianceDropout(1.0)
    excess = np.array([[0.0, 0.3, 1.0, 7.0]], np.float32)
    self.assertAllEqual(layer(excess, training=True), np.float32(FLOOR) + excess)

  def test_draws_are_missed(self) -> None:
    with self.assertRaisesRegex(ValueError, "`uniform` is needed .*Received: uniform=None"):
      variance_dropout.VarianceDropout(0.9)(tf.ones([1, 2]), training=True)

  @parameterized.product(training=(False, True), tensor=(False, True), graph=(False, True))
  def test_inactive_returns_the_excess(self, training: bool, tensor: bool, graph: bool) -> None:
    layer = variance_dropout.VarianceDropout(0.5)
    excess, uniform = tf.constant([[0.0, 1e-9, 2.0]]), tf.constant([[0.9, 0.1, 0.9]])

    def run(active: bool | tf.Tensor) -> tf.Tensor:
      return layer(excess, uniform=uniform, active=active, training=training)

    if graph:
      run = tf.function(run)
    self.assertAllEqual(run(tf.constant(False) if tensor else False), excess)
    self.assertAllInRange(run(tf.constant(True) if tensor else True), np.float32(FLOOR), 5.0)

  def test_dropped_entries_pass_no_gradient_and_kept_ones_the_inverse_probability(self) -> None:
    layer = variance_dropout.VarianceDropout(0.25)
    excess = tf.constant([[1.0, 2.0, 3.0]])
    with tf.GradientTape() as tape:
      tape.watch(excess)
      outputs = layer(excess, uniform=tf.constant([[0.2, 0.25, 0.3]]), training=True)
    self.assertAllEqual(tape.gradient(outputs, excess), [[4.0, 0.0, 0.0]])

  @parameterized.parameters(0.0, -0.1, 1.1, math.nan)
  def test_keep_probability_out_of_range_is_refused(self, keep_prob: float) -> None:
    with self.assertRaisesRegex(
        ValueError, r"`keep_prob` must be in \(0, 1\]\. Received: keep_prob="):
      variance_dropout.VarianceDropout(keep_prob)

  @parameterized.parameters(0.0, -1.0, math.nan)
  def test_floor_out_of_range_is_refused(self, floor: float) -> None:
    with self.assertRaisesRegex(ValueError, r"`floor` must be > 0\. Received: floor="):
      variance_dropout.VarianceDropout(0.5, floor=floor)


if __name__ == "__main__":
  tf.test.main()
