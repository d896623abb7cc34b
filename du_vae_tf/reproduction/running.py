"""Trains the rows of an exhibit and does with each run what the exhibit asks for."""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import finished_runs
from du_vae_tf import programs
from du_vae_tf import report as report_lib
from du_vae_tf.reproduction import exhibits


@dataclasses.dataclass(frozen=True)
class Job:
  """One run of an exhibit.

  Attributes:
    row: what is run.
    seed: of the run.
    flags: of `train`, `--run_dir` apart.
    changed: those that the row does not give, in the order of the command line.
    folder: of the run.
    follow_up: what is done with the finished run.
  """

  row: exhibits.Row
  seed: int
  flags: Mapping[str, Any]
  changed: Mapping[str, Any]
  folder: pathlib.Path
  follow_up: exhibits.FollowUp | None

  @property
  def log(self) -> pathlib.Path:
    """What the programs say."""
    return self.folder.with_name(f"{self.folder.name}.log")

  @property
  def result(self) -> pathlib.Path:
    """The file that the follow-up writes.

    Raises:
      ValueError: there is no follow-up.
    """
    if self.follow_up is None:
      raise ValueError("`follow_up` must be given. Received: None.")
    return self.follow_up.result

  @property
  def is_changed(self) -> bool:
    """Whether the run is another one than the row's."""
    return not finished_runs.same_figures(
        command_line.resolve({**self.row.flags, "seed": self.seed}),
        command_line.resolve(self.flags))

  @property
  def command(self) -> str:
    """What a user would type for the run alone."""
    given = command_line.arguments({**self.changed, "seed": self.seed})
    return " ".join(["bazel run //du_vae_tf:train --", self.row.source, *given])


@dataclasses.dataclass(frozen=True)
class Outcome:
  """What became of a job: its report, or why it failed."""

  job: Job
  report: report_lib.Report | None
  failure: str | None


def jobs(exhibit: exhibits.Exhibit, rows: Sequence[exhibits.Row], seeds: Sequence[int],
         scale: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], root: pathlib.Path,
         folder: pathlib.Path) -> list[Job]:
  """The runs of some rows, the seeds of a row together.

  Args:
    exhibit: what is made.
    rows: of it.
    seeds: of the runs of each row.
    scale: flags by data set that change its rows.
    given: the user's flags, which change all rows; above `scale`.
    root: under which run folders lie.
    folder: of the exhibit.

  Raises:
    errors.UserError: a row with these flags is no run, or a flag has no effect on any row.
  """
  made: list[Job] = []
  used: set[str] = set()
  for row in rows:
    plain = command_line.resolve(row.flags)
    changed = {name: value for name, value in {**scale.get(row.dataset, {}), **given}.items()
               if _has_effect(name, plain)}
    used |= changed.keys()
    for seed in seeds:
      flags = {**row.flags, **changed, "seed": seed}
      command_line.resolve(flags)
      run = root / "runs" / str(seed) / row.name
      made.append(Job(row, seed, flags, changed, run,
                      exhibit.follow_up(run, folder) if exhibit.follow_up else None))
  for name in given:
    if name not in used:
      raise errors.UserError(f"--{name} has no effect on any of the rows chosen.")
  return made


def _has_effect(name: str, config: config_lib.RunConfig) -> bool:
  """Whether a flag means something to a run."""
  return name not in config_lib.owned_settings() or getattr(config, name) is not None


def run_all(children: programs.Programs, work: Sequence[Job], parallel: int,
            on_change: Callable[[list[Outcome]], object]) -> list[Outcome]:
  """Completes jobs, several at once; a failed one does not stop the others.

  Args:
    children: starts programs.
    work: in the order in which jobs are begun.
    parallel: how many run at once.
    on_change: told all outcomes so far, in the order of `work`, whenever there is a new one.

  Returns:
    The outcomes in the order of `work`.

  Raises:
    errors.PreemptedError: this process was asked to stop; runs have saved themselves.
  """
  def said(outcome: Outcome, so_far: list[Outcome]) -> None:
    console.say(f"{len(so_far)} of {len(work)}: {_line(outcome)}")
    on_change(so_far)

  return programs.in_parallel(
      [functools.partial(_complete, children, job) for job in work], parallel, said)


def complete_together(children: programs.Programs, exhibit: exhibits.Exhibit,
                      outcomes: Sequence[Outcome], folder: pathlib.Path) -> None:
  """Does what the exhibit asks for with the finished runs of the first seed.

  Args:
    children: starts programs.
    exhibit: what is made.
    outcomes: of all its runs.
    folder: of the exhibit.

  Raises:
    errors.PreemptedError: this process was asked to stop.
    errors.DivergedError: the program failed.
  """
  done = [outcome.job for outcome in outcomes
          if outcome.report is not None and outcome.job.seed == outcomes[0].job.seed]
  if exhibit.together is None or not done:
    return
  step = exhibit.together([job.folder for job in done], folder)
  log = folder / f"{step.program}.log"
  if children.call(step.program, {**step.flags, **_sources(done[0])}, log):
    raise errors.DivergedError(f"{step.program} failed: {programs.last_line(log)}")


def _sources(job: Job) -> dict[str, Any]:
  return {name: job.flags[name] for name in finished_runs.SOURCES if name in job.flags}


def _complete(children: programs.Programs, job: Job) -> Outcome:
  """Does what is not done yet."""
  job.folder.parent.mkdir(parents=True, exist_ok=True)
  path = job.folder / "report.json"
  status = 0
  if not is_done(job):
    status = children.call("train", {**job.flags, "run_dir": job.folder}, job.log)
  if not status and job.follow_up and not _is_of(job.follow_up.result, path):
    status = children.call(
        job.follow_up.program, {**job.follow_up.flags, **_sources(job)}, job.log)
    if not status:
      files.write_text_atomically(_origin(job.follow_up.result), _digest(path))
  if status:
    return Outcome(job, None, programs.last_line(job.log))
  return Outcome(job, report_lib.Report.read(path), None)


def is_done(job: Job) -> bool:
  """Whether its folder holds this very run, trained and evaluated; in doubt `train` decides."""
  return finished_runs.is_done(job.folder, command_line.resolve(job.flags))


def _is_of(result: pathlib.Path, report: pathlib.Path) -> bool:
  """Whether a result was made after this very report; not by times, since clocks are set."""
  origin = _origin(result)
  return (result.is_file() and origin.is_file()
          and origin.read_text(encoding="utf-8") == _digest(report))


def _origin(result: pathlib.Path) -> pathlib.Path:
  """The file that says of which report a result is."""
  return result.with_name(f".{result.name}.of")


def _digest(report: pathlib.Path) -> str:
  return hashlib.sha256(report.read_bytes()).hexdigest()


def _line(outcome: Outcome) -> str:
  name = f"{outcome.job.row.name}, seed {outcome.job.seed}"
  if outcome.report is None:
    return f"{name} failed: {outcome.failure}"
  report = outcome.report
  return (f"{name}: NLL {report.nll:.2f}, KL {report.kl:.2f},"
          f" {console.duration(report.train_seconds)} of training")
