"""Makes a table or figure of the paper: `bazel run //du_vae_tf:reproduce -- --table=2`."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import programs
from du_vae_tf.data import sources
from du_vae_tf.reproduction import documents
from du_vae_tf.reproduction import exhibits
from du_vae_tf.reproduction import running

USAGE = """
Makes a table or a figure of the paper: trains its rows, probes or draws from them as it asks, and
writes our numbers beside the published ones as Markdown and as an HTML page.

  bazel run //du_vae_tf:reproduce -- --table=1|2|3|S1|S2|S3|S4 [--flag=value ...]
  bazel run //du_vae_tf:reproduce -- --figure=1|2|S1 [--flag=value ...]

Flags of //du_vae_tf:train change all rows that they have an effect on, e.g. --epochs=15. The same
command goes on where it was: what is done is not repeated, and exhibits share their runs. A row
that fails is reported and does not stop the others.
"""

_GROUP = "Exhibit"
_FROM_ROWS = ("method", "seed", "run_dir", "overwrite", "dataset")

SPECS = [
    command_line.Flag(
        name="table", type=str, default=None, group=_GROUP, text="Number of the table.",
        choices=tuple(exhibits.TABLES)),
    command_line.Flag(
        name="figure", type=str, default=None, group=_GROUP, text="Number of the figure.",
        choices=tuple(exhibits.FIGURES)),
    command_line.Flag(
        name="scale", type=str, default="paper", group=_GROUP,
        text="The published sizes, which want GPUs, or reductions of flags/small for a processor.",
        choices=("paper", "small")),
    command_line.Flag(
        name="dataset", type=str, default=None, group=_GROUP,
        text="Only the rows of one data set; synthetic is a panel of figure 2 only if named."),
    command_line.Flag(
        name="rows", type=str, default=None, group=_GROUP,
        text="Only these rows, names separated by commas; without the data set where it is clear."),
    command_line.Flag(
        name="seeds", type=str, default=str(config_lib.RunConfig.seed), group=_GROUP,
        text="Seeds of each row, separated by commas."),
    command_line.Flag(
        name="parallel", type=int, default=1, group=_GROUP,
        text="How many runs at a time; they share the processor's cores."),
    command_line.Flag(
        name="output_dir", type=str, default=None, group=_GROUP,
        text="Where runs and documents go (default: reproductions/<scale>, with hex digits of the"
        " flags that change the runs)."),
    *(spec for spec in command_line.config_flags() if spec.name not in _FROM_ROWS)]

_OWN = {spec.name for spec in SPECS if spec.group == _GROUP}


def chosen_rows(exhibit: exhibits.Exhibit, dataset: str | None,
                names: str | None) -> list[exhibits.Row]:
  """The rows that the flags ask for.

  Raises:
    errors.UserError: there is none of a data set, or no row of a name.
  """
  rows = exhibit.rows()
  known = sorted({row.dataset for row in rows})
  if dataset is not None and dataset not in known:
    raise errors.UserError(f"--dataset={dataset}: the rows are of {', '.join(known)}.")
  rows = [row for row in rows if row.dataset == dataset or dataset is None and not row.on_request]
  if names is None:
    return rows
  by_name: dict[str, list[exhibits.Row]] = {}
  for row in rows:
    for name in (row.name, row.name.removeprefix(f"{row.dataset}_")):
      by_name.setdefault(name, []).append(row)
  chosen = []
  for name in names.split(","):
    if name not in by_name:
      raise errors.UserError(
          f"--rows={name}: no such row; the rows are {', '.join(row.name for row in rows)}.")
    chosen += by_name[name]
  return chosen


def seeds(text: str) -> list[int]:
  """The numbers in `--seeds`.

  Raises:
    errors.UserError: they are not different whole numbers.
  """
  parts = text.split(",")
  if not all(part.isdecimal() for part in parts) or len(set(parts)) < len(parts):
    raise errors.UserError(
        f"--seeds={text}: must be different whole numbers, separated by commas.")
  return [int(part) for part in parts]


def small_flags() -> dict[str, dict[str, Any]]:
  """What `--scale=small` changes, by data set."""
  folder = command_line.FLAGS_FOLDER / "small"
  return {path.stem: command_line.explicit_values(
      command_line.config_flags(), [f"--flagfile={path}"]) for path in folder.glob("*.flags")}


def _folder(scale: str, given: Mapping[str, Any]) -> pathlib.Path:
  mathematics = {field.name for field in dataclasses.fields(config_lib.RunConfig)
                 if field.metadata["mathematics"]}
  changes = {name: value for name, value in given.items() if name in mathematics}
  digits = hashlib.sha256(json.dumps(changes, sort_keys=True).encode()).hexdigest()[:8]
  return pathlib.Path("reproductions") / (f"{scale}-{digits}" if changes else scale)


def main(explicit: dict[str, Any]) -> None:
  """Makes the exhibit that the flags name."""
  named = [name for name in ("table", "figure") if name in explicit]
  if len(named) != 1:
    raise errors.UserError("--table or --figure: one of them must be given.")
  kind, number = named[0], explicit[named[0]]
  exhibit = {"table": exhibits.TABLES, "figure": exhibits.FIGURES}[kind][number]
  values = command_line.values_of(SPECS, explicit)
  parallel, scale = values["parallel"], values["scale"]
  if parallel < 1:
    raise errors.UserError(f"--parallel={parallel}: must be at least 1.")
  rows = chosen_rows(exhibit, values["dataset"], values["rows"])
  given = {name: value for name, value in explicit.items() if name not in _OWN}
  root = pathlib.Path(values["output_dir"] or _folder(scale, given))
  name = f"{kind.capitalize()} {number}"
  folder = root / documents.slug(name)
  work = running.jobs(
      exhibit, rows, seeds(values["seeds"]), small_flags() if scale == "small" else {}, given,
      root, folder)
  if not any(map(running.is_done, work)):
    sources.check_some(command_line.resolve(job.flags) for job in work)
  folder.mkdir(parents=True, exist_ok=True)
  command = " ".join(["bazel run //du_vae_tf:reproduce --", *command_line.arguments(explicit)])

  def write(outcomes: Sequence[running.Outcome]) -> list[pathlib.Path]:
    return documents.write(name, exhibit, outcomes, len(work), scale, command, root)

  console.say(f"{name}: {len(work)} runs in {root / 'runs'}")
  with programs.Programs(parallel) as children:
    outcomes = running.run_all(children, work, parallel, write)
    running.complete_together(children, exhibit, outcomes, folder)
  console.say("Documents:\n" + "\n".join(f"  {path}" for path in write(outcomes)))
  failed = [outcome.job.log for outcome in outcomes if outcome.report is None]
  if failed:
    raise errors.DivergedError(
        f"{len(failed)} of {len(work)} runs failed; see {', '.join(map(str, failed))}.")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
