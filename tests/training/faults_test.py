"""Faults planted in small runs: told in one line, or passed over, and the end is the same."""

import contextlib
import io
import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf

from benchmarks import fault_plants
from du_vae_tf import errors
from du_vae_tf.training import loop
from du_vae_tf.training import step
from tests.training import running
from tests.training import tiny


class FaultsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    tf.config.experimental.enable_op_determinism()
    self.folder = self.create_tempdir().full_path
    # 70 sentences in batches of 16: five steps an epoch.
    self.straight = self.train("straight")

  def train(self, run: str) -> loop.Training:
    return running.train(tiny.make_config(self.folder, run_dir=f"{self.folder}/{run}"))

  def check_end(self, training: loop.Training) -> None:
    for ours, theirs in zip(training.model.variables, self.straight.model.variables, strict=True):
      np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    self.assertEqual(training.progress.best_value, self.straight.progress.best_value)

  def test_gradient_that_is_not_finite(self):
    with mock.patch.object(step, "reduced_and_clipped", step.reduced_and_clipped):
      fault_plants.plant_gradient("13")
      with self.assertRaisesRegex(
          errors.DivergedError, r"^step 13: the gradient is not finite, so training stopped; the"
          r" last good state is in .*/planted/checkpoints\. "):
        self.train("planted")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
      resumed = self.train("planted")
    self.assertIn("Resuming after epoch 2, step 10.\n", said.getvalue())
    self.check_end(resumed)

  def test_saved_weight_that_is_not_finite(self):
    states = pathlib.Path(self.folder, "straight", "checkpoints")
    fault_plants.plant_weight(states / "state-15")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
      resumed = self.train("straight")
    self.assertRegex(said.getvalue(), r"state-15: is damaged.* is not finite\); going on from"
                     r" state-10\.\nResuming after epoch 2, step 10\.\n")
    self.check_end(resumed)


if __name__ == "__main__":
  tf.test.main()
