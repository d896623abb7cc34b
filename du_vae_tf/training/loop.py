"""The training run: epochs, validation, the best weights, the schedule, saving and resuming."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.models import builders
from du_vae_tf.training import checkpoints
from du_vae_tf.training import epoch_figures
from du_vae_tf.training import epoch_lines
from du_vae_tf.training import kl_schedules
from du_vae_tf.training import optimizers
from du_vae_tf.training import plateau
from du_vae_tf.training import precision
from du_vae_tf.training import regimes
from du_vae_tf.training import run_folder
from du_vae_tf.training import signals
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies
from du_vae_tf.training import summaries
from du_vae_tf.training import workers
from du_vae_tf.training.procedures import table as procedures

# Steps between two looks at the sums: a look waits for the device.
LOOK_EVERY = 10

# Steps run in one call for so long, which spares small models the price of a call and still lets a
# request to stop through.
_CALL_SECONDS = 0.1

# Examples in one batch of a validation pass, where nothing is kept for gradients.
EVALUATION_BATCH = 64


class _EpochBar(keras.callbacks.ProgbarLogger):
  """Keras's progress bar, without the epoch's figures at its end: they have a line of their own."""

  def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
    del logs
    super().on_epoch_end(epoch, None)


class Training:
  """A run that continues from whatever its folder holds.

  Args:
    config: of the run.
    corpus: its data.
    folder: owned by this process.
    stop: asked between steps whether to end.
    strategy: of `strategies.make_strategy`. Its chief alone writes and speaks.
    callbacks: further Keras callbacks.
  """

  def __init__(self, config: config_lib.RunConfig, corpus: corpus_lib.Corpus,
               folder: run_folder.RunFolder, stop: signals.StopRequest,
               strategy: tf.distribute.Strategy,
               callbacks: Sequence[keras.callbacks.Callback] = ()):
    self._config = config
    self._folder = folder
    self._stop = stop
    self._regime = regimes.REGIMES[config.modality]
    self._batches = corpus.train_batches(config)
    self._kl_schedule = kl_schedules.make(config, corpus.splits["train"].num_examples)
    self._strategy = strategy
    self._workers = workers.Workers(strategy)
    if config.jit_compile and self._strategy.num_replicas_in_sync > 1:
      raise errors.UserError(
          f"--jit_compile: works on one device, and --strategy={config.strategy} takes"
          f" {self._strategy.num_replicas_in_sync}; add --strategy=one_device.")
    policy = precision.policy(config.precision, config.hidden_size)
    with self._strategy.scope():
      self._model = builders.build_model(config, corpus.sizes, policy)
      self._optimizers = optimizers.Optimizers(
          functools.partial(self._regime.optimizer, config.learning_rate), self._model)
    self._stepper = step_lib.Stepper(
        self._model, self._optimizers, self._strategy, config, self._kl_schedule,
        procedures.differentiate(config, self._model))
    self._validation = posterior_pass.PosteriorPass(self._model, config.seed, "validation")
    self._checkpoints = checkpoints.Checkpoints(
        folder, self._model, self._optimizers, self._workers.is_chief)
    self._validation_data = corpus.evaluation_dataset("valid", EVALUATION_BATCH)
    self._run_clock, self._epoch_clock = console.Stopwatch(), console.Stopwatch()
    self._lines = epoch_lines.EpochLines(config)
    self._summaries = summaries.EpochSummaries(folder) if self._workers.is_chief else None
    self._steps_at_once = 1
    bars = [_EpochBar()] if console.shows_bars() else []
    self._callbacks = keras.callbacks.CallbackList(
        [*bars, *callbacks], model=self._model, verbose=1, epochs=config.epochs,
        steps=self._batches.batches_per_epoch)

  @property
  def model(self) -> keras.Model:
    """The model in training."""
    return self._model

  @property
  def progress(self) -> checkpoints.Progress:
    """How far the run is."""
    return self._checkpoints.progress

  def run(self) -> checkpoints.Progress:
    """Trains until the schedule or the number of epochs ends it.

    Raises:
      errors.DivergedError: a term of the loss is no longer finite.
      errors.PreemptedError: the process was asked to stop; the state is saved.
    """
    if self._checkpoints.resume():
      console.say(f"Resuming after epoch {self.progress.epoch}, step {self.progress.step}.")
    self._workers.agree(
        f"{self.progress.step:06x}", "saved states; --run_dir must be the same folder for all")
    self._procedure = procedures.make(
        self._config, self._stepper, self._batches, self._strategy, self.progress.procedure)
    self._write_metrics()
    self._run_clock.lap()
    self._callbacks.on_train_begin()
    while self.progress.epoch < self._config.epochs and not self.progress.stopped:
      self._run_epoch()
    if self.progress.best_epoch is None:
      # Warm-up never ended: of all epochs the last one is closest to the full objective.
      self._checkpoints.save_best(self.progress.epoch)
    self._callbacks.on_train_end()
    if self._summaries is not None:
      self._summaries.close()
    return self.progress

  def _run_epoch(self) -> None:
    progress = self.progress
    self._callbacks.on_epoch_begin(progress.epoch)
    self._stepper.reset(progress.totals)
    schedule = plateau.Plateau(self._regime.rule, progress.plateau)
    learning_rate = self._config.learning_rate * schedule.factor
    self._optimizers.set_learning_rate(learning_rate)
    try:
      self._take_steps()
      # Every worker looks at all of the data: what follows from it is then known to all.
      collected = self._validation.collect(
          self._validation_data, self._regularized(), self._check_alone)
      self._workers.check(self._stop)
    except errors.PreemptedError:
      self._save()
      raise
    row = self._row(collected, learning_rate)
    self._judge(schedule, row[self._config.method_row.selection])
    remark = self._procedure.after_epoch(collected)
    self._callbacks.on_epoch_end(
        progress.epoch, {name: value for name, value in row.items() if name != "epoch"})
    if self._summaries is not None:
      self._summaries.write(row, collected)
    progress.history.append(row)
    progress.epoch, progress.batch, progress.epoch_seconds = progress.epoch + 1, 0, 0.0
    self._stepper.reset()
    self._save()
    self._write_metrics()
    self._lines.say(row, self._kl_schedule.settled(row["step"]))
    if remark is not None:
      console.say(remark)

  def _take_steps(self) -> None:
    progress = self.progress
    dataset = self._batches.dataset(progress.epoch, first=progress.batch)
    iterator = iter(strategies.distribute(dataset, self._strategy))
    since_save = console.Stopwatch()
    self._epoch_clock.lap()
    since_look = console.Stopwatch()
    logs: dict[str, float] = {}
    while progress.batch < self._batches.batches_per_epoch:
      at_once = 1 if self._procedure.one_at_a_time else self._steps_at_once
      count = min(at_once, self._batches.batches_per_epoch - progress.batch,
                  LOOK_EVERY - progress.batch % LOOK_EVERY)
      self._procedure.outer_updates(iterator, progress.epoch, progress.step + 1, count)
      progress.batch += count
      progress.step += count
      if progress.batch % LOOK_EVERY == 0:
        self._refuse_faults()
        logs = self._stepper.means("loss", "kl")
        fitting = int(_CALL_SECONDS * LOOK_EVERY / since_look.lap())
        self._steps_at_once = max(1, min(LOOK_EVERY, fitting))
      self._callbacks.on_train_batch_end(progress.batch - 1, logs)
      self._check_alone()
      if progress.batch % LOOK_EVERY == 0:
        self._workers.check(self._stop)
      if since_save.seconds > 60 * self._config.checkpoint_minutes:
        self._save()
        since_save.lap()
    self._refuse_faults()
    progress.epoch_seconds += self._epoch_clock.lap()

  def _check_alone(self) -> None:
    """Asks for a stop where no other worker would wait for this one."""
    if self._workers.count == 1:
      self._stop.check()

  def _regularized(self) -> bool:
    return bool(self._stepper.regularized(self.progress.step))

  def _refuse_faults(self) -> None:
    self._stepper.refuse_faults(f"the last good state is in {self._folder.checkpoints}")

  def _row(self, collected: posterior_pass.Collected, learning_rate: float) -> dict[str, Any]:
    """The line of metrics.jsonl of the running epoch."""
    progress = self.progress
    return {"epoch": progress.epoch + 1} | epoch_figures.make(
        self._config, self._stepper, step=progress.step, learning_rate=learning_rate,
        seconds=progress.epoch_seconds, collected=collected)

  def _judge(self, schedule: plateau.Plateau, loss: float) -> None:
    """Keeps the best weights, and lets the schedule lower the learning rate or stop."""
    progress = self.progress
    loss = self._workers.from_chief(loss)
    if not np.isfinite(loss):
      raise errors.DivergedError(
          f"epoch {progress.epoch + 1}: the validation loss is not finite; the last good state"
          f" is in {self._folder.checkpoints}. A lower --learning_rate may help.")
    eligible = self._kl_schedule.settled(progress.step)
    if eligible and (progress.best_value is None or loss < progress.best_value):
      progress.best_value, progress.best_epoch = loss, progress.epoch + 1
      self._checkpoints.save_best(progress.epoch + 1)
    if not (eligible or self._regime.rule.counts_warmup):
      return
    decision = schedule.observe(progress.epoch, loss)
    if decision.decay and progress.best_epoch is not None:
      self._workers.wait()  # For the chief to have written them.
      self._checkpoints.reload_best()
      self._optimizers.forget()
      console.say(f"No better validation loss: learning rate halved, weights of epoch"
                  f" {progress.best_epoch} reloaded.")
    progress.plateau = schedule.state
    progress.stopped = decision.stop

  def _save(self) -> None:
    self._refuse_faults()
    progress = self.progress
    progress.totals = self._stepper.totals.numpy().tolist()
    progress.epoch_seconds += self._epoch_clock.lap() if progress.batch else 0.0
    progress.train_seconds += self._run_clock.lap()
    self._checkpoints.save()

  def _write_metrics(self) -> None:
    """Writes all lines anew, so that an interrupted epoch leaves none behind."""
    if not self._workers.is_chief:
      return
    files.write_text_atomically(self._folder.metrics, "".join(
        json.dumps(row) + "\n" for row in self.progress.history))
