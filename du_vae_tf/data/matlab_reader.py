"""Numeric arrays of MATLAB 5 files, or one line that says why there are none."""

import pathlib
import zlib
from collections.abc import Sequence

import numpy as np
import scipy.io.matlab

from du_vae_tf import errors
from du_vae_tf.data import matlab_elements
from du_vae_tf.data import raw_files

_MATLAB_5, _MATLAB_7_3 = 1, 2
_ADVICE = "save it in MATLAB with -v7 or -v6"


def read(
    path: pathlib.Path, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
  """Reads arrays by name.

  Args:
    path: the file.
    required: names of arrays that must be there.
    optional: names of arrays that are taken if they are there.

  Raises:
    errors.UserError: the file is no MATLAB 5 file or damaged, or lacks a required array, or a
      wanted array does not hold real numbers.
  """
  raw_files.check_size(path, "a MATLAB 5 file")
  _check_version(path)
  wanted = {*required, *optional}
  found = {}
  try:
    for array in matlab_elements.arrays(memoryview(path.read_bytes())):
      if array.name in wanted:
        found[array.name] = _numbers(path, array)
  except errors.UserError:
    raise
  except (OSError, ValueError, MemoryError, zlib.error) as error:
    raise errors.UserError(
        f"{path}: is damaged or not complete ({_one_line(error)}); expected a MATLAB 5"
        " file.") from error
  missing = [name for name in required if name not in found]
  if missing:
    raise errors.UserError(
        f"{path}: lacks the arrays {', '.join(missing)}; expected {', '.join(required)} (a file"
        " that was cut short lacks its last ones).")
  return found


def _numbers(path: pathlib.Path, array: matlab_elements.Array) -> np.ndarray:
  """The numbers of an array; refuses, before it is unpacked, what a small file may unpack to."""
  if array.kind is not None:
    raise errors.UserError(
        f"{path}: {array.name} is {array.kind}; expected a full array of real numbers.")
  if array.num_bytes > raw_files.LARGEST_ARRAY:
    raise errors.UserError(raw_files.too_large(path, array.name, array.num_bytes))
  return array.read()


def _check_version(path: pathlib.Path) -> None:
  try:
    version, _ = scipy.io.matlab.matfile_version(path)
  except (ValueError, OSError, IndexError, scipy.io.matlab.MatReadError) as error:
    raise errors.UserError(
        f"{path}: is not a MATLAB file ({_one_line(error)}); expected MATLAB 5.") from error
  if version == _MATLAB_7_3:
    raise errors.UserError(
        f"{path}: is a MATLAB 7.3 file (HDF5); expected MATLAB 5: {_ADVICE}.")
  if version != _MATLAB_5:
    raise errors.UserError(f"{path}: is a MATLAB 4 file; expected MATLAB 5: {_ADVICE}.")


def _one_line(error: BaseException) -> str:
  return " ".join(str(error).split()) or type(error).__name__
