"""Makes small sets of own images, and a small `chardata.mat`, for tests."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.io

from du_vae_tf import datasets

CHARDATA_SIDE = 28


def draw(rows: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
  """Strokes with grey edges, at random places.

  Args:
    rows: number of images.
    side: in pixels.
    seed: of the drawing.

  Returns:
    images float32 [rows, side, side] in [0, 1], and labels int64 [rows]: 0 for a horizontal stroke,
    1 for a vertical one, 2 for both.
  """
  generator = np.random.default_rng(seed)
  labels = generator.integers(0, 3, rows)
  places = generator.uniform(1.0, side - 2.0, (2, rows, 1))
  # Ink falls from 1 to 0 within a pixel and a half of the middle of a stroke.
  across, along = np.clip(1.5 - np.abs(np.arange(side) - places), 0.0, 1.0)
  horizontal = np.where(labels != 1, 1.0, 0.0)[:, None, None] * across[:, :, None]
  vertical = np.where(labels != 0, 1.0, 0.0)[:, None, None] * along[:, None, :]
  images = np.broadcast_to(np.maximum(horizontal, vertical), (rows, side, side))
  return images.astype(np.float32), labels


def write_arrays(
    folder: str,
    side: int = 8,
    rows: int = 70,
    evaluation_rows: int = 20,
    splits: Sequence[str] = datasets.SPLITS,
    seed: int = 5,
) -> dict[str, str]:
  """Writes `<split>.npz` with `images` and `labels` for each split.

  Args:
    folder: where to; it must be there.
    side: of the images, in pixels.
    rows: training images.
    evaluation_rows: images of the other splits.
    splits: those that are written.
    seed: of the drawing.

  Returns:
    name of the flag -> path.
  """
  files = {}
  for number, split in enumerate(splits):
    images, labels = draw(rows if split == "train" else evaluation_rows, side, seed + number)
    path = pathlib.Path(folder) / f"{split}.npz"
    np.savez(path, images=images, labels=labels)
    files[f"{split}_file"] = str(path)
  return files


def chardata(rows: int = 70, test_rows: int = 20, seed: int = 5) -> dict[str, np.ndarray]:
  """The arrays of a small `chardata.mat`.

  Args:
    rows: training images.
    test_rows: test images.
    seed: of the drawing.
  """
  arrays = {}
  for number, (prefix, count) in enumerate((("", rows), ("test", test_rows))):
    images, labels = draw(count, CHARDATA_SIDE, seed + number)
    # Column by column, as MATLAB stores a matrix.
    arrays[f"{prefix}data"] = images.transpose(2, 1, 0).reshape(-1, count).astype(np.float64)
    arrays[f"{prefix}target"] = np.eye(3)[labels].T
    arrays[f"{prefix}targetchar"] = 1.0 + np.arange(count)[None, :] % 7
  return arrays


def write_chardata(
    folder: str, arrays: Mapping[str, Any] | None = None, **options: int
) -> pathlib.Path:
  """Writes `omniglot/chardata.mat` into a folder.

  Args:
    folder: where to; what `--manual_dir` takes.
    arrays: what the file has; None takes `chardata(**options)`.
    **options: of `chardata`.

  Returns:
    The path of the file.
  """
  path = pathlib.Path(folder) / "omniglot" / "chardata.mat"
  path.parent.mkdir(parents=True, exist_ok=True)
  scipy.io.savemat(
      path, chardata(**options) if arrays is None else arrays, do_compression=True)
  return path
