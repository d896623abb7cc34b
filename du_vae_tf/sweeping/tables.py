"""The outcome of a sweep in its folder: a table, the same as JSON, and a link to the best run."""

import dataclasses
import json
import os
import pathlib
import uuid
from collections.abc import Sequence
from typing import Any

from du_vae_tf import files
from du_vae_tf import markdown_table
from du_vae_tf.sweeping import trials

_HEAD = ["run", "validation NLL", "test NLL", "KL", "MI", "AU", "training, s"]


def ranked(outcomes: Sequence[trials.Outcome]) -> list[trials.Outcome]:
  """Finished runs by validation NLL, then those stopped early, the later ones first, then failed
  ones."""
  def place(outcome: trials.Outcome) -> tuple[int, float, float]:
    if outcome.nll is not None:
      return 0, outcome.nll, 0.0
    if outcome.stopped is not None:
      return 1, -outcome.stopped.epoch, outcome.stopped.value
    return 2, 0.0, 0.0

  return sorted(outcomes, key=place)


def markdown(outcomes: Sequence[trials.Outcome]) -> str:
  """The runs, best first."""
  return markdown_table.make(_HEAD, map(_cells, ranked(outcomes)))


def write(folder: pathlib.Path, outcomes: Sequence[trials.Outcome]) -> None:
  """Writes `sweep.md`, `sweep.json` and, once a run is finished, the link `best`."""
  best_first = ranked(outcomes)
  files.write_text_atomically(folder / "sweep.md", markdown(outcomes))
  files.write_text_atomically(
      folder / "sweep.json", json.dumps([_values(outcome) for outcome in best_first], indent=2)
      + "\n")
  if best_first and best_first[0].report is not None:
    unfinished = folder / f".best.{uuid.uuid4().hex}"
    unfinished.symlink_to(os.path.relpath(best_first[0].trial.folder, folder))
    unfinished.rename(folder / "best")


def _values(outcome: trials.Outcome) -> dict[str, Any]:
  values = {"nll": outcome.nll, "test": outcome.report and dataclasses.asdict(outcome.report),
            "stopped": outcome.stopped and dataclasses.asdict(outcome.stopped),
            "failure": outcome.failure}
  return {"run": outcome.trial.name} | {
      name: value for name, value in values.items() if value is not None}


def _cells(outcome: trials.Outcome) -> list[str]:
  if outcome.report is None:
    return [outcome.trial.name, outcome.line(), "", "", "", "", ""]
  test = outcome.report
  mi, au = ("–" if value is None else format(value, form)
            for value, form in ((test.mi, ".2f"), (test.au, "d")))
  return [outcome.trial.name, f"{outcome.nll:.2f}", f"{test.nll:.2f}", f"{test.kl:.2f}", mi, au,
          f"{test.train_seconds:.0f}"]
