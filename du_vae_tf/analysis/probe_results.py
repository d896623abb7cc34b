"""Accuracies of linear classifiers on a representation: file, table and picture."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import json_files
from du_vae_tf import markdown_table
from du_vae_tf.analysis import figures


@dataclasses.dataclass(frozen=True, kw_only=True)
class Probe:
  """What `probe-<classifier>.json` holds.

  Attributes:
    run: what the run is called.
    dataset: name of the data set.
    method: name of the method.
    seed: of the run.
    classifier: `paper` or `logistic_regression`.
    unit: what a label count counts.
    num_features: size of the representation.
    num_test: test examples.
    label_counts: as asked for.
    accuracies: for each label count the accuracies of the draws, in percent.
  """

  run: str
  dataset: str
  method: str
  seed: int
  classifier: str
  unit: str
  num_features: int
  num_test: int
  label_counts: Sequence[int]
  accuracies: Sequence[Sequence[float]]

  @property
  def means(self) -> list[float]:
    """Mean accuracy of each label count, percent."""
    return [float(np.mean(draws)) for draws in self.accuracies]

  @property
  def deviations(self) -> list[float | None]:
    """Standard deviation over draws, percent; None for one draw."""
    return [float(np.std(draws, ddof=1)) if len(draws) > 1 else None for draws in self.accuracies]

  def write(self, path: str | os.PathLike[str]) -> None:
    """Writes the fields, the means and the deviations as JSON."""
    files.write_text_atomically(path, json.dumps(
        dataclasses.asdict(self) | {"means": self.means, "deviations": self.deviations},
        indent=2) + "\n")

  @classmethod
  def read(cls, path: str | os.PathLike[str]) -> "Probe":
    """Reads what `write` wrote.

    Raises:
      errors.UserError: it is no such file.
    """
    try:
      values = json_files.read_object(path)
      given = {field.name: values[field.name] for field in dataclasses.fields(cls)
               if field.name in values}
      json_files.check_fields(cls, given)
      return cls(**given)
    except (OSError, ValueError) as error:
      raise errors.UserError(f"{path}: not the result of a probe ({error}).") from None


def mean_and_deviation(draws: Sequence[float]) -> str:
  """The mean of the draws, and their standard deviation if there are several."""
  return f"{np.mean(draws):.2f}" + (f" ± {np.std(draws, ddof=1):.2f}" if len(draws) > 1 else "")


def table(probes: Sequence[Probe]) -> str:
  """Accuracies as Markdown, a run a line.

  Args:
    probes: with the same label counts.
  """
  counts = probes[0].label_counts
  return markdown_table.make(
      ["run", *(f"{count:,} {probes[0].unit}" for count in counts)],
      [[one.run, *map(mean_and_deviation, one.accuracies)] for one in probes])


def draw_curves(probes: Sequence[Probe], stem: pathlib.Path) -> list[pathlib.Path]:
  """Accuracy over the number of labels, a curve a run, with its deviation.

  Args:
    probes: with the same label counts.
    stem: of the files.

  Returns:
    The files.
  """
  figure, axes = figures.new(1, 1, width=5.0, height=3.6)
  for number, one in enumerate(probes):
    axes[0, 0].errorbar(
        one.label_counts, one.means, [deviation or 0.0 for deviation in one.deviations],
        label=one.run, capsize=3, **figures.line(number))
  counts = probes[0].label_counts
  axes[0, 0].set(xlabel=probes[0].unit, ylabel="test accuracy, %", xscale="log", xticks=counts,
                 xticklabels=[f"{count:,}" for count in counts],
                 title=f"Linear classifier, {probes[0].dataset}")
  axes[0, 0].minorticks_off()
  axes[0, 0].legend()
  return figures.save(figure, stem)
