"""Tests of the normalization of posterior means."""

import math
from typing import Any

from absl.testing import parameterized
import keras
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import mean_normalization
from du_vae_tf.layers import variance_dropout

ROWS, LATENT_DIM = 64, 32
# Right side of eq. (8) of Shen et al. 2021 with normalized means: (1 - p) n gamma^2 / alpha.
DIVERSITY_BOUNDS = {
    0.4: (0.0, 8.74, 17.49, 26.23, 34.98), 0.5: (0.0, 13.66, 27.33, 40.99, 54.65),
    0.6: (0.0, 19.68, 39.35, 59.03, 78.70), 0.7: (0.0, 26.78, 53.56, 80.34, 107.12)}
KEEP_PROBS = (1.0, 0.9, 0.8, 0.7, 0.6)


def random_means(rows: int = ROWS, spread: float = 1.0, center: float = 0.0) -> np.ndarray:
  random = np.random.default_rng(rows)
  return (center + spread * random.normal(size=(rows, LATENT_DIM))).astype(np.float32)


def make_layer(gamma: float = 0.5, scaling: str = "projected",
               epsilon: float = 1e-5) -> mean_normalization.MeanNormalization:
  layer = mean_normalization.MeanNormalization(gamma, scaling, epsilon=epsilon)
  layer.build((None, LATENT_DIM))
  return layer


def mean_square(variable: keras.Variable) -> float:
  return float(np.mean(np.square(variable.numpy(), dtype=np.float64)))


class MeanNormalizationTest(tf.test.TestCase, parameterized.TestCase):

  def test_training_output_is_the_definition(self) -> None:
    layer = make_layer(epsilon=0.1)
    random = np.random.default_rng(1)
    scale, shift = random.normal(size=(2, LATENT_DIM))
    layer.scale.assign(scale)
    layer.shift.assign(shift)
    means = random_means(center=2.0).astype(np.float64)
    expected = scale * (means - means.mean(0)) / np.sqrt(means.var(0) + 0.1) + shift
    self.assertAllClose(layer(means, training=True), expected, rtol=1e-5, atol=1e-5)

  @parameterized.parameters(1e-12, 1e-5, 0.5)
  def test_spread_is_the_scale_reduced_by_epsilon(self, epsilon: float) -> None:
    layer = make_layer(gamma=0.7, epsilon=epsilon)
    layer.scale.assign(np.linspace(-1.0, 1.0, LATENT_DIM))
    means = random_means(spread=0.3)
    variance = means.astype(np.float64).var(axis=0)
    expected = np.abs(layer.scale.numpy()) * np.sqrt(variance / (variance + epsilon))
    self.assertAllClose(np.std(layer(means, training=True), axis=0), expected,
                        rtol=1e-5, atol=1e-7)

  @parameterized.parameters((1e-3, 1.0), (1e-5, 1e-4))
  def test_a_small_spread_around_a_large_mean_keeps_its_moments(
      self, spread: float, center: float) -> None:
    layer = make_layer(gamma=1.0, epsilon=0.0)
    means = random_means(spread=spread, center=center)
    exact = means.astype(np.float64)
    expected = (exact - exact.mean(0)) / exact.std(0)
    # One rounding of the mean, relative to the spread; E[m^2] - E[m]^2 would be off by tens of
    # percent at a spread of 1e-3 around 1.
    tolerance = 4.0 * 2.0**-24 * center / spread + 1e-5
    self.assertAllClose(layer(means, training=True), expected, rtol=0.0, atol=4 * tolerance)

  def test_running_moments_are_averages_with_unbiased_variance(self) -> None:
    layer = make_layer()
    first, second = random_means(8, center=1.0), random_means(5, center=-2.0)
    layer(first, training=True)
    layer(second, training=True)
    expected_mean = 0.9 * (0.1 * first.mean(0)) + 0.1 * second.mean(0)
    expected_variance = (0.9 * (0.9 + 0.1 * first.var(0, ddof=1))
                         + 0.1 * second.var(0, ddof=1))
    self.assertAllClose(layer.moving_mean, expected_mean, rtol=1e-5, atol=1e-6)
    self.assertAllClose(layer.moving_variance, expected_variance, rtol=1e-5, atol=1e-6)

  def test_inference_uses_the_running_moments_and_leaves_them(self) -> None:
    layer = make_layer(gamma=0.5, epsilon=0.25)
    layer.moving_mean.assign(np.full(LATENT_DIM, 3.0))
    layer.moving_variance.assign(np.full(LATENT_DIM, 2.0))
    means = random_means(3)
    self.assertAllClose(layer(means), 0.5 * (means - 3.0) / 1.5, rtol=1e-6, atol=1e-6)
    self.assertAllEqual(layer.moving_mean, np.full(LATENT_DIM, 3.0))

  def test_gradient_is_the_numerical_one(self) -> None:
    layer = make_layer(gamma=0.5, epsilon=0.1)
    weight = random_means(5)

    def total(means: tf.Tensor) -> tf.Tensor:
      return tf.reduce_sum(weight * layer(means, training=True))

    theoretical, numerical = tf.test.compute_gradient(
        total, [tf.constant(random_means(5))], delta=0.02)
    self.assertGreater(np.abs(numerical[0]).max(), 0.1)
    # Central differences of a float32 sum of order 1: rounding 1e-6 / 0.02, curvature 0.02^2.
    self.assertAllClose(theoretical[0], numerical[0], rtol=0.0, atol=5e-3)

  @parameterized.parameters(0, 1)
  def test_a_batch_without_spread_gives_the_shift(self, rows: int) -> None:
    layer = make_layer(epsilon=1e-12)
    layer.shift.assign(np.full(LATENT_DIM, 0.25))
    means = tf.constant(random_means(rows))
    with tf.GradientTape() as tape:
      tape.watch(means)
      outputs = layer(means, training=True)
    self.assertAllEqual(outputs, np.full((rows, LATENT_DIM), 0.25))
    self.assertAllInRange(tape.gradient(outputs, means), -1e-6, 1e-6)
    self.assertAllInRange(layer.moving_variance, 0.9, 1.0)

  def test_every_update_projects_the_scale(self) -> None:
    layer = make_layer(gamma=0.6)
    optimizer = keras.optimizers.SGD(0.5)
    signs_changed = False
    for step in range(5):
      means = random_means(ROWS + step)
      before = layer.scale.numpy()
      with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(3.0 * layer(means, training=True)) * means)
      gradients = tape.gradient(loss, layer.trainable_variables)
      optimizer.apply(gradients, layer.trainable_variables)
      self.assertAllClose(mean_square(layer.scale), 0.36, rtol=0.0, atol=1e-6)
      moved = before - 0.5 * gradients[0].numpy()
      expected = moved * 0.6 / np.sqrt(np.mean(np.square(moved)))
      self.assertAllClose(layer.scale, expected, rtol=1e-4, atol=1e-6)
      signs_changed |= bool(np.any(layer.scale.numpy() < 0.0))
    self.assertTrue(signs_changed)

  def test_fixed_scale_is_not_trained(self) -> None:
    layer = make_layer(gamma=0.6, scaling="fixed")
    self.assertEqual([weight.name for weight in layer.trainable_variables], ["shift"])
    self.assertAllClose(layer.scale, np.full(LATENT_DIM, 0.6), rtol=1e-7, atol=0.0)

  @parameterized.parameters(0.4, 0.5, 0.6, 0.7)
  def test_diversity_bound_has_the_published_values(self, gamma: float) -> None:
    layer = make_layer(gamma=gamma, epsilon=1e-12)
    layer.scale.assign(mean_normalization.RootMeanSquare(gamma)(
        np.random.default_rng(3).normal(size=LATENT_DIM).astype(np.float32)))
    outputs = layer(random_means(500), training=True).numpy().astype(np.float64)
    spread = outputs.var(axis=0).sum() / variance_dropout.ZERO_ENTROPY_VARIANCE
    bounds = [(1.0 - keep_prob) * spread for keep_prob in KEEP_PROBS]
    # Published to two decimals.
    self.assertAllClose(bounds, DIVERSITY_BOUNDS[gamma], rtol=0.0, atol=0.0051)

  def test_moments_stay_float32_in_mixed_precision(self) -> None:
    layer = mean_normalization.MeanNormalization(
        0.5, scaling="projected", epsilon=1e-12, dtype="mixed_bfloat16")
    means = random_means(center=1.0, spread=1e-3)
    outputs = layer(means, training=True)
    self.assertEqual(outputs.dtype, tf.float32)
    # In bfloat16 numbers around 1 are 1/128 apart: the spread would be lost.
    self.assertAllClose(np.std(outputs, axis=0), np.full(LATENT_DIM, 0.5), rtol=1e-3, atol=0.0)

  @parameterized.parameters(
      ({"gamma": 0.0}, "gamma"), ({"gamma": math.nan}, "gamma"), ({"momentum": 1.0}, "momentum"),
      ({"epsilon": -1e-9}, "epsilon"))
  def test_arguments_out_of_range_are_refused(
      self, arguments: dict[str, Any], name: str) -> None:
    with self.assertRaisesRegex(ValueError, f"`{name}` must be .*Received: {name}="):
      mean_normalization.MeanNormalization(
          **({"gamma": 0.5, "scaling": "projected"} | arguments))


class RootMeanSquareTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(([3.0, -4.0],), ([1e-30, 2e-30, -1e-30],), ([1e30, -1e25],))
  def test_keeps_signs_and_ratios(self, vector: list[float]) -> None:
    result = mean_normalization.RootMeanSquare(0.5)(tf.constant(vector))
    exact = np.asarray(vector)
    unit = exact / np.abs(exact).max()
    self.assertAllClose(result, 0.5 * unit / np.sqrt(np.mean(unit**2)), rtol=1e-6, atol=0.0)

  def test_zeros_are_reset(self) -> None:
    self.assertAllEqual(mean_normalization.RootMeanSquare(0.5)(tf.zeros([3])), [0.5, 0.5, 0.5])

  def test_value_out_of_range_is_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "`value` must be > 0. Received: value=0.0"):
      mean_normalization.RootMeanSquare(0.0)


if __name__ == "__main__":
  tf.test.main()
