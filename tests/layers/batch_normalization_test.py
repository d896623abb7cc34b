"""Batch normalization against NumPy, alone and over replicas."""

import functools

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import batch_normalization


def setUpModule() -> None:
  cpu = tf.config.list_physical_devices("CPU")[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


@functools.cache
def two_replicas() -> tf.distribute.Strategy:
  """One strategy for all tests: each new one would number its collectives from the start again."""
  return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def make(**options: float) -> batch_normalization.BatchNormalization:
  layer = batch_normalization.BatchNormalization(**options)
  layer.build((None, None, None, 3))
  layer.scale.assign([0.5, 2.0, -1.0])
  layer.shift.assign([1.0, 0.0, -2.0])
  return layer


def images(rows: int, seed: int = 0) -> np.ndarray:
  random = np.random.default_rng(seed)
  return (random.normal(size=(rows, 4, 5, 3)) * [1.0, 3.0, 0.2] + [0.0, 2.0, -1.0]
          ).astype(np.float32)


class BatchNormalizationTest(tf.test.TestCase, parameterized.TestCase):

  def test_training_normalizes_each_channel_over_rows_and_pixels(self) -> None:
    layer, x = make(), images(6)
    flat = x.reshape(-1, 3).astype(np.float64)
    expected = ((x - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5) * layer.scale.numpy()
                + layer.shift.numpy())
    self.assertAllClose(layer(x, training=True), expected, rtol=1e-5, atol=1e-5)

  def test_running_moments_average_the_mean_and_the_unbiased_variance(self) -> None:
    layer = make(momentum=0.75)
    first, second = images(6, seed=1), images(2, seed=2)
    layer(first, training=True)
    layer(second, training=True)
    mean, variance = np.zeros(3), np.ones(3)
    for x in (first, second):
      flat = x.reshape(-1, 3).astype(np.float64)
      mean = 0.75 * mean + 0.25 * flat.mean(0)
      variance = 0.75 * variance + 0.25 * flat.var(0, ddof=1)
    self.assertAllClose(layer.moving_mean, mean, rtol=1e-5, atol=1e-6)
    self.assertAllClose(layer.moving_variance, variance, rtol=1e-5)

  def test_evaluation_uses_the_running_moments_and_changes_nothing(self) -> None:
    layer, x = make(), images(6)
    layer.moving_mean.assign([0.5, -1.0, 0.0])
    layer.moving_variance.assign([2.0, 0.5, 4.0])
    expected = ((x - [0.5, -1.0, 0.0]) / np.sqrt(np.array([2.0, 0.5, 4.0]) + 1e-5)
                * layer.scale.numpy() + layer.shift.numpy())
    self.assertAllClose(layer(x), expected, rtol=1e-5, atol=1e-5)
    factor, offset = layer.affine()
    self.assertAllClose(x * factor + offset, expected, rtol=1e-5, atol=1e-5)
    self.assertAllEqual(layer.moving_mean, [0.5, -1.0, 0.0])

  def test_gradient_equals_that_of_the_written_out_formula(self) -> None:
    layer, x = make(), tf.constant(images(5))
    upstream = tf.constant(np.random.default_rng(3).normal(size=x.shape).astype(np.float32))
    with tf.GradientTape(persistent=True) as tape:
      tape.watch(x)
      ours = tf.reduce_sum(layer(x, training=True) * upstream)
      mean, variance = tf.nn.moments(x, [0, 1, 2])
      written = (x - mean) / tf.sqrt(variance + 1e-5) * layer.scale.value + layer.shift.value
      plain = tf.reduce_sum(written * upstream)
    for variable in (x, layer.scale.value, layer.shift.value):
      self.assertAllClose(
          tape.gradient(ours, variable), tape.gradient(plain, variable), rtol=1e-4, atol=1e-4)

  def test_spread_far_below_the_mean_survives(self) -> None:
    layer = make(epsilon=0.0)
    x = 1.0 + 1e-3 * np.random.default_rng(4).normal(size=(20, 8, 8, 3))
    output = layer(x.astype(np.float32), training=True).numpy().reshape(-1, 3)
    # Rounding to float32 around 1 changes a deviation of 1e-3 by 1e-4 of itself at most.
    self.assertAllClose(output.std(0), np.abs(layer.scale.numpy()), rtol=2e-3)

  @parameterized.parameters((3, 3), (4, 2), (6, 0), (0, 6))
  def test_two_replicas_normalize_together(self, first: int, second: int) -> None:
    x, weights = images(6), np.random.default_rng(5).normal(size=(6, 4, 5, 3)).astype(np.float32)
    alone = make()
    with tf.GradientTape() as tape:
      expected = alone(x, training=True)
      loss = tf.reduce_sum(expected * weights)
    expected_gradient = tape.gradient(loss, alone.scale.value)
    strategy = two_replicas()
    with strategy.scope():
      layer = make()
    pieces = [slice(0, first), slice(first, first + second)]

    def step(context: tf.distribute.ReplicaContext) -> tuple[tf.Tensor, tf.Tensor]:
      piece = tf.cond(context.replica_id_in_sync_group == 0,
                      lambda: tf.constant(x[pieces[0]]), lambda: tf.constant(x[pieces[1]]))
      weight = tf.cond(context.replica_id_in_sync_group == 0,
                       lambda: tf.constant(weights[pieces[0]]),
                       lambda: tf.constant(weights[pieces[1]]))
      piece = tf.ensure_shape(piece, [None, 4, 5, 3])
      with tf.GradientTape() as tape:
        output = layer(piece, training=True)
        loss = tf.reduce_sum(output * weight)
      return output, tape.gradient(loss, layer.scale.value)

    def run() -> tuple[tf.Tensor, tf.Tensor]:
      return strategy.run(lambda: step(tf.distribute.get_replica_context()))

    outputs, gradients = tf.function(run)()
    joined = tf.concat(strategy.experimental_local_results(outputs), axis=0)
    self.assertAllClose(joined, expected, rtol=1e-4, atol=1e-5)
    self.assertAllClose(
        tf.add_n(strategy.experimental_local_results(gradients)), expected_gradient,
        rtol=1e-4, atol=1e-4)
    self.assertAllClose(layer.moving_variance, alone.moving_variance, rtol=1e-5)
    self.assertAllClose(layer.moving_mean, alone.moving_mean, rtol=1e-5, atol=1e-6)

  @parameterized.parameters({"momentum": 1.0}, {"momentum": -0.1}, {"epsilon": -1e-3})
  def test_refuses_settings_out_of_range(self, **options: float) -> None:
    name, value = next(iter(options.items()))
    with self.assertRaisesRegex(ValueError, f"Received: {name}={value}"):
      batch_normalization.BatchNormalization(**options)


if __name__ == "__main__":
  tf.test.main()
