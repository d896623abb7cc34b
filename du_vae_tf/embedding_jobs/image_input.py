"""A file of images as input: .npy, which is mapped into memory, or .npz or .mat, which are read."""

import functools
import hashlib
import pathlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from du_vae_tf import errors
from du_vae_tf.data import image_batching
from du_vae_tf.data import image_checks
from du_vae_tf.data import image_reader
from du_vae_tf.data import image_splits
from du_vae_tf.embedding_jobs import inputs
from du_vae_tf.serving import image_signatures

_ROWS_AT_ONCE = 1024


class ImageInput:
  """Images for a run on images of the same side; a grey value above 0.5 is ink.

  Args:
    path: of the file.
    side: of the run's images, in pixels.

  Raises:
    errors.UserError: the file is no set of such images.
  """

  def __init__(self, path: pathlib.Path, side: int):
    arrays = image_reader.read_arrays(path)
    self._path = path
    self._images = arrays["images"]
    place = f"--input={path}"
    image_checks.check_shape(self._images.shape, place)
    self._kind = image_checks.check_type(self._images.dtype, place)
    if self._images.shape[1] != side:
      found = self._images.shape[1]
      raise errors.UserError(
          f"{place} has images of {found} x {found} pixels; the run is of {side} x {side}.")
    labels = arrays.get("labels")
    self._labels = None if labels is None else image_checks.to_labels(
        labels, len(self._images), f"{place}: labels")
    self.element_spec: Mapping[str, tf.TensorSpec] = image_batching.element_spec(side)

  def plan(self, rows_per_shard: int, check: Callable[[], None]) -> inputs.Plan:
    """See `inputs.Input`."""
    if self._kind in "iu":
      largest = 0
      for _, images in self._blocks(0, len(self._images)):
        check()
        largest = max(largest, int(images.max()))
      image_checks.check_full_ink(largest, f"--input={self._path}")
    with self._path.open("rb") as file:
      digest = hashlib.file_digest(file, "sha256").hexdigest()
    row_format = "images" if self._labels is None else "images with labels"
    return inputs.Plan(
        digest, len(self._images), row_format, inputs.cut(len(self._images), rows_per_shard))

  def read(self, shard: inputs.Shard, row_format: str) -> inputs.ShardRows:
    """See `inputs.Input`."""
    del row_format  # The file says it anew.
    kept, binary = [], []
    for first, images in self._blocks(shard.first_row, shard.num_rows):
      usable = image_checks.in_range(images)
      kept.append(first + np.flatnonzero(usable))
      binary.append(image_checks.scale(images[usable]) > image_signatures.THRESHOLD)
    rows = np.concatenate(kept)
    dead = np.setdiff1d(np.arange(shard.first_row, shard.first_row + shard.num_rows), rows)
    split = image_splits.make_split(np.concatenate(binary))
    return inputs.ShardRows(
        rows=rows,
        labels=None if self._labels is None else self._labels[rows].astype(np.int64),
        batches=functools.partial(image_batching.evaluation_dataset, split),
        dead_letters=[inputs.DeadLetter(int(row), "value out of range") for row in dead],
        counts={})

  def _blocks(self, first: int, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Some images, a few at a time, each time with the number of the first one."""
    for begin in range(first, first + count, _ROWS_AT_ONCE):
      end = min(begin + _ROWS_AT_ONCE, first + count)
      yield begin, np.asarray(self._images[begin:end])
