"""Two-dimensional views of a larger latent space: active dimensions, PCA, t-SNE."""

import pathlib
from collections.abc import Mapping

import numpy as np
from sklearn import decomposition
from sklearn import manifold

from du_vae_tf.analysis import figures
from du_vae_tf.analysis import representations
from du_vae_tf.estimators import active_units

# t-SNE takes up to half a minute for so many examples, and minutes for ten times as many.
MOST_EXAMPLES = 2000
_PERPLEXITY = 30.0


def views(centers: np.ndarray, seed: int, quick: bool = False) -> dict[str, np.ndarray]:
  """Views [N, 2] of N centers of posteriors, by title; of equal centers, dimensions alone.

  Args:
    centers: float [N, n], n > 2.
    seed: of t-SNE.
    quick: leaves out t-SNE, which takes half a minute where all the rest takes a second.
  """
  order = np.argsort(-active_units.mean_variances(centers), kind="stable")
  pairs = [order[:2], order[2:4]]
  made = {f"dimensions {first} and {second}": centers[:, [first, second]]
          for first, second in (pair for pair in pairs if len(pair) == 2)}
  if not np.any(np.ptp(centers, axis=0)):
    return made  # Where all centers are the same, PCA divides by zero and t-SNE crashes.
  made["PCA"] = decomposition.PCA(2, random_state=seed).fit_transform(centers)
  if not quick:
    perplexity = min(_PERPLEXITY, (len(centers) - 1) / 3)
    made["t-SNE"] = manifold.TSNE(
        2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(centers)
  return made


def draw(runs: Mapping[str, representations.Encoded], stem: pathlib.Path, seed: int,
         quick: bool = False) -> list[pathlib.Path]:
  """The most active pairs of dimensions, PCA and t-SNE of the centers by label, a row a run.

  Args:
    runs: their examples, by title; n > 2.
    stem: of the files.
    seed: of t-SNE, and of the choice of examples where there are more than `MOST_EXAMPLES`.
    quick: see `views`.

  Returns:
    The files.
  """
  drawn = {}
  for title, encoded in runs.items():
    rows = np.random.default_rng(seed).permutation(len(encoded.labels))[:MOST_EXAMPLES]
    drawn[title] = views(encoded.center[rows].astype(np.float64), seed, quick), encoded.labels[rows]
  most = max(len(made) for made, _ in drawn.values())
  figure, axes = figures.new(len(drawn), most, width=2.7, height=2.7)
  for row, (title, (made, labels)) in enumerate(drawn.items()):
    axes[row, 0].set_ylabel(title)
    for column, (view, points) in enumerate(made.items()):
      figures.scatter(axes[row, column], points, labels)
      axes[row, column].set_title(view, fontsize="medium")
    for panel in axes[row, len(made):]:
      panel.set_axis_off()
  if axes[0, 0].get_legend_handles_labels()[1]:
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center",
                  title="label", frameon=False)
  return figures.save(figure, stem)
