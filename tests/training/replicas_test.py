"""Replicas take the steps of one device."""

import functools
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf import seeds
from du_vae_tf.models.decoders import lstm as lstm_decoder
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies
from tests.training import stepping
from tests.training import tiny_images


@functools.cache
def mirrored() -> tf.distribute.Strategy:
  """One for all tests: TensorFlow numbers the collectives of every strategy from the start."""
  return strategies.make_strategy("mirrored")


class ReplicaTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters("vae", "bn_vae", "du_vae", "du_iaf", "iaf_free_bits", "mae",
                           "delta_vae", "bn_fixed_shift", "sa_vae")
  def test_two_replicas_take_the_same_steps_as_one_device(self, method):
    # 5 rows split unevenly, 1 row leaves a replica without any.
    batches = [stepping.make_batch(rows, time, seed)
               for seed, (rows, time) in enumerate([(8, 6), (5, 9), (1, 4), (8, 5)])]
    # The means before a flow start with a tiny spread; their normalization divides by it, and
    # magnifies all rounding.
    config = stepping.make_config(
        method=method, learning_rate=0.2 if method == "du_iaf" else 1.0,
        **({"svi_steps": 3} if method == "sa_vae" else {}))
    with mock.patch.object(lstm_decoder, "_DROPOUT_RATE", 0.0):
      one = stepping.Setup(tf.distribute.get_strategy(), config)
      two = stepping.Setup(mirrored(), config)
      self.assertEqual(two.strategy.num_replicas_in_sync, 2)
      one.take(batches)
      two.take(batches)
    # Rounding alone: the sums of two replicas are added in another order, and the normalization
    # divides them by a small deviation.
    self.assertAllClose(one.weights(), two.weights(), rtol=0, atol=1e-5)
    self.assertAllClose(one.stepper.totals, two.stepper.totals, rtol=1e-5)
    self.assertEqual(one.stepper.totals_by_name()["examples"], 22)

  def test_two_replicas_update_encoder_and_decoder_apart_as_one_device(self):
    batches = [stepping.make_batch(rows, time, seed) for seed, (rows, time) in enumerate(
        [(8, 6), (5, 9), (1, 4)])]
    with mock.patch.object(lstm_decoder, "_DROPOUT_RATE", 0.0):
      setups = [stepping.Setup(strategy, stepping.make_config(method="agg_vae"))
                for strategy in (tf.distribute.get_strategy(), mirrored())]
      for setup in setups:
        for number, batch in enumerate(batches):
          shared = strategies.distribute_batch(
              {name: value.numpy() for name, value in batch.items()}, setup.strategy)
          setup.stepper.update_encoder(
              shared, tf.constant(1, tf.int64), tf.constant(number + 1, tf.int64))
        setup.stepper.update_decoder(shared, tf.constant(1, tf.int64))
    one, two = setups
    self.assertAllClose(one.weights(), two.weights(), rtol=0, atol=1e-5)
    self.assertAllClose(one.stepper.inner_totals, two.stepper.inner_totals, rtol=1e-5)
    self.assertAllClose(one.stepper.totals, two.stepper.totals, rtol=1e-5)
    self.assertEqual(one.stepper.totals_by_name()["examples"], 1)
    self.assertEqual(float(one.stepper.inner_totals[step_lib.TOTALS.index("examples")]), 14)

  @parameterized.parameters("du_vae", "iaf_free_bits")
  def test_on_images_two_replicas_take_the_same_steps_as_one_device(self, method):
    batches = [stepping.make_images(rows, seed) for seed, rows in enumerate([8, 5, 1])]
    # Not Adam: its steps have the size of the learning rate even where the gradient is rounding.
    config = tiny_images.make_config(method=method, learning_rate=0.01)
    one = stepping.Setup(tf.distribute.get_strategy(), config)
    two = stepping.Setup(mirrored(), config)
    before = one.weights()
    one.take(batches)
    two.take(batches)
    # Rounding alone: one device takes TensorFlow's fused normalization, two replicas exchange
    # their moments. Without that exchange the running moments would differ by tenths.
    self.assertAllClose(one.weights(), two.weights(), rtol=0, atol=1e-5)
    self.assertAllClose(one.stepper.totals, two.stepper.totals, rtol=1e-5)
    self.assertEqual(one.stepper.totals_by_name()["examples"], 14)
    self.assertEqual(one.stepper.totals_by_name()["tokens"], 14 * tiny_images.SIDE**2)
    for old, variable in zip(before, one.model.variables, strict=True):
      self.assertGreater(np.abs(old - variable.numpy()).max(), 1e-6, variable.path)

  def test_replicas_draw_different_noise(self):
    def replica() -> tf.Tensor:
      return tf.random.stateless_normal(
          [4], seeds.stateless_seed(1, "noise", 5, seeds.replica_id()))

    seen = mirrored().experimental_local_results(mirrored().run(tf.function(replica)))
    self.assertNotAllClose(seen[0], seen[1])


if __name__ == "__main__":
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
