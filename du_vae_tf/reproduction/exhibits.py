"""The paper's tables and figures: which runs each is made from, and what is done with them."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

from du_vae_tf import command_line
from du_vae_tf import grids
from du_vae_tf.reproduction import published

# What a report shows of an exhibit besides the figures of its runs.
Kind = Literal["likelihood", "accuracy", "latent_maps", "heat_map", "generated"]


@dataclasses.dataclass(frozen=True)
class Row:
  """One row of a table, or one panel of a figure.

  Attributes:
    name: its name, and that of its run folders; rows of one name are of the same flags.
    flags: of `train`.
    source: what stands for these flags on a command line.
    published: the paper's numbers by name; empty where it has none.
    on_request: whether it is left out unless its data set is named.
  """

  name: str
  flags: Mapping[str, Any]
  source: str
  published: Mapping[str, float]
  on_request: bool = False

  @property
  def dataset(self) -> str:
    """Name of its data set."""
    return self.flags["dataset"]


@dataclasses.dataclass(frozen=True)
class FollowUp:
  """A program that is run on a finished run.

  Attributes:
    program: name of its module.
    flags: its flags.
    result: the file that it writes.
  """

  program: str
  flags: Mapping[str, Any]
  result: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Exhibit:
  """A table or a figure.

  Attributes:
    title: what it shows.
    kind: what its report shows.
    rows: makes its rows.
    follow_up: what is done with a finished run, from the folders of the run and of the exhibit;
      None: nothing.
    together: what is done with all finished runs of the first seed, from their folders and that of
      the exhibit; None: nothing.
  """

  title: str
  kind: Kind
  rows: Callable[[], list[Row]]
  follow_up: Callable[[pathlib.Path, pathlib.Path], FollowUp] | None = None
  together: Callable[[list[pathlib.Path], pathlib.Path], FollowUp] | None = None


def _table(number: str) -> Callable[[], list[Row]]:
  """The rows of a table whose numbers are known."""
  folder = f"table{number}" if number.isdigit() else f"table_{number.lower()}"
  return lambda: [_flagfile_row(f"{folder}/{name}.flags", name, numbers)
                  for name, numbers in published.TABLES[number].items()]


def _flagfile_row(path: str, name: str, numbers: Mapping[str, float]) -> Row:
  flags = command_line.explicit_values(command_line.config_flags(), [f"--flagfile={path}"])
  return Row(name, flags, f"--flagfile={path}", numbers)


def _one_of(table: str, folder: str, name: str) -> Callable[[], list[Row]]:
  """One row of a table, of which an exhibit without numbers is made."""
  return lambda: [_flagfile_row(f"{folder}/{name}.flags", name, published.TABLES[table][name])]


def _figure_1() -> list[Row]:
  return [Row(f"synthetic_{method}", {"dataset": "synthetic", "method": method},
              f"--method={method}", {})
          for method in ("vae", "agg_vae", "bn_vae", "du_vae")]


def _figure_2() -> list[Row]:
  rows = []
  for dataset in ("yahoo", "yelp", "omniglot", "synthetic"):
    grid = command_line.explicit_values(
        grids.specs(), [f"--flagfile=grids/{dataset}_du_vae.flags"])
    for values in grids.combinations(grid):
      arguments = command_line.arguments({**grid, **values})
      flags = command_line.explicit_values(command_line.config_flags(), arguments)
      rows.append(Row("_".join([dataset, "du_vae", *values.values()]), flags, " ".join(arguments),
                      {}, on_request=dataset == "synthetic"))
  return rows


def _probe(run: pathlib.Path, folder: pathlib.Path) -> FollowUp:
  del folder
  return FollowUp("probe", {"run_dir": run, "classifier": "paper"}, run / "probe-paper.json")


def _visualize(runs: list[pathlib.Path], folder: pathlib.Path) -> FollowUp:
  return FollowUp("visualize", {"run_dir": runs, "output_dir": folder}, folder / "latent_map.png")


def _generate(**counts: int) -> Callable[[pathlib.Path, pathlib.Path], FollowUp]:
  """Draws what is asked for and nothing else."""
  flags = dict.fromkeys(
      ("num_samples", "num_reconstructions", "num_interpolations", "num_analogies"), 0) | counts

  def follow_up(run: pathlib.Path, folder: pathlib.Path) -> FollowUp:
    target = folder / run.parent.name / run.name
    return FollowUp("generate", {**flags, "run_dir": run, "output_dir": target},
                    target / "generated.json")

  return follow_up


TABLES: dict[str, Exhibit] = {
    "1": Exhibit("likelihoods on Yahoo, Yelp and OMNIGLOT", "likelihood", _table("1")),
    "2": Exhibit("accuracy of sentiment on short Yelp, by labels", "accuracy", _table("2"), _probe),
    "3": Exhibit("accuracy of characters of OMNIGLOT, by labels of each", "accuracy", _table("3"),
                 _probe),
    "S1": Exhibit("batch normalization with a fixed shift on Yahoo", "likelihood", _table("S1")),
    "S2": Exhibit("batch normalization with a fixed shift: accuracy on short Yelp", "accuracy",
                  _table("S2"), _probe),
    "S3": Exhibit(
        "sentences from the prior", "generated",
        _one_of("2", "table2", "short_yelp_du_vae_0.5_0.8"), _generate(num_samples=20)),
    "S4": Exhibit(
        "interpolations of sentences", "generated",
        _one_of("2", "table2", "short_yelp_du_vae_0.5_0.8"),
        _generate(num_interpolations=4))}

FIGURES: dict[str, Exhibit] = {
    "1": Exhibit("posteriors in a latent space of two dimensions", "latent_maps", _figure_1,
                 together=_visualize),
    "2": Exhibit("NLL of du_vae over gamma and keep_prob", "heat_map", _figure_2),
    "S1": Exhibit(
        "images from the prior, and interpolations", "generated",
        _one_of("1", "table1", "omniglot_du_vae_0.5_0.9"),
        _generate(num_samples=50, num_interpolations=5, steps=8))}
