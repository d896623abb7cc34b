"""One run of a sweep: an ordinary run folder, made by the ordinary programs."""

import dataclasses
import json
import pathlib
import time
from collections.abc import Mapping
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import finished_runs
from du_vae_tf import folder_lock
from du_vae_tf import json_files
from du_vae_tf import programs
from du_vae_tf import report as report_lib
from du_vae_tf.training import run_folder

_SPLIT = "valid"


@dataclasses.dataclass(frozen=True)
class Trial:
  """A run of a sweep; plain values, so that it can be sent to workers.

  Attributes:
    name: of the run folder: what tells it apart from the others.
    folder: of the run.
    flags: of `train`, without `--run_dir`; as the user wrote them.
  """

  name: str
  folder: pathlib.Path
  flags: Mapping[str, Any]

  @property
  def log(self) -> pathlib.Path:
    """What the programs say."""
    return self.folder.with_name(f"{self.name}.log")

  @property
  def stopped(self) -> pathlib.Path:
    """Written when the run is stopped early: the last figure by which it was judged."""
    return self.folder.with_name(f"{self.name}.stopped.json")

  @property
  def config(self) -> config_lib.RunConfig:
    """Of the run."""
    return command_line.resolve(command_line.explicit_values(
        command_line.config_flags(), command_line.arguments(self.flags)))


@dataclasses.dataclass(frozen=True)
class Figure:
  """The validation figure by which a run is judged while it is trained.

  Attributes:
    epoch: after which it was taken, counted from 1.
    value: nats; the figure by which the method's best epoch is chosen, mostly -ELBO.
  """

  epoch: int
  value: float


@dataclasses.dataclass(frozen=True)
class Outcome:
  """What became of a trial; one of `report`, `stopped` and `failure` is there.

  Attributes:
    trial: which.
    nll: importance-weighted NLL on the validation split, nats; with `report`.
    report: on the test split.
    stopped: after which figure it was stopped early.
    failure: what it said last.
  """

  trial: Trial
  nll: float | None = None
  report: report_lib.Report | None = None
  stopped: Figure | None = None
  failure: str | None = None

  def line(self) -> str:
    """For the console."""
    if self.report is not None:
      return (f"validation NLL {self.nll:.2f}, test NLL {self.report.nll:.2f},"
              f" KL {self.report.kl:.2f}")
    if self.stopped is not None:
      return f"stopped after epoch {self.stopped.epoch} at {self.stopped.value:.2f}"
    return f"failed: {self.failure}"


def clear(trial: Trial) -> None:
  """Deletes what was made of a trial.

  Raises:
    errors.UserError: another process trains it, or its folder holds something else.
  """
  if trial.folder.is_dir():
    folder = run_folder.RunFolder(trial.folder)
    folder.acquire()
    try:
      folder.clear()
    finally:
      folder.release()
  for path in (trial.log, trial.stopped):
    path.unlink(missing_ok=True)


def complete(children: programs.Programs, trial: Trial) -> Outcome:
  """Trains a run and evaluates it on the validation split, or what of that is not done.

  Raises:
    errors.PreemptedError: the programs were asked to stop.
  """
  _wait_for_owner(children, trial)
  status = 0
  if not finished_runs.is_done(trial.folder, trial.config):
    status = children.call("train", {**trial.flags, "run_dir": trial.folder}, trial.log)
  if not status and _validation(trial) is None:
    options = {name: trial.flags[name] for name in ("precision",) if name in trial.flags}
    status = children.call("evaluate", {
        "run_dir": trial.folder, "split": _SPLIT,
        "iw_samples": report_lib.Report.read(trial.folder / "report.json").iw_samples,
        **options}, trial.log)
  if status:
    return Outcome(trial, failure=programs.last_line(trial.log))
  return _finished(trial)


def known(trial: Trial) -> Outcome | None:
  """The outcome of a trial that is finished; None if something is left to do."""
  if finished_runs.is_done(trial.folder, trial.config) and _validation(trial) is not None:
    return _finished(trial)
  return None


def stop_early(trial: Trial, figure: Figure) -> Outcome:
  """Remembers that a trial was stopped."""
  files.write_text_atomically(trial.stopped, json.dumps(dataclasses.asdict(figure)) + "\n")
  return Outcome(trial, stopped=figure)


def known_stopped(trial: Trial) -> Outcome | None:
  """The outcome of a trial that was stopped early; None if it was not."""
  if not trial.stopped.is_file():
    return None
  try:
    figure = json_files.read_object(trial.stopped)
    json_files.check_fields(Figure, figure)
    return Outcome(trial, stopped=Figure(**figure))
  except (OSError, ValueError) as error:
    raise errors.UserError(
        f"{trial.stopped}: does not say why a run was stopped ({error}); delete it, and the run"
        " goes on.") from None


def figures(trial: Trial) -> list[Figure]:
  """The figures of the epochs so far that end with the final KL weight.

  Those before it were trained for something else and do not compare.
  """
  path = trial.folder / "metrics.jsonl"
  if not path.is_file():
    return []
  config = trial.config
  rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
  return [Figure(row["epoch"], row[config.method_row.selection]) for row in rows
          if config.kl_schedule in (None, "constant") or row["kl_weight"] == 1.0]


def num_figures(config: config_lib.RunConfig) -> int:
  """How many epochs of a whole run end with the final KL weight."""
  if config.kl_schedule in (None, "constant") or config.kl_start == 1.0:
    return config.epochs
  cycle = config.cycle_epochs or config.epochs
  return sum(epoch % cycle + 1 >= (config.warmup_epochs or 0) for epoch in range(config.epochs))


def _wait_for_owner(children: programs.Programs, trial: Trial) -> None:
  """Lets a program that still trains the run, of a sweep that was killed, end first."""
  lock = folder_lock.FolderLock(trial.folder, "run_dir")
  if not lock.is_free:
    console.say(f"{trial.name}: waiting for another process that has {trial.folder}")
  while not lock.is_free:
    children.check()
    time.sleep(0.5)


def _validation(trial: Trial) -> report_lib.Report | None:
  """The evaluation on the validation split of the weights that the report is of."""
  test = report_lib.Report.read(trial.folder / "report.json")
  path = trial.folder / "evaluations" / f"{_SPLIT}-{test.iw_samples}.json"
  if not path.is_file():
    return None
  valid = report_lib.Report.read(path)
  return valid if valid.best_epoch == test.best_epoch else None


def _finished(trial: Trial) -> Outcome:
  valid = _validation(trial)
  if valid is None:
    raise ValueError(f"`trial` must be evaluated. Received: {trial.name}.")
  trial.stopped.unlink(missing_ok=True)  # Of a sweep that stopped it, before this one did not.
  return Outcome(trial, nll=valid.nll, report=report_lib.Report.read(trial.folder / "report.json"))
