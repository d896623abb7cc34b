"""The tables of `scaling`, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import simulation
from du_vae_tf import markdown_table

# What a GPU that is added must be worth, as a share of the first one alone.
WORTH = 0.5


def comparison(rows: Sequence[Mapping[str, Any]]) -> str:
  """Predicted beside measured seconds of steps."""
  return markdown_table.make(
      ["step", "predicted, s", "measured, s", "predicted / measured"],
      [[row["step"], f"{row['predicted']:.3g}", f"{row['measured']:.3g}", f"{row['ratio']:.2f}"]
       for row in rows])


def sums(rows: Sequence[Mapping[str, float]]) -> str:
  """The same of all-reduces."""
  return markdown_table.make(
      ["MiB", "predicted, ms", "measured, ms", "predicted / measured"],
      [[f"{row['mebibytes']:g}", f"{1e3 * row['predicted']:.3g}", f"{1e3 * row['measured']:.3g}",
        f"{row['ratio']:.2f}"] for row in rows])


def throughput(columns: Mapping[str, Sequence[simulation.Step]], unit: str) -> str:
  """Throughput and efficiency by number of GPUs, a column for each kind of cluster.

  Args:
    columns: steps with the same numbers of replicas in each.
    unit: what is counted, in the plural.
  """
  first = next(iter(columns.values()))
  rows = []
  for number, step in enumerate(first):
    cells = []
    for steps in columns.values():
      alone = steps[0].rows_per_second / steps[0].replicas
      rate = steps[number].rows_per_second
      cells.append(f"{_rounded(rate)} ({100 * rate / alone / step.replicas:.0f} %)")
    rows.append([str(step.replicas), *cells])
  rows.append(["worth it up to", *(
      str(simulation.last_that_helps(steps, WORTH)) for steps in columns.values())])
  return markdown_table.make(["GPUs", *(f"{name}, {unit}/s" for name in columns)], rows)


def anatomy(steps: Sequence[simulation.Step]) -> str:
  """Where the time of a step goes, by number of GPUs."""
  return markdown_table.make(
      ["GPUs", "computing, ms", "waiting for the slowest, ms", "exchange, ms", "step, ms"],
      [[str(step.replicas), *(f"{1e3 * value:.3g}" for value in (
          step.compute, step.compute * (step.slowest - 1.0), step.exchange, step.seconds))]
       for step in steps])


def corpora(sizes: Sequence[int], steps: Sequence[simulation.Step]) -> list[dict[str, float]]:
  """What corpora of sentences of 80 words need.

  Args:
    sizes: sentences.
    steps: of so many GPUs, whose throughput gives the time of an epoch.
  """
  return [{
      "sentences": size, "text_bytes": size * simulation.TEXT_BYTES,
      "written_bytes": size * simulation.WRITTEN_BYTES,
      "preparation_seconds": size * simulation.PREPARATION_SECONDS,
      **{f"epoch_seconds_{step.replicas}": size / step.rows_per_second for step in steps}}
      for size in sizes]


def corpus(rows: Sequence[Mapping[str, float]], steps: Sequence[simulation.Step]) -> str:
  """The table of `corpora`."""
  return markdown_table.make(
      ["sentences", "text", "written", "preparation",
       *(f"epoch, {step.replicas} GPU{'s' if step.replicas > 1 else ''}" for step in steps)],
      [[f"{row['sentences']:,}".replace(",", " "),
        *(_bytes(row[name]) for name in ("text_bytes", "written_bytes")),
        _duration(row["preparation_seconds"]),
        *(_duration(row[f"epoch_seconds_{step.replicas}"]) for step in steps)] for row in rows])


def _rounded(value: float) -> str:
  """Two digits: it is a prediction."""
  return f"{float(f'{value:.2g}'):,.0f}".replace(",", " ")


def _bytes(value: float) -> str:
  for unit in ("kB", "MB", "GB"):
    value /= 1000
    if value < 999.5:
      return f"{value:.2g} {unit}" if value < 99.5 else f"{value:.0f} {unit}"
  return f"{value / 1000:.2g} TB"


def _duration(seconds: float) -> str:
  for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
    if seconds >= 2 * size:
      return f"{seconds / size:.2g} {unit}" if seconds < 99.5 * size else (
          f"{seconds / size:.0f} {unit}")
  return f"{seconds:.2g} s" if seconds < 99.5 else f"{seconds:.0f} s"
