"""Trains runs that differ in some settings: `bazel run //du_vae_tf:sweep -- --gamma=0.4,0.5`."""

import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import folder_lock
from du_vae_tf import grids
from du_vae_tf import startup
from du_vae_tf.data import sources
from du_vae_tf.sweeping import local_engine
from du_vae_tf.sweeping import searches
from du_vae_tf.sweeping import tables
from du_vae_tf.sweeping import trials

USAGE = """
Trains every combination of the values given, or random draws from them, and ranks the runs by their
importance-weighted NLL on the validation split.

  bazel run //du_vae_tf:sweep -- --gamma=0.4,0.5,0.6 --keep_prob=0.8,0.9 [--flag=value ...]
  bazel run //du_vae_tf:sweep -- --search=random --trials=20 --gamma=0.4:0.7
    --learning_rate=log:0.1:2 [--flag=value ...]

The flags are those of //du_vae_tf:train; what changes the mathematics of a run may have several
values, separated by commas, and with --search=random numbers may have ranges, LOW:HIGH (uniform)
or log:LOW:HIGH (log-uniform). The same command goes on where it was; finished runs are not
repeated.
"""

_GROUP = "Sweep"

_OWN_SPECS = [
    command_line.Flag(
        name="search", type=str, default="grid", group=_GROUP,
        text="Every combination of the values, or random draws.", choices=("grid", "random")),
    command_line.Flag(
        name="trials", type=int, default=None, group=_GROUP,
        text="Runs; --search=random only, which needs it. May grow later."),
    command_line.Flag(
        name="search_seed", type=int, default=0, group=_GROUP,
        text="Seed of the draws; --search=random only."),
    command_line.Flag(
        name="parallel", type=int, default=1, group=_GROUP,
        text="How many runs at a time; they share the processors."),
    command_line.Flag(
        name="engine", type=str, default="local", group=_GROUP,
        text="What starts the runs: this command, or Ray Tune.", choices=("local", "ray")),
    command_line.Flag(
        name="ray_address", type=str, default=None, group=_GROUP,
        text="Of a Ray cluster (default: Ray is started on this machine); --engine=ray only."),
    command_line.Flag(
        name="early_stopping", type=str, default="none", group=_GROUP,
        text="Whether runs that are worse than others after as many epochs are stopped, by"
        " asynchronous successive halving; --engine=ray only.", choices=("none", "asha"))]

SPECS = [*_OWN_SPECS, *grids.specs()]

_OWNERS = {"trials": ("search", "random"), "search_seed": ("search", "random"),
           "ray_address": ("engine", "ray"), "early_stopping": ("engine", "ray")}
_LEAST = {"trials": 1, "search_seed": 0, "parallel": 1}
# What decides on the draws, and so on the name of the folder; --trials may grow.
_OF_THE_DRAWS = ("search", "search_seed")


def check(explicit: Mapping[str, Any]) -> None:
  """Refuses what is missing, out of range or without effect.

  Raises:
    errors.UserError: there is such a flag.
  """
  values = command_line.values_of(_OWN_SPECS, explicit)
  for name, (flag, owner) in _OWNERS.items():
    if name in explicit and values[flag] != owner:
      raise errors.UserError(f"--{name}: has an effect with --{flag}={owner} only.")
  for name, least in _LEAST.items():
    if explicit.get(name, least) < least:
      raise errors.UserError(f"--{name}={explicit[name]}: must be at least {least}.")
  if values["search"] == "random" and values["trials"] is None:
    raise errors.UserError("--trials: must be given with --search=random; the number of runs.")


def settings(explicit: Mapping[str, Any]) -> list[dict[str, str]]:
  """What tells the runs apart: the values of each, by flag.

  Raises:
    errors.UserError: no flag has several values, or a run with these flags is none.
  """
  given = _of_train(explicit)
  if explicit.get("search") != "random":
    return searches.grid(given)
  return searches.draws(given, explicit["trials"], explicit.get("search_seed", 0))


def _of_train(explicit: Mapping[str, Any]) -> dict[str, Any]:
  """The flags that go to the runs."""
  own = {spec.name for spec in _OWN_SPECS} | {"run_dir", "overwrite"}
  return {name: value for name, value in explicit.items() if name not in own}


def _folder(explicit: Mapping[str, Any]) -> pathlib.Path:
  if explicit.get("run_dir"):
    return pathlib.Path(explicit["run_dir"])
  named = _of_train(explicit) | {
      name: explicit[name] for name in _OF_THE_DRAWS
      if name in explicit and explicit[name] != "grid"}
  digits = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:8]
  return pathlib.Path(f"runs/sweep-{digits}")


def main(explicit: dict[str, Any]) -> None:
  """Trains and ranks the runs that the flags describe."""
  check(explicit)
  values = command_line.values_of(_OWN_SPECS, explicit)
  folder = _folder(explicit).absolute()
  work = []
  for chosen in settings(explicit):
    name = ",".join(f"{flag}={value}" for flag, value in chosen.items())
    work.append(trials.Trial(name, folder / "runs" / name, {**_of_train(explicit), **chosen}))
  if explicit.get("overwrite") or not any(_known(trial, values) for trial in work):
    sources.check_some(trial.config for trial in work)
  with folder_lock.FolderLock(folder, "run_dir"):
    (folder / "runs").mkdir(exist_ok=True)
    if explicit.get("overwrite"):
      for trial in work:
        trials.clear(trial)
    outcomes = _complete(work, folder, values)
  console.say(f"\n{tables.markdown(outcomes)}\nTable: {folder / 'sweep.md'}")
  console.say("Curves and settings: bazel run //du_vae_tf:dashboard --"
              f" --run_dir={folder / 'runs'}")
  failed = [outcome.trial.name for outcome in outcomes if outcome.failure is not None]
  if failed:
    raise errors.DivergedError(f"{len(failed)} of {len(work)} runs failed: {'; '.join(failed)}.")
  if (folder / "best").exists():
    console.say(f"Best: {(folder / 'best').resolve()}")


def _complete(work: list[trials.Trial], folder: pathlib.Path,
              values: Mapping[str, Any]) -> list[trials.Outcome]:
  """The outcomes of all trials, in their order; says each one and keeps the table up to date."""
  known = {trial.name: outcome for trial in work if (outcome := _known(trial, values)) is not None}
  left = [trial for trial in work if trial.name not in known]
  console.say(f"{len(work)} runs in {folder}"
              + (f", {len(known)} of them finished before" if known else ""))

  def in_order() -> list[trials.Outcome]:
    return [known[trial.name] for trial in work if trial.name in known]

  def on_outcome(outcome: trials.Outcome) -> None:
    known[outcome.trial.name] = outcome
    console.say(f"{len(known)} of {len(work)}: {outcome.trial.name}: {outcome.line()}")
    tables.write(folder, in_order())

  if not left:
    tables.write(folder, in_order())
  elif values["engine"] == "ray":
    _run_by_ray(work, left, folder, values, on_outcome)
  else:
    local_engine.run(left, values["parallel"], on_outcome)
  return in_order()


def _known(trial: trials.Trial, values: Mapping[str, Any]) -> trials.Outcome | None:
  """The outcome of a trial that is not to be run any more."""
  if values["early_stopping"] == "asha":
    return trials.known(trial) or trials.known_stopped(trial)
  return trials.known(trial)


def _run_by_ray(work: list[trials.Trial], left: list[trials.Trial], folder: pathlib.Path,
                values: Mapping[str, Any],
                on_outcome: Callable[[trials.Outcome], object]) -> None:
  # Imported late: Ray is not needed otherwise.
  startup.load_quietly("du_vae_tf.sweeping.ray_engine")
  from du_vae_tf.sweeping import ray_engine

  ray_engine.run(
      left, values["parallel"], on_outcome, address=values["ray_address"],
      asha=ray_engine.scheduler(work) if values["early_stopping"] == "asha" else None,
      folder=folder / ".ray")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
