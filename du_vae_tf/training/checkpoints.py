"""What a run needs to go on exactly where it was, and its best weights."""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import json_files
from du_vae_tf.training import optimizers as optimizers_lib
from du_vae_tf.training import run_folder

_STATE = "state"
_STATES = f"{_STATE}-*.index"
# What TensorFlow calls its list of the files.
_LIST = "checkpoint"
_LONGEST_REASON = 300


@dataclasses.dataclass
class Progress:
  """How far a run is: all of its state that is not a tensor.

  Random numbers and the order of the data are functions of (seed, epoch, step), so they need no
  state of their own.

  Attributes:
    epoch: completed epochs.
    batch: batches taken in the running epoch.
    step: updates so far.
    totals: sums over the running epoch (`step.TOTALS`).
    epoch_seconds: training time of the running epoch.
    train_seconds: wall time of the run, validation and checkpoints included.
    plateau: state of the learning-rate schedule; None before the first epoch.
    procedure: state of the procedure; plain values.
    best_epoch: number of the best epoch, counted from 1; None before the first eligible one.
    best_value: its validation -ELBO in nats per example.
    stopped: whether the schedule ended the training.
    history: one row of metrics.jsonl per completed epoch.
  """

  epoch: int = 0
  batch: int = 0
  step: int = 0
  totals: list[float] | None = None
  epoch_seconds: float = 0.0
  train_seconds: float = 0.0
  plateau: dict[str, Any] | None = None
  procedure: dict[str, Any] = dataclasses.field(default_factory=dict)
  best_epoch: int | None = None
  best_value: float | None = None
  stopped: bool = False
  history: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class _TrackedProgress(tf.train.experimental.PythonState):
  """Keeps `Progress` inside a TensorFlow checkpoint, so that both are written as one."""

  def __init__(self) -> None:
    super().__init__()
    self.value = Progress()

  def serialize(self) -> str:
    return json.dumps(dataclasses.asdict(self.value))

  def deserialize(self, string_value: str | bytes) -> None:
    values = json_files.parse_object(string_value)
    json_files.check_fields(Progress, values)
    for name in ("epoch", "batch", "step"):
      if values.get(name, 0) < 0:
        raise ValueError(f"{name} is {values[name]}; expected at least 0")
    self.value = Progress(**values)


@contextlib.contextmanager
def _whole(path: str | os.PathLike[str]) -> Iterator[None]:
  """Turns what damaged files make of TensorFlow in the block into one line."""
  try:
    yield
  except errors.UserError:
    raise
  except Exception as error:  # It raises what the damaged bytes lead it to.
    reason = textwrap.shorten(str(error), _LONGEST_REASON)
    raise errors.UserError(
        f"{path}: is damaged, or not of this run ({type(error).__name__}: {reason}); put the files"
        " back from a copy, or train the run anew in another --run_dir.") from error


def _by_path(variables: Sequence[keras.Variable]) -> dict[str, tf.Variable]:
  """The variables by name, for a checkpoint.

  TensorFlow's own walk through a model would miss layers that Keras keeps in a list, silently.
  """
  named = {variable.path: variable.value for variable in variables}
  if len(named) != len(variables):
    raise ValueError(
        f"`variables` must have different paths. Received: {sorted(v.path for v in variables)}.")
  return named


class Checkpoints:
  """Latest two states for resuming, and the best weights.

  Args:
    folder: of the run.
    model: built.
    optimizers: whose variables are the rest of the state.
    writes: whether `save` and `save_best` write, or another worker's do.
  """

  def __init__(self, folder: run_folder.RunFolder, model: keras.Model,
               optimizers: optimizers_lib.Optimizers, writes: bool = True):
    self._folder = folder
    self._writes = writes
    self._tracked = _TrackedProgress()
    weights = _by_path(model.variables)
    self._state = tf.train.Checkpoint(
        model=weights, optimizer=_by_path(optimizers.variables), progress=self._tracked)
    self._latest = _manager(self._state, folder.checkpoints, _STATE)
    self._weights = tf.train.Checkpoint(model=weights)
    # Two are kept, so that a state saved before the newest best still finds its own.
    self._best = _manager(self._weights, folder.best, "epoch")

  @property
  def progress(self) -> Progress:
    """The state that is saved with the tensors; change it in place."""
    return self._tracked.value

  def resume(self) -> bool:
    """Restores the latest state that is whole; False if there is none at all.

    Raises:
      errors.UserError: none of those that are there is whole.
    """
    return _latest_readable(self._folder, self._restore_finite)

  def _restore_finite(self, path: str) -> None:
    """Restores a state; one that nothing can be trained from counts as damaged."""
    self._state.restore(path).assert_existing_objects_matched()
    for part in (self._state.model, self._state.optimizer):
      for name, variable in part.items():
        if variable.dtype.is_floating and not np.isfinite(variable.numpy()).all():
          raise ValueError(f"{name} is not finite")

  def save(self) -> None:
    """Saves weights, optimizer and progress as one, in files of their own.

    Their number is the step, or one more than that of the newest state: TensorFlow writes over
    files of the same name one by one, and an end in between would leave neither state whole.
    """
    if self._writes:
      newest = max(map(_number, self._folder.checkpoints.glob(_STATES)), default=-1)
      self._latest.save(checkpoint_number=max(self.progress.step, newest + 1))

  def save_best(self, epoch: int) -> None:
    """Saves the weights as the best so far."""
    if self._writes:
      self._best.save(checkpoint_number=epoch)

  def reload_best(self) -> None:
    """Puts the weights (and running moments) of the best epoch back.

    Raises:
      errors.UserError: they are damaged.
    """
    path = f"{self._best.directory}/epoch-{self.progress.best_epoch}"
    with _whole(path):
      self._weights.restore(path).assert_existing_objects_matched()


def restore_best(folder: run_folder.RunFolder, model: keras.Model, progress: Progress) -> None:
  """Gives a built model the best weights of a run.

  The file is the one that the saved progress names: a run that was killed right after it wrote
  newer best weights has not accepted them.

  Raises:
    errors.UserError: the run has none yet, or they are damaged.
  """
  path = folder.best / f"epoch-{progress.best_epoch or progress.epoch}"
  if not path.with_name(f"{path.name}.index").is_file():
    raise errors.UserError(
        f"--run_dir={folder.path}: no best weights here yet; finish the training first.")
  weights = tf.train.Checkpoint(model=_by_path(model.variables))
  with _whole(path):
    weights.restore(str(path)).assert_existing_objects_matched()


def read_progress(folder: run_folder.RunFolder) -> Progress:
  """The state of a run's training as last saved; that of a new run if there is none.

  Raises:
    errors.UserError: it is damaged.
  """
  tracked = _TrackedProgress()
  _latest_readable(folder, lambda path: tf.train.Checkpoint(
      progress=tracked).restore(path).expect_partial())
  return tracked.value


def _manager(checkpoint: tf.train.Checkpoint, folder: pathlib.Path,
             name: str) -> tf.train.CheckpointManager:
  """Keeps two files of a name. A damaged list of them is begun anew: they say what they are."""
  with _without_warnings():
    try:
      return tf.train.CheckpointManager(checkpoint, str(folder), 2, checkpoint_name=name)
    except (ValueError, tf.errors.OpError):
      (folder / _LIST).unlink(missing_ok=True)
      return tf.train.CheckpointManager(checkpoint, str(folder), 2, checkpoint_name=name)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
  """Keeps TensorFlow from warning of a clock that was set back, which nothing here depends on."""
  logger = tf.get_logger()
  level = logger.level
  logger.setLevel(logging.ERROR)
  try:
    yield
  finally:
    logger.setLevel(level)


def _latest_readable(folder: run_folder.RunFolder, restore: Callable[[str], object]) -> bool:
  """Restores the newest state that is whole; False if there is none at all.

  TensorFlow keeps a checksum of every tensor, so that damage shows when it is read.
  """
  damage = []
  for path in sorted(folder.checkpoints.glob(_STATES), key=_number, reverse=True):
    try:
      with _whole(path.with_suffix("")):
        restore(str(path.with_suffix("")))
    except errors.UserError as error:
      damage.append(error)
      continue
    for one in damage:
      console.say(f"{str(one).partition(';')[0]}; going on from {path.stem}.")
    return True
  if damage:
    raise damage[0]
  if (folder.checkpoints / _LIST).exists():  # To begin anew in silence would write over the rest.
    raise errors.UserError(
        f"{folder.checkpoints}: has lost the states of the run; put the files back from a copy, or"
        " train the run anew in another --run_dir.")
  return False


def _number(path: pathlib.Path) -> int:
  """The number in the name of a state; names of no number come last."""
  number = path.stem.partition("-")[2]
  return int(number) if number.isdecimal() else -1
