"""Keras's `fit` under `MirroredStrategy`, on two logical CPU devices."""

import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf

from du_vae_tf.training import keras_model
from du_vae_tf.training import strategies
from tests.training import running
from tests.training import tiny


class KerasMirroredTest(tf.test.TestCase):

  def test_two_replicas_take_the_steps_of_the_loop(self):
    # One for loop and `fit`: TensorFlow numbers the collectives of every strategy from the start.
    strategy = strategies.make_strategy("mirrored")
    self.assertEqual(strategy.num_replicas_in_sync, 2)
    config = tiny.make_config(
        self.create_tempdir().full_path, strategy="mirrored", epochs=2, deterministic=False)
    train, valid = (
        pathlib.Path(path).read_text(encoding="utf-8").splitlines()
        for path in (config.train_file, config.valid_file))
    with mock.patch.object(strategies, "make_strategy", return_value=strategy):
      trained = running.train(config)
    with strategy.scope():
      model = keras_model.TrainableVAE(config)
      model.compile(steps_per_execution=2)
    history = model.fit(train, epochs=2, validation_data=valid, verbose=0)
    for one, other in zip(trained.model.variables, model.network.variables, strict=True):
      # Rounding alone: sums of two replicas come in either order.
      np.testing.assert_allclose(
          one.numpy(), other.numpy(), rtol=0.0, atol=1e-5, err_msg=one.path)
    for row, elbo_nll in zip(
        trained.progress.history, history.history["elbo_nll"], strict=True):
      self.assertAlmostEqual(row["elbo_nll"], elbo_nll, places=4)


if __name__ == "__main__":
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
