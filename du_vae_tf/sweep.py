"""Trains every combination of some settings: `bazel run //du_vae_tf:sweep -- --gamma=0.4,0.5`."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import grids
from du_vae_tf import markdown_table
from du_vae_tf import programs
from du_vae_tf import report as report_lib

USAGE = """
Trains every combination of the values given, one run after the other, and ranks the runs by their
importance-weighted NLL on the validation split.

  bazel run //du_vae_tf:sweep -- --gamma=0.4,0.5,0.6 --keep_prob=0.8,0.9 [--flag=value ...]

The flags are those of //du_vae_tf:train; what changes the mathematics of a run may have several
values, separated by commas. The same command goes on where it was; finished runs are not repeated.
"""

_SPLIT = "valid"


def main(explicit: dict[str, Any]) -> None:
  """Trains and ranks the runs that the flags describe."""
  chosen = grids.combinations(explicit)
  others = {name: value for name, value in explicit.items() if name != "run_dir"}
  digits = hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()[:8]
  folder = pathlib.Path(explicit.get("run_dir") or f"runs/sweep-{digits}")
  folder.mkdir(parents=True, exist_ok=True)
  console.say(f"{len(chosen)} runs in {folder}")
  rows: list[dict[str, Any]] = []
  with programs.Programs() as children:
    for number, values in enumerate(chosen, 1):
      name = ",".join(f"{flag}={value}" for flag, value in values.items())
      console.say(f"run {number} of {len(chosen)}: {name}")
      rows.append({"run": name} | _complete(children, folder / name, {**others, **values}))
      ranked = sorted(rows, key=lambda row: row.get("nll", float("inf")))
      _write(folder, ranked)
  console.say(f"\n{_table(ranked)}\nTable: {folder / 'sweep.md'}")
  failed = [row["run"] for row in rows if "failure" in row]
  if failed:
    raise errors.DivergedError(f"{len(failed)} of {len(chosen)} runs failed: {'; '.join(failed)}.")
  console.say(f"Best: {folder / ranked[0]['run']}")


def _complete(children: programs.Programs, folder: pathlib.Path,
              values: Mapping[str, Any]) -> dict[str, Any]:
  """Trains a run, evaluates it on the validation split, and gives its figures."""
  log = folder.with_name(f"{folder.name}.log")
  status = children.call("train", {**values, "run_dir": folder}, log)
  if not status:
    test = report_lib.Report.read(folder / "report.json")
    path = folder / "evaluations" / f"{_SPLIT}-{test.iw_samples}.json"
    if not path.is_file() or report_lib.Report.read(path).best_epoch != test.best_epoch:
      options = {name: values[name] for name in ("precision",) if name in values}
      status = children.call("evaluate", {
          "run_dir": folder, "split": _SPLIT, "iw_samples": test.iw_samples, **options}, log)
  if status:
    console.say(f"  failed with status {status}: {programs.last_line(log)}")
    return {"failure": programs.last_line(log)}
  valid = report_lib.Report.read(path)
  console.say(f"  validation NLL {valid.nll:.2f}, test NLL {test.nll:.2f}, KL {test.kl:.2f}")
  return {"nll": valid.nll, "test": dataclasses.asdict(test)}


def _write(folder: pathlib.Path, rows: Sequence[Mapping[str, Any]]) -> None:
  files.write_text_atomically(folder / "sweep.md", _table(rows))
  files.write_text_atomically(folder / "sweep.json", json.dumps(list(rows), indent=2) + "\n")


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
  """The runs, best first, as Markdown."""
  head = ["run", "validation NLL", "test NLL", "KL", "MI", "AU", "training, s"]
  return markdown_table.make(head, map(_cells, rows))


def _cells(row: Mapping[str, Any]) -> list[str]:
  if "failure" in row:
    return [row["run"], f"failed: {row['failure']}", "", "", "", "", ""]
  test = row["test"]
  mi, au = ("–" if test[name] is None else format(test[name], form)
            for name, form in (("mi", ".2f"), ("au", "d")))
  return [row["run"], f"{row['nll']:.2f}", f"{test['nll']:.2f}", f"{test['kl']:.2f}", mi, au,
          f"{test['train_seconds']:.0f}"]


def run() -> None:
  """Starts the program."""
  command_line.run(main, grids.specs(), USAGE)


if __name__ == "__main__":
  run()
