"""What each latent dimension carries: variance of its means, KL, mean of its variances."""

import pathlib
from collections.abc import Mapping

import numpy as np

from du_vae_tf.analysis import figures
from du_vae_tf.analysis import representations
from du_vae_tf.estimators import active_units

# Below it a dimension is idle, however much.
_LEAST_ACTIVITY = 1e-4


def draw(runs: Mapping[str, representations.Encoded], stem: pathlib.Path) -> list[pathlib.Path]:
  """Bars of the dimensions, the most active first, a row a run.

  Args:
    runs: their examples, by title.
    stem: of the files.

  Returns:
    The files.
  """
  figure, axes = figures.new(len(runs), 3, width=3.6, height=2.2, sharey="col")
  for row, (title, encoded) in enumerate(runs.items()):
    activity = active_units.mean_variances(encoded.mean)
    order = np.argsort(-activity, kind="stable")
    numbers = np.arange(1, len(order) + 1)
    for panel, values in zip(axes[row], (
        activity, encoded.kl_per_dimension.mean(axis=0, dtype=np.float64),
        encoded.variance.mean(axis=0, dtype=np.float64)), strict=True):
      panel.bar(numbers, values[order], color="#555555")
    axes[row, 0].axhline(active_units.THRESHOLD, color="k", linestyle="--", linewidth=0.8)
    axes[row, 0].set(yscale="log", ylabel=title)
  axes[0, 0].set_ylim(bottom=_LEAST_ACTIVITY)  # All rows share it.
  for panel, text in zip(axes[0], (
      "variance of the means (line: active)", "KL to the prior, nats",
      "mean of the variances"), strict=True):
    panel.set_title(text, fontsize="medium")
  for panel in axes[-1]:
    panel.set_xlabel("dimension, most active first")
    panel.xaxis.get_major_locator().set_params(integer=True)
  return figures.save(figure, stem)
