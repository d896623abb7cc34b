"""A run on two replicas (two logical CPU devices), and its continuation on one."""

import functools
import json
import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf

from du_vae_tf.training import loop
from du_vae_tf.training import runs
from du_vae_tf.training import strategies
from tests.training import running
from tests.training import tiny


class MirroredTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    # One for all tests: TensorFlow numbers the collectives of every strategy from the start.
    cls.enterClassContext(mock.patch.object(
        strategies, "make_strategy", functools.cache(strategies.make_strategy)))

  def test_two_replicas_train_and_one_device_continues(self):
    self.assertLen(tf.config.list_logical_devices("CPU"), 2)
    folder = self.create_tempdir().full_path
    config = tiny.make_config(folder, strategy="mirrored", epochs=2, deterministic=False)
    mirrored = running.train(config)
    rows = [json.loads(line) for line in
            pathlib.Path(config.run_dir, "metrics.jsonl").read_text().splitlines()]
    self.assertLen(rows, 2)
    self.assertLess(rows[1]["elbo_nll"], rows[0]["elbo_nll"])

    run = runs.load(config.run_dir)
    self.assertEqual(run.progress.epoch, 2)
    best = {variable.path: variable.numpy() for variable in run.model.variables}
    if run.progress.best_epoch == 2:
      for variable in mirrored.model.variables:
        np.testing.assert_array_equal(variable.numpy(), best[variable.path])

    continued = running.train(tiny.make_config(folder, strategy="one_device", epochs=3))
    self.assertEqual((continued.progress.epoch, continued.progress.step), (3, 15))

  def test_steps_that_one_device_takes_in_one_call_are_taken_one_by_one(self):
    config = tiny.make_config(
        self.create_tempdir().full_path, strategy="mirrored", epochs=1, deterministic=False,
        batch_size=4)
    # As if steps took no time: after the first ten, ten would be taken in one call.
    with mock.patch.object(loop, "_CALL_SECONDS", 1e6):
      trained = running.train(config)
    self.assertEqual(trained.progress.step, 18)


if __name__ == "__main__":
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
