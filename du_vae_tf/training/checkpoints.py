"""What a run needs to go on exactly where it was, and its best weights."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from du_vae_tf import errors
from du_vae_tf.training import optimizers as optimizers_lib
from du_vae_tf.training import run_folder


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
    self.value = Progress(**json.loads(string_value))


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
    self._writes = writes
    self._tracked = _TrackedProgress()
    weights = _by_path(model.variables)
    self._state = tf.train.Checkpoint(
        model=weights, optimizer=_by_path(optimizers.variables), progress=self._tracked)
    self._latest = tf.train.CheckpointManager(
        self._state, str(folder.checkpoints), max_to_keep=2, checkpoint_name="state")
    self._weights = tf.train.Checkpoint(model=weights)
    # Two are kept, so that a state saved before the newest best still finds its own.
    self._best = tf.train.CheckpointManager(
        self._weights, str(folder.best), max_to_keep=2, checkpoint_name="epoch")

  @property
  def progress(self) -> Progress:
    """The state that is saved with the tensors; change it in place."""
    return self._tracked.value

  def resume(self) -> bool:
    """Restores the latest state; False if there is none."""
    if self._latest.latest_checkpoint is None:
      return False
    self._state.restore(self._latest.latest_checkpoint).assert_existing_objects_matched()
    return True

  def save(self) -> None:
    """Saves weights, optimizer and progress as one."""
    if self._writes:
      self._latest.save(checkpoint_number=self.progress.step)

  def save_best(self, epoch: int) -> None:
    """Saves the weights as the best so far."""
    if self._writes:
      self._best.save(checkpoint_number=epoch)

  def reload_best(self) -> None:
    """Puts the weights (and running moments) of the best epoch back."""
    path = f"{self._best.directory}/epoch-{self.progress.best_epoch}"
    self._weights.restore(path).assert_existing_objects_matched()


def restore_best(folder: run_folder.RunFolder, model: keras.Model, progress: Progress) -> None:
  """Gives a built model the best weights of a run.

  The file is the one that the saved progress names: a run that was killed right after it wrote
  newer best weights has not accepted them.

  Raises:
    errors.UserError: the run has none yet.
  """
  path = folder.best / f"epoch-{progress.best_epoch or progress.epoch}"
  if not path.with_name(f"{path.name}.index").is_file():
    raise errors.UserError(
        f"--run_dir={folder.path}: no best weights here yet; finish the training first.")
  weights = tf.train.Checkpoint(model=_by_path(model.variables))
  weights.restore(str(path)).assert_existing_objects_matched()


def read_progress(folder: run_folder.RunFolder) -> Progress:
  """The state of a run's training as last saved; that of a new run if there is none."""
  tracked = _TrackedProgress()
  path = tf.train.latest_checkpoint(str(folder.checkpoints))
  if path is not None:
    tf.train.Checkpoint(progress=tracked).restore(path).expect_partial()
  return tracked.value
