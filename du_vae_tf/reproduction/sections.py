"""Tables of an exhibit, as Markdown: published numbers beside ours, and the runs."""

import math
import statistics
from collections.abc import Iterator, Sequence

from du_vae_tf import console
from du_vae_tf import markdown_table
from du_vae_tf import report as report_lib
from du_vae_tf.analysis import probe_results
from du_vae_tf.reproduction import exhibits
from du_vae_tf.reproduction import running

# Column -> heading of the figures of a report; MPD and CE are the paper's own two, which its tables
# leave out.
_COLUMNS = {"nll": "NLL", "kl": "KL", "mi": "MI", "au": "AU", "mpd": "MPD", "ce": "CE"}
_BREAK = "<br>"

_FORMATS = {"au": ".1f"}

Outcomes = Sequence[running.Outcome]


def likelihoods(outcomes: Outcomes) -> str:
  """The figures of the reports, with the published ones and the differences where there are some.

  Several seeds are given as mean and standard deviation.
  """
  compared = any(column in row.published for row in _rows(outcomes) for column in _COLUMNS)
  head = ["row", *_COLUMNS.values(), "best epoch", "training"]
  lines = []
  for row, reports in _reports(outcomes):
    cells = [_lines(compared, f"`{row.name}`", "published", "difference")]
    cells += [_compared(compared, [getattr(report, column) for report in reports],
                        row.published.get(column), _FORMATS.get(column, ".2f"))
              for column in _COLUMNS]
    cells.append(", ".join(f"{report.best_epoch} of {report.epochs}" for report in reports))
    cells.append(", ".join(console.duration(report.train_seconds) for report in reports))
    lines.append(cells)
  return markdown_table.make(head, lines)


def accuracies(results: Sequence[tuple[exhibits.Row, probe_results.Probe]]) -> str:
  """Test accuracies in percent by number of labels, beside those published.

  Args:
    results: of the runs, each with its row.
  """
  counts = results[0][1].label_counts
  lines = []
  for name in dict.fromkeys(row.name for row, _ in results):
    row = next(row for row, _ in results if row.name == name)
    probes = [probe for other, probe in results if other.name == name]
    cells = [_lines(bool(row.published), f"`{row.name}`", "published", "difference")]
    for number, count in enumerate(counts):
      draws = [draw for probe in probes for draw in probe.accuracies[number]]
      cells.append(_compared(bool(row.published), draws, row.published.get(str(count))))
    lines.append(cells)
  unit = results[0][1].unit
  return markdown_table.make(["row", *(f"{count:,} {unit}" for count in counts)], lines)


def runs(outcomes: Outcomes) -> str:
  """Each run: its seed, its wall time, its command; or why it failed."""
  lines = []
  for outcome in outcomes:
    report = outcome.report
    state = f"failed: {outcome.failure}" if report is None else (
        f"{_epochs(report.epochs)}, {console.duration(report.train_seconds)}, {report.precision}")
    lines.append([f"`{outcome.job.row.name}`", str(outcome.job.seed), state,
                  f"`{outcome.job.command}`"])
  return markdown_table.make(["row", "seed", "run", "command"], lines)


def _rows(outcomes: Outcomes) -> list[exhibits.Row]:
  return [row for row, _ in _groups(outcomes)]


def _groups(outcomes: Outcomes) -> Iterator[tuple[exhibits.Row, list[running.Outcome]]]:
  """The outcomes of each row, of all its seeds."""
  names = list(dict.fromkeys(outcome.job.row.name for outcome in outcomes))
  for name in names:
    group = [outcome for outcome in outcomes if outcome.job.row.name == name]
    yield group[0].job.row, group


def _reports(outcomes: Outcomes) -> Iterator[tuple[exhibits.Row, list[report_lib.Report]]]:
  for row, group in _groups(outcomes):
    reports = [outcome.report for outcome in group if outcome.report is not None]
    if reports:
      yield row, reports


def _compared(compared: bool, values: Sequence[float | None], published: float | None,
              form: str = ".2f") -> str:
  """A cell: mean and deviation of ours, and below the published number and the difference."""
  known = [value for value in values if value is not None]
  if not known:
    return _lines(compared, "–", _number(published, form), "–")
  mean = statistics.fmean(known)
  spread = f" ± {statistics.stdev(known):{form}}" if len(known) > 1 else ""
  difference = "–" if published is None else f"{mean - published:+{form}}"
  return _lines(compared, f"{_number(mean, form)}{spread}", _number(published, form), difference)


def _lines(compared: bool, *lines: str) -> str:
  return _BREAK.join(lines) if compared else lines[0]


def _epochs(count: int) -> str:
  return "1 epoch" if count == 1 else f"{count} epochs"


def _number(value: float | None, form: str) -> str:
  return "–" if value is None or math.isnan(value) else format(value, form)
