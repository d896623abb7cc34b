"""Image data sets that TFDS has by name -> grey images, or one line that says what is wrong.

TFDS is imported on use: only these data sets need it at every start.
"""

import contextlib
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np

from du_vae_tf import errors
from du_vae_tf.data import image_checks
from du_vae_tf.data import image_splits

_NAME = re.compile(r"[A-Za-z]\w*(/[\w.-]+)?(:[\d.*]+)?", re.ASCII)
_ADVICE = "or give --train_file and --test_file"


def full_name(name: str, folder: str) -> str:
  """Name, configuration and version of a data set, e.g. `mnist/3.0.1`.

  Args:
    name: as given to `--tfds_name`.
    folder: where TFDS prepares data.

  Raises:
    errors.UserError: TFDS has no such data set, or one that is not of grey images of one side.
  """
  builder = _builder(name, folder)
  _check_features(name, builder.info.features)
  return str(builder.info.full_name)


def read(name: str, folder: str | None) -> dict[str, image_splits.ImageSplit]:
  """Prepares and reads a data set.

  Args:
    name: as given to `--tfds_name`.
    folder: where TFDS prepares data.

  Returns:
    "train", "test" and, where the data set has it, "valid"; grey, in the order of TFDS.

  Raises:
    errors.UserError: it cannot be prepared, or is not of grey images of one side.
  """
  builder = _builder(name, folder)
  with _one_line(f"--tfds_name={name}: cannot be prepared"):
    builder.download_and_prepare()
  available = builder.info.splits
  missing = [split for split in ("train", "test") if split not in available]
  if missing:
    raise errors.UserError(
        f"--tfds_name={name}: lacks the split {' and '.join(missing)}; it has"
        f" {', '.join(available)}. Choose another data set, {_ADVICE}.")
  wanted = {"train": "train", "test": "test"}
  if "validation" in available:
    wanted["valid"] = "validation"
  splits = {ours: _read_split(builder, theirs, f"--tfds_name={name}, split {theirs}")
            for ours, theirs in wanted.items()}
  image_checks.check_sides(
      {f"--tfds_name={name}, split {wanted[ours]}": split for ours, split in splits.items()})
  return splits


def _builder(name: str, folder: str | None) -> Any:
  import tensorflow_datasets as tfds

  if not _NAME.fullmatch(name):
    # Of another form, it may stand for code that somebody has put somewhere, to be run.
    raise errors.UserError(
        f"--tfds_name={name:.100}: must be the name of a data set of tensorflow-datasets, as in"
        f" mnist or emnist/letters:3.0.0; choose one, {_ADVICE}.")
  with _one_line(f"--tfds_name={name}: TFDS has no such data set"):
    return tfds.builder(name, data_dir=folder)


def _check_features(name: str, features: Any) -> None:
  """Refuses before a download what the description already rules out."""
  image = features["image"] if "image" in (features or {}) else None
  shape = getattr(image, "shape", None)
  if shape is None or len(shape) != 3:
    raise errors.UserError(
        f"--tfds_name={name}: has no feature `image` of [side, side, 1]; choose a data set of grey"
        f" images, {_ADVICE}.")
  # What the description leaves open is looked at once the images are there.
  height, width, channels = (
      open_size if size is None else size
      for size, open_size in zip(shape, (shape[1], shape[0], 1), strict=True))
  if height is not None and width is not None:
    image_checks.check_shape((1, height, width, channels), f"--tfds_name={name}")


def _read_split(builder: Any, split: str, place: str) -> image_splits.ImageSplit:
  images, labels = [], []
  for example in builder.as_dataset(split=split).as_numpy_iterator():
    images.append(example["image"])
    labels.append(example.get("label", image_splits.NO_LABEL))
    if images[-1].shape != images[0].shape:
      raise errors.UserError(
          f"{place}: has images of {_size(images[0])} and of {_size(images[-1])} pixels; expected"
          " the same side in all.")
  if not images:
    raise errors.UserError(f"{place}: has no images; expected at least one.")
  grey = image_checks.to_grey(np.stack(images), place)
  return image_splits.make_split(
      grey, image_checks.to_labels(np.array(labels), len(grey), f"{place}: label"))


def _size(image: np.ndarray) -> str:
  return " x ".join(map(str, image.shape[:2]))


@contextlib.contextmanager
def _one_line(what: str) -> Iterator[None]:
  """Turns whatever the code of a data set raises into one line for the user."""
  try:
    yield
  except Exception as error:  # Downloads, checksums, missing packages: each set has its own.
    reason = textwrap.shorten((str(error).strip().splitlines() or [""])[0], 200, placeholder=" ...")
    raise errors.UserError(
        f"{what} ({type(error).__name__}: {reason}); choose another, {_ADVICE}.") from error
