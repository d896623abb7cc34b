"""Runs the trials of a sweep by Ray Tune, which may stop the poor ones early.

A trial is the same run folder, made by the same programs, as without Ray: an actor starts them and
reports the validation figures that they write. What is done lies in the run folders alone, so a
sweep may go on with or without Ray; nothing that Ray keeps outlives the command.
"""

import logging
import math
import os
import pathlib
import shutil
import socket
import types
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any

from du_vae_tf import errors
from du_vae_tf import programs
from du_vae_tf.sweeping import trials
from du_vae_tf.training import signals

# Read while Ray is imported and started: it is not to report, to write logs or to handle signals.
os.environ.update({
    "RAY_USAGE_STATS_ENABLED": "0", "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1"})

import ray  # noqa: E402
from ray import tune  # noqa: E402
from ray.tune import schedulers  # noqa: E402
from ray.tune.experiment import trial as tune_trial  # noqa: E402

# Of ASHA (Li et al. 2020): at each rung the best third goes on. Rungs lie at a ninth and at a third
# of the epochs that count.
_REDUCTION = 3
# A step of an actor ends after so long even if there is nothing new, so that it can be stopped.
_PATIENCE_SECONDS = 1.0
_REACH_SECONDS = 10.0
# Machines may be lost: a trial is begun again where its run folder is.
_MOST_LOSSES = 3
_VALUE, _TIME = "value", "figures"


class TrialActor(tune.Trainable):
  """Trains and evaluates one trial; a result is the next of its validation figures."""

  def setup(self, config: dict[str, Any]) -> None:
    """Starts nothing yet: what an earlier sweep has trained is reported first."""
    os.environ.update(config["environment"])
    self._trial = trials.Trial(**config["trial"])
    self._children = programs.Programs()
    self._pool = futures.ThreadPoolExecutor(1)
    self._work: futures.Future[trials.Outcome] | None = None
    self._reported = 0

  def step(self) -> dict[str, Any]:
    """The next figure; the last one again if there is none for a while, or at the end."""
    outcome = None
    if len(trials.figures(self._trial)) <= self._reported:
      outcome = self._wait()
    found = trials.figures(self._trial)
    if len(found) > self._reported:
      self._reported += 1
      outcome = None  # It is asked for again when all figures are reported.
    return _result(found[:self._reported]) | (
        {} if outcome is None else {"done": True, "failure": outcome.failure})

  def _wait(self) -> trials.Outcome | None:
    """Trains on for a while; the outcome if it is there."""
    if self._work is None:
      self._work = self._pool.submit(trials.complete, self._children, self._trial)
    done, _ = futures.wait([self._work], timeout=_PATIENCE_SECONDS)
    return self._work.result() if done else None

  def cleanup(self) -> None:
    """Lets the programs save themselves and end."""
    self._children.stop()
    self._pool.shutdown()


def _result(found: Sequence[trials.Figure]) -> dict[str, Any]:
  """The newest of the figures as Tune takes it."""
  return {_TIME: len(found), _VALUE: found[-1].value if found else math.inf,
          "epoch": found[-1].epoch if found else 0}


def scheduler(work: Sequence[trials.Trial]) -> schedulers.ASHAScheduler:
  """ASHA over the epochs that end with the final KL weight, so that no warm-up counts.

  What these trials have reported in an earlier sweep is reported to it first, of those that are
  finished or stopped.

  Args:
    work: all trials of the sweep.

  Raises:
    errors.UserError: too few epochs end with the final KL weight, or figures do not compare.
  """
  figures = {trial.config.method_row.selection for trial in work}
  if len(figures) > 1:
    raise errors.UserError(
        "--early_stopping=asha: the methods of these runs are judged by different figures"
        f" ({', '.join(sorted(figures))}), which do not compare.")
  most = max(trials.num_figures(trial.config) for trial in work)
  if most < 2:
    raise errors.UserError(
        f"--early_stopping=asha: {most} of the epochs of these runs end with the final KL weight,"
        " and only those compare; give more --epochs or fewer --warmup_epochs.")
  first_rung = max(1, most // _REDUCTION**2)
  made = schedulers.ASHAScheduler(
      time_attr=_TIME, metric=_VALUE, mode="min", grace_period=first_rung,
      max_t=min(_REDUCTION * first_rung, most - 1),  # The highest place of a rung.
      reduction_factor=_REDUCTION, stop_last_trials=False)
  for trial in work:
    if trials.known(trial) is not None or trials.known_stopped(trial) is not None:
      _report_past(made, trial.name, trials.figures(trial))
  return made


def _report_past(made: Any, name: str, found: Sequence[trials.Figure]) -> None:
  """Tells a scheduler the figures of a trial of an earlier sweep."""
  past = types.SimpleNamespace(trial_id=name)
  made.on_trial_add(None, past)
  for number in range(1, len(found) + 1):
    made.on_trial_result(None, past, _result(found[:number]))


def run(work: Sequence[trials.Trial], parallel: int,
        on_outcome: Callable[[trials.Outcome], object], *, address: str | None,
        asha: schedulers.ASHAScheduler | None, folder: pathlib.Path) -> None:
  """Completes trials, or stops them early.

  Args:
    work: in the order in which trials are begun.
    parallel: how many are trained at once; each has an equal share of the processors, and a GPU
      where there are any.
    on_outcome: told of each trial that is done.
    address: of a Ray cluster; None starts Ray on this machine for the time of the sweep.
    asha: says which trials to stop; None: no one.
    folder: for what Tune writes while it runs.

  Raises:
    errors.UserError: there is no cluster at the address.
    errors.PreemptedError: this process was asked to stop; runs have saved themselves.
  """
  logging.getLogger("ray").setLevel(logging.CRITICAL)
  _start(address)
  stop = signals.StopRequest()
  stop.install()  # Now, since Ray has brought handlers of its own.
  share = _share(parallel)
  try:
    tune.Tuner(
        tune.with_resources(TrialActor, share),
        param_space={"environment": _environment(share["cpu"]), "trial": tune.grid_search([
            {"name": trial.name, "folder": trial.folder, "flags": dict(trial.flags)}
            for trial in work])},
        tune_config=tune.TuneConfig(scheduler=asha, max_concurrent_trials=parallel),
        run_config=tune.RunConfig(
            name="tune", storage_path=str(folder), verbose=0, stop=_Stopper(stop),
            callbacks=[_Listener(work, on_outcome)],
            # The run folders hold all that is needed to go on.
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=_MOST_LOSSES))).fit()
  finally:
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
  stop.check()


def _start(address: str | None) -> None:
  quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
  if address is None:
    # Of this cluster alone; Ray would write one into the user's home.
    os.environ.setdefault("RAY_AUTH_TOKEN", uuid.uuid4().hex)
    ray.init(address="local", include_dashboard=False, **quiet)
    return
  host, _, port = address.rpartition(":")
  try:
    if host and port.isdecimal():  # Ray itself would ask for minutes.
      socket.create_connection((host, int(port)), _REACH_SECONDS).close()
    ray.init(address=address, **quiet)
  except (OSError, ValueError) as error:
    raise errors.UserError(f"--ray_address={address}: no Ray cluster there ({error}).") from None


def _share(parallel: int) -> dict[str, float]:
  """What a trial has of the processors and GPUs."""
  there = ray.cluster_resources()
  cores = there.get("CPU", 1.0) / parallel
  return {"cpu": math.floor(cores) if cores >= 1.0 else cores,
          "gpu": 1.0 if there.get("GPU", 0.0) >= 1.0 else 0.0}


def _environment(cores: float) -> Mapping[str, str]:
  """What the programs of a trial need: its cores, this package, and where the user stands."""
  package_root = str(pathlib.Path(__file__).parent.parent.parent)
  return programs.threads(max(1, int(cores))) | {
      "BUILD_WORKING_DIRECTORY": os.getcwd(),
      "PYTHONPATH": os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))}


class _Stopper(tune.Stopper):
  """Ends the experiment when this process is asked to stop."""

  def __init__(self, stop: signals.StopRequest):
    self._stop = stop

  def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
    return False

  def stop_all(self) -> bool:
    return self._stop.requested


class _Listener(tune.Callback):
  """Turns what Tune says of its trials into outcomes of ours."""

  def __init__(self, work: Sequence[trials.Trial], on_outcome: Callable[[trials.Outcome], object]):
    self._by_name = {trial.name: trial for trial in work}
    self._on_outcome = on_outcome

  def on_trial_complete(self, iteration: int, trials: Any, trial: tune_trial.Trial,
                        **info: Any) -> None:
    self._on_outcome(_outcome(self._by_name[trial.config["trial"]["name"]], trial.last_result))

  def on_trial_error(self, iteration: int, trials: Any, trial: tune_trial.Trial,
                     **info: Any) -> None:
    self._on_outcome(_lost(self._by_name[trial.config["trial"]["name"]], trial.error_file))


def _outcome(trial: trials.Trial, last: Mapping[str, Any]) -> trials.Outcome:
  if last.get("failure"):
    return trials.Outcome(trial, failure=last["failure"])
  return trials.known(trial) or trials.stop_early(
      trial, trials.Figure(last["epoch"], last[_VALUE]))


def _lost(trial: trials.Trial, error_file: str) -> trials.Outcome:
  return trials.Outcome(
      trial, failure=f"lost by Ray, at last by {programs.last_line(pathlib.Path(error_file))}")
