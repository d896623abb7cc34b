"""The aggressive procedure: inner loop, end of the aggressive phase, and resuming within it."""

import json
import pathlib
from typing import Any
from unittest import mock

from absl.testing import parameterized
import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import batching
from du_vae_tf.estimators import mutual_information
from du_vae_tf.training import loop
from du_vae_tf.training import signals
from du_vae_tf.training import step as step_lib
from du_vae_tf.training.procedures import aggressive
from tests.training import running
from tests.training import tiny
from tests.training import tiny_images

PLAN = [np.arange(3), np.arange(3, 7), np.arange(7, 9)]


class _Stepper:
  """Records the updates; gives the losses of the windows that it is made with."""

  def __init__(self, losses: list[float], window: int):
    self._losses = losses
    self._window = window
    self.one_at_a_time = False
    self.inner: list[list[int]] = []
    self.decoded: list[tuple[Any, int]] = []
    self.taken: list[int] = []
    self.inner_totals = tf.Variable(tf.zeros([len(step_lib.TOTALS)], tf.float64))

  def update_encoder(self, batch: Any, step: tf.Tensor, inner: tf.Tensor) -> None:
    self.inner.append(np.asarray(batch["row"]).tolist())
    loss = self._losses[(int(inner) - 1) // self._window]
    sums = {"loss": 2.0 * loss, "examples": 2.0, "tokens": 2.0}
    self.inner_totals.assign_add([sums.get(name, 0.0) for name in step_lib.TOTALS])

  def update_decoder(self, batch: Any, step: tf.Tensor) -> None:
    self.decoded.append((np.asarray(batch["row"]).tolist(), int(step)))

  def take(self, iterator: Any, step: tf.Tensor, count: tf.Tensor) -> None:
    self.taken.append(int(count))


def make(stepper: _Stepper, state: dict[str, Any] | None = None,
         modality: str = "text") -> aggressive.Aggressive:
  config = (config_lib.resolve({"method": "agg_vae", "seed": 3}, {}) if modality == "text"
            else tiny_images.make_config(method="agg_vae"))
  batches = batching.TrainBatches(
      lambda epoch: PLAN, lambda rows: {"row": rows}, {"row": tf.TensorSpec([None], tf.int64)})
  return aggressive.Aggressive(
      stepper, batches, tf.distribute.get_strategy(), config, {} if state is None else state)


def one_batch() -> Any:
  return iter([{"row": tf.constant([100, 101])}])


class InnerLoopTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(("text", 15), ("image", 10))
  def test_ends_with_the_window_whose_loss_rises(self, modality: str, window: int) -> None:
    stepper = _Stepper([5.0, 4.0, 4.0, 4.5, 1.0], window)
    make(stepper, modality=modality).outer_updates(one_batch(), epoch=0, step=7, count=1)
    # An equal loss has not risen.
    self.assertLen(stepper.inner, 4 * window)
    self.assertEqual(stepper.decoded, [([100, 101], 7)])
    self.assertAllEqual(stepper.inner_totals, np.zeros(len(step_lib.TOTALS)))

  def test_takes_at_most_ninety_nine_updates(self) -> None:
    stepper = _Stepper([10.0 - number for number in range(7)], 15)
    make(stepper).outer_updates(one_batch(), epoch=0, step=1, count=1)
    self.assertLen(stepper.inner, 99)

  def test_a_loss_that_is_not_finite_ends_it(self) -> None:
    stepper = _Stepper([float("nan")] * 7, 15)
    make(stepper).outer_updates(one_batch(), epoch=0, step=1, count=1)
    self.assertLen(stepper.inner, 15)

  def test_first_batch_is_the_step_s_and_others_are_drawn_from_the_epoch_s(self) -> None:
    stepper, again, other = (_Stepper([1.0, 2.0], 15) for _ in range(3))
    for recorder, step in ((stepper, 1), (again, 1), (other, 2)):
      make(recorder).outer_updates(one_batch(), epoch=0, step=step, count=1)
    self.assertEqual(stepper.inner[0], [100, 101])
    drawn = {tuple(rows) for rows in stepper.inner[1:]}
    self.assertEqual(drawn, {tuple(rows) for rows in PLAN})
    self.assertEqual(again.inner, stepper.inner)
    self.assertNotEqual(other.inner, stepper.inner)


class EndTest(tf.test.TestCase, parameterized.TestCase):

  def after(self, procedure: aggressive.Aggressive, information: float) -> str | None:
    with mock.patch.object(
        mutual_information, "minibatch_mutual_information", return_value=information):
      return procedure.after_epoch(mock.Mock())

  @parameterized.parameters(
      # Of text the first epoch that is worse than the one before ends it.
      ("text", [1.0, 2.0, 3.0, 2.9], 4), ("text", [-0.1], 1), ("text", [1.0, 1.0, 0.9], 3),
      # Of images five epochs in all that are worse than the best.
      ("image", [3.0, 2.0, 2.5, 3.5, 3.0, 3.4, 3.1], 7))
  def test_ends_when_mutual_information_has_stopped_rising(
      self, modality: str, information: list[float], epochs: int) -> None:
    state: dict[str, Any] = {}
    for number, value in enumerate(information, 1):
      # A new object from the saved state goes on as the old one would have.
      state = json.loads(json.dumps(state))
      procedure = make(_Stepper([], 15), state, modality)
      self.assertTrue(procedure.one_at_a_time)
      self.assertEqual(self.after(procedure, value) is not None, number == epochs)
    self.assertFalse(procedure.one_at_a_time)
    self.assertIsNone(self.after(procedure, -1.0))

  def test_then_it_is_the_standard_procedure(self) -> None:
    stepper = _Stepper([], 15)
    procedure = make(stepper)
    self.after(procedure, -1.0)
    procedure.outer_updates(one_batch(), epoch=0, step=5, count=3)
    self.assertEqual((stepper.taken, stepper.inner, stepper.decoded), ([3], [], []))


class RunTest(tf.test.TestCase):

  def train(self, config: config_lib.RunConfig, stop_after: int | None = None) -> loop.Training:
    """Trains in `config.run_dir`, up to so many calls of steps."""
    tf.config.experimental.enable_op_determinism()
    stop = signals.StopRequest()
    stopper = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: setattr(
        stop, "requested", batch + 1 == stop_after))
    return running.train(config, stop, [stopper])

  def test_run_that_is_interrupted_while_aggressive_ends_like_the_straight_one(self) -> None:
    folder = self.create_tempdir().full_path
    configs = [tiny.make_config(folder, method="agg_vae", epochs=2, run_dir=f"{folder}/{name}")
               for name in ("straight", "interrupted")]
    straight = self.train(configs[0])
    self.assertIn("aggressive", straight.progress.procedure)
    with self.assertRaises(errors.PreemptedError):
      self.train(configs[1], stop_after=3)
    resumed = self.train(configs[1])
    for ours, theirs in zip(resumed.model.variables, straight.model.variables, strict=True):
      np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    rows = [json.loads(line) for line in
            pathlib.Path(folder, "straight", "metrics.jsonl").read_text().splitlines()]
    self.assertEqual([row["step"] for row in rows], [5, 10])


if __name__ == "__main__":
  tf.test.main()
