"""What all figures share: a canvas without a display, marks that also differ in grey, files."""

import io
import pathlib
from typing import Any

import matplotlib
import numpy as np
from matplotlib import figure as figure_lib

from du_vae_tf import files

# Told apart by the colour-blind (Okabe and Ito 2008); in grey the markers do it.
COLOURS = ("#0072b2", "#d55e00", "#000000", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f4f24")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LINES = ("-", "--", "-.", ":")
_FORMATS = ("png", "pdf")
_DOTS_PER_INCH = 150


def new(rows: int, columns: int, *, width: float, height: float,
        **kwargs: Any) -> tuple[figure_lib.Figure, np.ndarray]:
  """An empty figure.

  Args:
    rows: of panels.
    columns: of panels.
    width: of a panel, inches.
    height: of a panel, inches.
    **kwargs: of `Figure.subplots`.

  Returns:
    The figure, and its axes [rows, columns].
  """
  figure = figure_lib.Figure(figsize=(width * columns, height * rows), layout="constrained")
  return figure, figure.subplots(rows, columns, squeeze=False, **kwargs)


def line(number: int) -> dict[str, Any]:
  """Colour, marker and dashes of the curve of that number."""
  return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)],
          "linestyle": _LINES[number % len(_LINES)]}


def scatter(axes: Any, points: np.ndarray, labels: np.ndarray) -> None:
  """Points [N, 2] in the marks of their labels: the most frequent ones, the others pale grey.

  Args:
    axes: of the panel.
    points: float [N, 2].
    labels: int [N], -1 where there is none.
  """
  names, counts = np.unique(labels[labels >= 0], return_counts=True)
  shown = np.sort(names[np.argsort(-counts, kind="stable")][:len(COLOURS)])
  others = ~np.isin(labels, shown)
  axes.scatter(*points[others].T, s=9, c="#bbbbbb" if len(shown) else "#333333", marker=".",
               linewidths=0)
  for number, name in enumerate(shown):
    axes.scatter(*points[labels == name].T, s=9, c=COLOURS[number], marker=MARKERS[number],
                 linewidths=0, alpha=0.6, label=str(name))


def save(figure: figure_lib.Figure, stem: pathlib.Path) -> list[pathlib.Path]:
  """Writes a figure as PNG and PDF, each complete or not at all.

  Args:
    figure: finished.
    stem: path without extension.

  Returns:
    The files.
  """
  paths = [stem.with_name(f"{stem.name}.{form}") for form in _FORMATS]
  for path in paths:
    content = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}):
      figure.savefig(content, format=path.suffix[1:], dpi=_DOTS_PER_INCH)
    files.write_bytes_atomically(path, content.getvalue())
  return paths
