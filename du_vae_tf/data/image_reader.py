"""Raw image files -> grey images and labels, or one line that says what is wrong with them."""

import pathlib
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from du_vae_tf import errors
from du_vae_tf.data import image_checks
from du_vae_tf.data import image_splits
from du_vae_tf.data import matlab_reader
from du_vae_tf.data import raw_files

# What a raw file should hold, for messages.
EXPECTED: str = "images as .npy, .npz or .mat"
SUFFIXES: tuple[str, ...] = (".npy", ".npz", ".mat")
_CHARDATA_SIDE = 28


def read_files(files: Mapping[str, pathlib.Path]) -> dict[str, image_splits.ImageSplit]:
  """Reads own files.

  Args:
    files: split name -> `.npy` with the images, or `.npz` or `.mat` with an array `images` and
      perhaps `labels`.

  Returns:
    split name -> grey images in the order of the file.

  Raises:
    errors.UserError: a file is not what its suffix says, lacks `images`, has values or shapes that
      are not those of square grey images, or another side than the training file.
  """
  splits = {}
  for split, path in files.items():
    raw_files.check_size(path, EXPECTED)
    arrays = read_arrays(path)
    images = image_checks.to_grey(arrays["images"], str(path))
    labels = arrays.get("labels")
    if labels is not None:
      labels = image_checks.to_labels(labels, len(images), f"{path}: labels")
    splits[split] = image_splits.make_split(images, labels)
  image_checks.check_sides({str(files[name]): split for name, split in splits.items()})
  return splits


def read_arrays(path: pathlib.Path) -> dict[str, np.ndarray]:
  """`images` and, if there, `labels`, as the file has them; those of `.npy` as a memory map.

  Raises:
    errors.UserError: the file is not what its suffix says, or lacks `images`.
  """
  suffix = path.suffix.lower()
  if suffix not in SUFFIXES:
    raise errors.UserError(
        f"{path}: has the suffix {suffix or '(none)'}; expected {EXPECTED}.")
  if suffix == ".mat":
    return matlab_reader.read(path, required=["images"], optional=["labels"])
  return _read_numpy(path, suffix)


def read_chardata(path: pathlib.Path) -> dict[str, image_splits.ImageSplit]:
  """Reads OMNIGLOT from `chardata.mat`.

  The columns of `data` and `testdata` are images of 28 x 28 pixels, column by column; `target`
  names the alphabet of each by a one, `targetchar` the number of the character within it.

  Source: Burda et al. 2016, published with their code.

  Returns:
    "train" and "test"; grey.

  Raises:
    errors.UserError: the file is no such file.
  """
  parts = {"train": ("data", "target", "targetchar"),
           "test": ("testdata", "testtarget", "testtargetchar")}
  arrays = matlab_reader.read(path, required=[name for names in parts.values() for name in names])
  splits = {}
  for split, (images, alphabets, characters) in parts.items():
    grey = _chardata_images(arrays[images], f"{path}: {images}")
    splits[split] = image_splits.make_split(
        grey,
        _chardata_alphabets(arrays[alphabets], len(grey), f"{path}: {alphabets}"),
        image_checks.to_labels(arrays[characters], len(grey), f"{path}: {characters}"))
  return splits


def _chardata_images(columns: np.ndarray, place: str) -> np.ndarray:
  pixels = _CHARDATA_SIDE**2
  if columns.ndim != 2 or columns.shape[0] != pixels:
    raise errors.UserError(
        f"{place} has shape {image_checks.shown(columns.shape)}; expected {pixels} rows and a"
        " column per image.")
  images = columns.T.reshape(-1, _CHARDATA_SIDE, _CHARDATA_SIDE).transpose(0, 2, 1)
  return image_checks.to_grey(images, place)


def _chardata_alphabets(one_hot: np.ndarray, count: int, place: str) -> np.ndarray:
  if one_hot.ndim != 2 or one_hot.shape[1] != count:
    raise errors.UserError(
        f"{place} has shape {image_checks.shown(one_hot.shape)}; expected a row per alphabet and"
        f" {count} columns, one per image.")
  if not np.all((one_hot == 0) | (one_hot == 1)) or not np.all(one_hot.sum(axis=0) == 1):
    raise errors.UserError(
        f"{place} must have a single 1 in each column, for the alphabet, and 0 elsewhere.")
  return one_hot.argmax(axis=0)


def _read_numpy(path: pathlib.Path, suffix: str) -> dict[str, np.ndarray]:
  try:
    # Objects stay unread: to read them would be to run what the file says.
    loaded: Any = np.load(path, allow_pickle=False, mmap_mode="r")
    if isinstance(loaded, np.ndarray) and suffix == ".npy":
      return {"images": loaded}
    if isinstance(loaded, np.lib.npyio.NpzFile) and suffix == ".npz":
      with loaded:
        if "images" in loaded:
          return {name: _member(path, loaded, name) for name in ("images", "labels")
                  if name in loaded}
        names = ", ".join(loaded.files) or "nothing"
      raise errors.UserError(
          f"{path}: lacks an array `images`; it has {textwrap.shorten(names, 200)}.")
  except errors.UserError:
    raise
  except Exception as error:  # NumPy raises what the damaged bytes lead it to.
    raise errors.UserError(
        f"{path}: cannot be read as {suffix} ({_one_line(error)}); expected a whole file of plain"
        " numbers, without objects.") from error
  raise errors.UserError(f"{path}: is no {suffix} file, though its name says so.")


def _member(path: pathlib.Path, arrays: Any, name: str) -> np.ndarray:
  """An array of a `.npz` file."""
  packed = arrays.zip
  for info in packed.infolist():
    if info.filename.removesuffix(".npy") == name and info.file_size > raw_files.LARGEST_ARRAY:
      raise errors.UserError(raw_files.too_large(path, name, info.file_size))
  array = arrays[name]
  if not isinstance(array, np.ndarray):  # NumPy gives the bytes of what is no array.
    raise ValueError(f"`{name}` is no array")
  return array


def _one_line(error: BaseException) -> str:
  return " ".join(str(error).split()) or type(error).__name__
