"""A figure of runs over two settings (Shen et al. 2021, Figure 2)."""

import pathlib
from collections.abc import Mapping

import numpy as np

from du_vae_tf.analysis import figures


def draw(panels: Mapping[str, Mapping[tuple[float, float], float]], names: tuple[str, str],
         stem: pathlib.Path) -> list[pathlib.Path]:
  """Values over a grid, a panel for each title; what is missing stays empty.

  Args:
    panels: values by the two settings, by title.
    names: of the settings; the first is drawn downwards.
    stem: of the files.

  Returns:
    The files.
  """
  figure, axes = figures.new(1, len(panels), width=3.6, height=3.0)
  for panel, (title, values) in zip(axes[0], panels.items(), strict=True):
    down, across = (sorted({key[place] for key in values}) for place in (0, 1))
    grid = np.array([[values.get((row, column), np.nan) for column in across] for row in down])
    image = panel.imshow(grid, cmap="Greys", aspect="auto")
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2.0
    for (row, column), value in np.ndenumerate(grid):
      if np.isfinite(value):
        panel.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize="small",
                   color="white" if value > middle else "black",
                   fontweight="bold" if value == np.nanmin(grid) else "normal")
    panel.set(title=title, ylabel=names[0], xlabel=names[1], yticks=range(len(down)),
              yticklabels=[f"{value:g}" for value in down], xticks=range(len(across)),
              xticklabels=[f"{value:g}" for value in across])
    figure.colorbar(image, ax=panel, label="NLL, nats")
  return figures.save(figure, stem)
