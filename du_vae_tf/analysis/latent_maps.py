"""Where posteriors lie in a latent space of two dimensions (Shen et al. 2021, Figure 1)."""

import pathlib
from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

from du_vae_tf.analysis import figures
from du_vae_tf.analysis import representations
from du_vae_tf.data import synthetic_generator

_POINTS = 161
_LEVELS = 9
_LEAST_LIMIT = 3.0
_TRUTH = "true density"

Density = Callable[[np.ndarray], np.ndarray]


def gaussian_mixture(means: np.ndarray, variances: np.ndarray) -> Density:
  """Density of the even mixture of N diagonal Gaussians in two dimensions.

  Args:
    means: float [N, 2].
    variances: float [N, 2].

  Returns:
    Takes coordinates [p]; gives the density [p, p] at all pairs of them, the first axis vertical.
  """

  def density(coordinates: np.ndarray) -> np.ndarray:
    # A diagonal Gaussian is a product, so the sum over the mixture is a product of matrices.
    across, up = (
        np.exp(-np.square(coordinates[:, np.newaxis] - means[:, axis]) / (2 * variances[:, axis]))
        / np.sqrt(2 * np.pi * variances[:, axis]) for axis in (0, 1))
    return up @ across.T / len(means)

  return density


def kernel_estimate(samples: np.ndarray) -> Density:
  """Kernel density estimate from samples [N, 2]; see `gaussian_mixture`."""

  def density(coordinates: np.ndarray) -> np.ndarray:
    across, up = np.meshgrid(coordinates, coordinates)
    values = stats.gaussian_kde(samples.T)(np.stack([across.ravel(), up.ravel()]))
    return values.reshape(across.shape)

  return density


def draw(runs: Mapping[str, representations.Encoded], stem: pathlib.Path, *, synthetic: bool,
         seed: int) -> list[pathlib.Path]:
  """Aggregate posterior (above) and centers of posteriors by label (below), a column a run.

  Args:
    runs: their examples, by title; n = 2.
    stem: of the files.
    synthetic: whether the data are the synthetic ones: a first column then shows the density that
      they were made from, and as many of its samples.
    seed: of these samples.

  Returns:
    The files.
  """
  columns = {title: (_aggregate(encoded), encoded.center, encoded.labels)
             for title, encoded in runs.items()}
  if synthetic:
    columns = {_TRUTH: _truth(max(map(len, (e.labels for e in runs.values()))), seed),
               **columns}
  # Of the centers without outliers, and the same for all: the columns are to be compared.
  reach = max(np.quantile(np.abs(center), 0.999) for _, center, _ in columns.values())
  limit = max(_LEAST_LIMIT, float(np.ceil(reach))) if not synthetic else _LEAST_LIMIT
  coordinates = np.linspace(-limit, limit, _POINTS)
  figure, axes = figures.new(2, len(columns), width=2.6, height=2.7, sharex=True, sharey=True)
  for column, (title, (density, center, labels)) in enumerate(columns.items()):
    under = "samples, by component" if title == _TRUTH else "centers, by label"
    values = density(coordinates)
    axes[0, column].contourf(coordinates, coordinates, values, _LEVELS, cmap="Greys")
    axes[0, column].contour(coordinates, coordinates, values, _LEVELS, colors="k", linewidths=0.4)
    figures.scatter(axes[1, column], center, labels)
    axes[0, column].set_title(title, fontsize="medium")
    axes[1, column].set_title(under, fontsize="medium")
    for panel in axes[:, column]:
      panel.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
  axes[0, 0].set_ylabel("density of z")
  return figures.save(figure, stem)


def _aggregate(encoded: representations.Encoded) -> Density:
  """q(z), the mean of all posteriors."""
  if np.array_equal(encoded.mean, encoded.center):
    return gaussian_mixture(encoded.mean.astype(np.float64), encoded.variance.astype(np.float64))
  return kernel_estimate(encoded.sample)


def _truth(size: int, seed: int) -> tuple[Density, np.ndarray, np.ndarray]:
  """The mixture of the synthetic data, with samples and their components."""
  means = synthetic_generator.COMPONENT_MEANS
  random = np.random.default_rng(seed)
  labels = random.integers(0, len(means), size)
  samples = means[labels] + random.standard_normal((size, 2))
  return gaussian_mixture(means, np.ones_like(means)), samples, labels
