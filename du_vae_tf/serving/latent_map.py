"""A plane through the representations of test rows, and the rows on it: `latent_map.json`."""

import dataclasses
import json
import os
from typing import Any

import numpy as np

from du_vae_tf import files

# Where it lies below the folder of a version.
NAME = "assets.extra/latent_map.json"
# Test rows on the map.
MAX_POINTS = 2000


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatentMap:
  """Places of rows on a plane: a representation r is at ((r - mean) . a, (r - mean) . b).

  Attributes:
    mean: float64 [m], a point of the plane.
    axes: float64 [2, m], the directions a and b, of length 1; b is 0 where there is one dimension.
    points: float64 [N, 2].
    labels: int [N], or None where rows have none.
  """

  mean: np.ndarray
  axes: np.ndarray
  points: np.ndarray
  labels: np.ndarray | None

  def write(self, path: str | os.PathLike[str], **facts: Any) -> None:
    """Writes the map as JSON.

    Args:
      path: of the file.
      **facts: what else the file holds.
    """
    files.write_text_atomically(path, json.dumps({
        "mean": self.mean.tolist(), "axes": self.axes.tolist(),
        "labels": None if self.labels is None else self.labels.tolist(),
        "points": [[float(f"{value:.6g}") for value in point] for point in self.points],
        **facts}, ensure_ascii=False) + "\n")


def make(representation: np.ndarray, labels: np.ndarray, latent_dim: int) -> LatentMap:
  """The map of N rows.

  The axes are the first two principal ones, with their largest entries positive. Of two latent
  dimensions they are those of z, from 0.

  Args:
    representation: float [N, m]; the last n columns are the centers of the posteriors.
    labels: int [N], -1 where there is none.
    latent_dim: n.
  """
  rows = representation.astype(np.float64)
  axes = np.zeros([2, rows.shape[1]])
  if latent_dim == 2:
    mean = np.zeros(rows.shape[1])
    axes[:, -2:] = np.eye(2)
  else:
    mean = rows.mean(axis=0)
    found = np.linalg.svd(rows - mean, full_matrices=False)[2][:2]
    largest = np.argmax(np.abs(found), axis=1)
    axes[:len(found)] = found * np.sign(found[np.arange(len(found)), largest])[:, np.newaxis]
  return LatentMap(
      mean=mean, axes=axes, points=(rows - mean) @ axes.T,
      labels=labels if np.any(labels >= 0) else None)
