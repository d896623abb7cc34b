"""Arrays as given -> grey images and labels of one form, or one line that says why not."""

from collections.abc import Mapping

import numpy as np

from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.data import image_splits

_LARGEST_LABEL = 2**31 - 1


def to_grey(images: np.ndarray, place: str) -> np.ndarray:
  """Checks images and brings them to one form.

  Args:
    images: [n, s, s] or [n, s, s, 1]: bool, integers from 0 to 255, or floats in [0, 1].
    place: what they come from, for messages.

  Returns:
    float32 [n, s, s, 1] in [0, 1].

  Raises:
    errors.UserError: they are something else.
  """
  check_shape(images.shape, place)
  kind = check_type(images.dtype, place)
  least, largest = images.min(), images.max()
  if kind in "iu":
    if least < 0 or largest > 255:
      raise errors.UserError(
          f"{place} has integers from {least} to {largest}; expected 0 to 255.")
    check_full_ink(largest, place)
  elif kind == "f" and not (least >= 0.0 and largest <= 1.0):  # NaN compares false
    raise errors.UserError(
        f"{place} has values from {least:g} to {largest:g}; expected floats in [0, 1], or integers"
        " from 0 to 255." if np.isfinite(least) and np.isfinite(largest) else
        f"{place} has values that are NaN or infinite; expected floats in [0, 1].")
  return scale(images)


def scale(images: np.ndarray) -> np.ndarray:
  """Images whose values are known to be in range as float32 [n, s, s, 1] in [0, 1]."""
  grey = images.astype(np.float32)
  if images.dtype.kind in "iu":
    grey /= 255.0
  return np.ascontiguousarray(grey.reshape(*images.shape[:3], 1))


def in_range(images: np.ndarray) -> np.ndarray:
  """Which images [n, ...] have values from 0 to 1, or integers from 0 to 255, alone: bool [n]."""
  largest = 255 if images.dtype.kind in "iu" else 1
  fits = (images >= 0) & (images <= largest)
  return np.asarray(fits.reshape(len(images), -1).all(axis=1))


def check_type(dtype: np.dtype, place: str) -> str:
  """The kind of the numbers of images: `b`, `i`, `u` or `f`.

  Args:
    dtype: of the images.
    place: what they come from, for messages.

  Raises:
    errors.UserError: it is something else.
  """
  if dtype.kind not in "biuf":
    raise errors.UserError(
        f"{place} has images of type {dtype}; expected bool, integers from 0 to 255, or floats in"
        " [0, 1].")
  return dtype.kind


def check_full_ink(largest: int, place: str) -> None:
  """Raises `errors.UserError` if integers do not use their range.

  Args:
    largest: of all images.
    place: what they come from, for messages.
  """
  if largest <= 1:
    raise errors.UserError(
        f"{place} has integers up to {largest} only, while 255 is full ink; save 0 and 1 as bool"
        " or float.")


def check_shape(shape: tuple[int, ...], place: str) -> None:
  """Raises `errors.UserError` unless it is that of square grey images of a side we take.

  Args:
    shape: of all images.
    place: what they come from, for messages.
  """
  if len(shape) not in (3, 4) or 0 in shape:
    raise errors.UserError(
        f"{place} has images of shape {shown(shape)}; expected [n, side, side] or"
        " [n, side, side, 1].")
  if len(shape) == 4 and shape[3] != 1:
    raise errors.UserError(
        f"{place} has images of {shape[3]} channels; expected greyscale, one channel.")
  if shape[1] != shape[2]:
    raise errors.UserError(
        f"{place} has images of {shape[1]} x {shape[2]} pixels; expected square ones.")
  if not datasets.MIN_SIDE <= shape[1] <= datasets.MAX_SIDE:
    raise errors.UserError(
        f"{place} has images of {shape[1]} x {shape[2]} pixels; expected a side from"
        f" {datasets.MIN_SIDE} to {datasets.MAX_SIDE}.")


def check_sides(splits: Mapping[str, image_splits.ImageSplit]) -> None:
  """Raises `errors.UserError` unless all splits, by what they come from, have the same side."""
  sides = {place: split.side for place, split in splits.items()}
  (first, expected), *others = sides.items()
  for place, side in others:
    if side != expected:
      raise errors.UserError(
          f"{place} has images of {side} x {side} pixels, while {first} has {expected} x"
          f" {expected}; expected the same side in all splits.")


def to_labels(labels: np.ndarray, count: int, place: str) -> np.ndarray:
  """Checks labels and brings them to one form.

  Args:
    labels: integers [count], [1, count] or [count, 1], floats allowed; -1 is none.
    count: number of images.
    place: what they come from, for messages.

  Returns:
    int32 [count].

  Raises:
    errors.UserError: they are something else.
  """
  if labels.size != count or labels.ndim not in (1, 2) or max(labels.shape) != count:
    raise errors.UserError(
        f"{place} has shape {shown(labels.shape)}; expected a label for each of {count} images.")
  if labels.dtype.kind not in "iuf":
    raise errors.UserError(
        f"{place} has values of type {labels.dtype}; expected integers.")
  flat = labels.reshape(-1)
  wrong = ~((flat >= image_splits.NO_LABEL) & (flat <= _LARGEST_LABEL) & (flat == np.floor(flat)))
  if wrong.any():
    raise errors.UserError(
        f"{place} has {flat[wrong][0]} for image {int(wrong.argmax())} (from 0); expected"
        f" integers from 0 to {_LARGEST_LABEL}, or -1 for none.")
  return flat.astype(np.int32)


def shown(shape: tuple[int, ...]) -> str:
  """A shape as messages show it."""
  return " x ".join(map(str, shape)) or "()"
