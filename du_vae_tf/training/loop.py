"""The training run: epochs, validation, the best weights, the schedule, saving and resuming."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import image_corpus
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.models import builders
from du_vae_tf.objectives import schedules
from du_vae_tf.training import checkpoints
from du_vae_tf.training import pictures
from du_vae_tf.training import plateau
from du_vae_tf.training import precision
from du_vae_tf.training import regimes
from du_vae_tf.training import run_folder
from du_vae_tf.training import signals
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies
from du_vae_tf.training import summaries
from du_vae_tf.training.procedures import standard

PROCEDURES: dict[str, Callable[[step_lib.Stepper, Any, tf.Tensor, tf.Tensor], None]] = {
    "standard": standard.outer_updates}

# Steps between two looks at the sums: a look waits for the device.
_LOOK_EVERY = 10

# Steps run in one call for so long, which spares small models the price of a call and still lets a
# request to stop through.
_CALL_SECONDS = 0.1

# A flow has no count of active units: its KL per dimension says whether it uses z.
_COLLAPSED_FLOW_KL = 1.0 / 32.0

# The method that keeps a posterior of the family from collapsing.
_REGULARIZED = {"gaussian": "du_vae", "iaf": "du_iaf"}

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
    callbacks: further Keras callbacks.
  """

  def __init__(self, config: config_lib.RunConfig, corpus: corpus_lib.Corpus,
               folder: run_folder.RunFolder, stop: signals.StopRequest,
               callbacks: Sequence[keras.callbacks.Callback] = ()):
    self._config = config
    self._folder = folder
    self._stop = stop
    self._regime = regimes.REGIMES[config.modality]
    self._batches = corpus.train_batches(config)
    self._warmup = schedules.LinearWarmup(config.kl_start, schedules.warmup_steps(
        config.warmup_epochs, corpus.splits["train"].num_examples, config.batch_size))
    self._strategy = strategies.make_strategy(config.strategy)
    if config.jit_compile and self._strategy.num_replicas_in_sync > 1:
      raise errors.UserError(
          f"--jit_compile: works on one device, and --strategy={config.strategy} takes"
          f" {self._strategy.num_replicas_in_sync}; add --strategy=one_device.")
    policy = precision.policy(config.precision, config.hidden_size)
    with self._strategy.scope():
      self._model = builders.build_model(config, corpus.sizes, policy)
      self._optimizer = self._regime.optimizer(config.learning_rate)
      self._optimizer.build(self._model.trainable_variables)
    self._stepper = step_lib.Stepper(
        self._model, self._optimizer, self._strategy, config, self._warmup)
    self._validation = posterior_pass.PosteriorPass(self._model, config.seed, "validation")
    self._checkpoints = checkpoints.Checkpoints(folder, self._model, self._optimizer)
    self._validation_data = corpus.evaluation_dataset("valid", EVALUATION_BATCH)
    self._run_clock, self._epoch_clock = console.Stopwatch(), console.Stopwatch()
    self._warned = False
    self._steps_at_once = 1
    bars = [_EpochBar()] if console.shows_bars() else []
    self._callbacks = keras.callbacks.CallbackList(
        [summaries.EpochSummaries(folder), *self._pictures(corpus), *bars, *callbacks],
        model=self._model, verbose=1, epochs=config.epochs,
        steps=self._batches.batches_per_epoch)

  def _pictures(self, corpus: corpus_lib.Corpus) -> list[keras.callbacks.Callback]:
    """What draws pictures of a model of images."""
    if self._config.modality != "image":
      return []
    valid = cast(image_corpus.ImageCorpus, corpus).splits["valid"]
    # Drawn in float32 by a model of their own, which takes over the weights each time.
    drawing = builders.build_model(self._config, corpus.sizes)
    return [pictures.PictureSummaries(
        pictures.Pictures(drawing, valid, self._config.seed), self._model, self._folder)]

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
    self._write_metrics()
    self._run_clock.lap()
    self._callbacks.on_train_begin()
    while self.progress.epoch < self._config.epochs and not self.progress.stopped:
      self._run_epoch()
    if self.progress.best_epoch is None:
      # Warm-up never ended: of all epochs the last one is closest to the full objective.
      self._checkpoints.save_best(self.progress.epoch)
    self._callbacks.on_train_end()
    return self.progress

  def _run_epoch(self) -> None:
    progress = self.progress
    self._callbacks.on_epoch_begin(progress.epoch)
    self._stepper.reset(progress.totals)
    schedule = plateau.Plateau(self._regime.rule, progress.plateau)
    learning_rate = self._config.learning_rate * schedule.factor
    self._optimizer.learning_rate = learning_rate
    try:
      self._take_steps()
      collected = self._validation.collect(
          self._validation_data, self._regularized(), self._stop.check)
    except errors.PreemptedError:
      self._save()
      raise
    row = self._row(collected, learning_rate)
    self._judge(schedule, row["elbo_nll"])
    figures = {name: value for name, value in row.items() if name != "epoch"}
    self._callbacks.on_epoch_end(progress.epoch, figures | {
        "kl_per_dimension": collected.kl_per_dimension.tolist(),
        "mean_variance": collected.variance.mean(axis=0).tolist()})
    progress.history.append(row)
    progress.epoch, progress.batch, progress.epoch_seconds = progress.epoch + 1, 0, 0.0
    self._stepper.reset()
    self._save()
    self._write_metrics()
    self._say(row)

  def _take_steps(self) -> None:
    progress = self.progress
    update = PROCEDURES[self._config.method_row.procedure]
    dataset = self._batches.dataset(progress.epoch, first=progress.batch)
    iterator = iter(strategies.distribute(dataset, self._strategy))
    since_save = console.Stopwatch()
    self._epoch_clock.lap()
    since_look = console.Stopwatch()
    logs: dict[str, float] = {}
    while progress.batch < self._batches.batches_per_epoch:
      count = min(self._steps_at_once, self._batches.batches_per_epoch - progress.batch,
                  _LOOK_EVERY - progress.batch % _LOOK_EVERY)
      update(self._stepper, iterator, tf.constant(progress.step + 1, tf.int64),
             tf.constant(count, tf.int64))
      progress.batch += count
      progress.step += count
      if progress.batch % _LOOK_EVERY == 0:
        self._refuse_faults()
        logs = self._stepper.means("loss", "kl")
        fitting = int(_CALL_SECONDS * _LOOK_EVERY / since_look.lap())
        self._steps_at_once = max(1, min(_LOOK_EVERY, fitting))
      self._callbacks.on_train_batch_end(progress.batch - 1, logs)
      self._stop.check()
      if since_save.seconds > 60 * self._config.checkpoint_minutes:
        self._save()
        since_save.lap()
    self._refuse_faults()
    progress.epoch_seconds += self._epoch_clock.lap()

  def _regularized(self) -> bool:
    return bool(self._stepper.regularized(self.progress.step))

  def _refuse_faults(self) -> None:
    step, index = self._stepper.first_fault.numpy()
    if step:
      raise errors.DivergedError(
          f"step {step}: the {step_lib.WATCHED[index]} is not finite, so training stopped; the"
          f" last good state is in {self._folder.checkpoints}. A lower --learning_rate may help.")

  def _row(self, collected: posterior_pass.Collected, learning_rate: float) -> dict[str, Any]:
    """The line of metrics.jsonl of the running epoch."""
    progress = self.progress
    totals = self._stepper.totals_by_name()
    means = self._stepper.means("reconstruction", "kl")
    speeds = {"examples_per_second": totals["examples"] / progress.epoch_seconds}
    if self._config.modality == "text":
      speeds["words_per_second"] = totals["tokens"] / progress.epoch_seconds
    return {
        "epoch": progress.epoch + 1, "step": progress.step,
        "kl_weight": float(self._warmup.weight(progress.step)),
        "learning_rate": learning_rate,
        "train_reconstruction": means["reconstruction"], "train_kl": means["kl"],
        **collected.figures(), **speeds}

  def _judge(self, schedule: plateau.Plateau, loss: float) -> None:
    """Keeps the best weights, and lets the schedule lower the learning rate or stop."""
    progress = self.progress
    if not np.isfinite(loss):
      raise errors.DivergedError(
          f"epoch {progress.epoch + 1}: the validation loss is not finite; the last good state"
          f" is in {self._folder.checkpoints}. A lower --learning_rate may help.")
    eligible = self._warmup.finished(progress.step)
    if eligible and (progress.best_value is None or loss < progress.best_value):
      progress.best_value, progress.best_epoch = loss, progress.epoch + 1
      self._checkpoints.save_best(progress.epoch + 1)
    if not (eligible or self._regime.rule.counts_warmup):
      return
    decision = schedule.observe(progress.epoch, loss)
    if decision.decay and progress.best_epoch is not None:
      self._checkpoints.reload_best()
      regimes.forget(self._optimizer)
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
    files.write_text_atomically(self._folder.metrics, "".join(
        json.dumps(row) + "\n" for row in self.progress.history))

  def _say(self, row: dict[str, Any]) -> None:
    speed = (f"{row['words_per_second']:.0f} words/s" if "words_per_second" in row
             else f"{row['examples_per_second']:.1f} images/s")
    console.say(
        f"epoch {row['epoch']}/{self._config.epochs}: KL weight {row['kl_weight']:.2f},"
        f" validation -ELBO {row['elbo_nll']:.2f} = {row['reconstruction']:.2f}"
        f" + KL {row['kl']:.2f}, {_latent_figures(row, self._config.latent_dim)}, {speed}")
    if self._warmup.finished(row["step"]):
      self._warn_of_collapse(row)

  def _warn_of_collapse(self, row: dict[str, Any]) -> None:
    """Once, when warm-up is over: says so if the latent variable is hardly used."""
    collapsed = (row["kl"] < _COLLAPSED_FLOW_KL * self._config.latent_dim if row["au"] is None
                 else row["au"] < self._config.latent_dim / 4)
    if self._warned or not collapsed:
      return
    self._warned = True
    sign = (f"KL is {row['kl']:.2f}" if row["au"] is None
            else f"{row['au']} of {self._config.latent_dim} latent units are active")
    console.say(f"WARNING: {sign}: the posterior is collapsing onto the prior. Try"
                f" {_remedy(self._config)}.")


def _latent_figures(row: Mapping[str, Any], latent_dim: int) -> str:
  """What the line of an epoch says of the latent variable; of a flow, of z before it."""
  prefix, of = ("", "") if row["mi"] is not None else ("z0_", " before the flow")
  return f"MI {row[f'{prefix}mi']:.2f}, active units {row[f'{prefix}au']} of {latent_dim}{of}"


def _remedy(config: config_lib.RunConfig) -> str:
  if config.method_row.variance_dropout:
    return "a larger --gamma or a smaller --keep_prob"
  regularized = _REGULARIZED[config.method_row.posterior]
  if config.free_bits is not None:
    return f"a larger --free_bits, or --method={regularized}"
  if config.gamma is not None:
    return f"a larger --gamma, or --method={regularized}"
  return f"--method={regularized} (then --gamma and --keep_prob), or a longer --warmup_epochs"
