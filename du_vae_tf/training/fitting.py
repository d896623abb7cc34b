"""One call of Keras's `fit`: its steps, and the figures of its epochs."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf.data import batching
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import epoch_figures
from du_vae_tf.training import loop
from du_vae_tf.training import optimizers as optimizers_lib
from du_vae_tf.training import step as step_lib
from du_vae_tf.training.procedures import table as procedures


class Fit(keras.callbacks.Callback):
  """One call of `fit`: takes its steps, and gives the other callbacks the figures of an epoch.

  Args:
    config: of the run.
    stepper: takes the steps.
    batches: of the training data.
    procedure: of the method.
    optimizers: of the stepper.
    collect: passes over the validation data; None where there are none.
  """

  def __init__(self, config: config_lib.RunConfig, stepper: step_lib.Stepper,
               batches: batching.TrainBatches, procedure: procedures.Procedure,
               optimizers: optimizers_lib.Optimizers,
               collect: Callable[[bool], posterior_pass.Collected] | None):
    super().__init__()
    self._config = config
    self._stepper = stepper
    self._batches_per_epoch = batches.batches_per_epoch
    self._procedure = procedure
    self._optimizers = optimizers
    self._collect = collect
    self._clock = console.Stopwatch()
    self._epoch = self._batch = 0

  @property
  def _step(self) -> int:
    """Updates so far."""
    return self._epoch * self._batches_per_epoch + self._batch

  def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
    """Starts the sums of the epoch."""
    del logs
    self._epoch, self._batch = epoch, 0
    self._stepper.reset()
    self._clock.lap()

  def take(self, iterator: Any, at_once: int) -> dict[str, float]:
    """Takes the next steps, and gives the means of the epoch so far."""
    count = min(at_once, self._batches_per_epoch - self._batch)
    size = 1 if self._procedure.one_at_a_time else count
    self._follow_learning_rate()
    for _ in range(0, count, size):
      self._procedure.outer_updates(iterator, self._epoch, self._step + 1, size)
      self._batch += size
    if self._batch % loop.LOOK_EVERY < count or self._batch == self._batches_per_epoch:
      self._stepper.refuse_faults("the last good weights are those that a callback saved")
    means = self._stepper.means("loss", "reconstruction", "kl")
    return {"loss": means["loss"], "train_reconstruction": means["reconstruction"],
            "train_kl": means["kl"]}

  @property
  def _learning_rate(self) -> float:
    """Of the compiled optimizer."""
    return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

  def _follow_learning_rate(self) -> None:
    """A callback may have set that of the compiled optimizer; the encoder's own takes it over."""
    # With a schedule both have it.
    if isinstance(self.model.optimizer.learning_rate, keras.Variable):
      self._optimizers.set_learning_rate(self._learning_rate)

  def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
    """Adds the figures of the epoch to `logs`, which all callbacks after this one share."""
    seconds = self._clock.lap()
    collected = None
    if self._collect is not None:
      collected = self._collect(bool(self._stepper.regularized(self._step)))
    figures = epoch_figures.make(
        self._config, self._stepper, step=self._step, learning_rate=self._learning_rate,
        seconds=seconds, collected=collected)
    if logs is not None:
      logs.update((name, value) for name, value in figures.items() if value is not None)
    remark = collected and self._procedure.after_epoch(collected)
    if remark:
      console.say(remark)
