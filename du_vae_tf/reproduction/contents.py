"""What the document of an exhibit shows besides the figures of its runs, by kind."""

import pathlib
from collections.abc import Callable, Sequence

from du_vae_tf import report as report_lib
from du_vae_tf.analysis import heat_maps
from du_vae_tf.analysis import probe_results
from du_vae_tf.reproduction import exhibits
from du_vae_tf.reproduction import running
from du_vae_tf.reproduction import sections

# Finished runs with their reports.
Done = Sequence[tuple[running.Job, report_lib.Report]]
Content = Callable[[Done, pathlib.Path], str]


def of(kind: exhibits.Kind, outcomes: Sequence[running.Outcome], folder: pathlib.Path) -> str:
  """Markdown, with links to pictures relative to the folder above `folder`.

  Args:
    kind: of the exhibit.
    outcomes: so far.
    folder: of the exhibit, where pictures are drawn.
  """
  done = [(outcome.job, outcome.report) for outcome in outcomes if outcome.report is not None]
  return _CONTENTS[kind](done, folder) if done else ""


def _nothing(done: Done, folder: pathlib.Path) -> str:
  del done, folder
  return ""


def _accuracies(done: Done, folder: pathlib.Path) -> str:
  results = [(job.row, probe_results.Probe.read(job.result)) for job, _ in done]
  curves = probe_results.draw_curves([probe for _, probe in results], folder / "accuracy")
  draws = len(results[0][1].accuracies[0])
  return (f"Test accuracy in percent: mean and standard deviation over seeds and {draws} draws of"
          f" labels each.\n\n{sections.accuracies(results)}\n{_links(curves)}")


def _pictures(done: Done, folder: pathlib.Path) -> str:
  del done
  return _links(sorted(folder.glob("latent_*.png")))


def _heat_map(done: Done, folder: pathlib.Path) -> str:
  """NLL over gamma and keep_prob, the mean of the seeds."""
  panels: dict[str, dict[tuple[float, float], list[float]]] = {}
  for job, report in done:
    flags = job.flags
    point = flags["gamma"], flags["keep_prob"]
    panels.setdefault(flags["dataset"], {}).setdefault(point, []).append(report.nll)
  means = {dataset: {point: sum(values) / len(values) for point, values in points.items()}
           for dataset, points in panels.items()}
  return _links(heat_maps.draw(means, ("gamma", "keep_prob"), folder / "nll"))


def _generated(done: Done, folder: pathlib.Path) -> str:
  """Texts as they came, or pictures."""
  parts = []
  for job, _ in done:
    text = job.result.with_suffix(".md")
    parts.append(f"## {job.row.name}, seed {job.seed}\n")
    parts.append(text.read_text(encoding="utf-8") if text.is_file() else _links(
        sorted(job.result.parent.glob("*.png")), folder.parent))
  return "\n".join(parts)


def _links(paths: Sequence[pathlib.Path], root: pathlib.Path | None = None) -> str:
  """Pictures, by paths from the folder that the document lies in."""
  shown = [path for path in paths if path.suffix == ".png"]
  return "\n\n".join(
      f"![{path.stem.replace('_', ' ')}]({path.relative_to(root or path.parent.parent)})"
      for path in shown) + "\n"


_CONTENTS: dict[exhibits.Kind, Content] = {
    "likelihood": _nothing, "accuracy": _accuracies, "latent_maps": _pictures,
    "heat_map": _heat_map, "generated": _generated}
