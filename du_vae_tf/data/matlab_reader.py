"""Numeric arrays of MATLAB 5 files, or one line that says why there are none."""

import math
import pathlib
import warnings
from collections.abc import Collection, Sequence

import numpy as np
import scipy.io
import scipy.io.matlab

from du_vae_tf import errors
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
  try:
    with warnings.catch_warnings():
      warnings.simplefilter("error", np.exceptions.ComplexWarning)
      _check_sizes(path, {*required, *optional})
      # MATLAB may store numbers in a smaller type than theirs; `mat_dtype` gives theirs back.
      found = scipy.io.loadmat(path, variable_names=[*required, *optional], mat_dtype=True)
  except np.exceptions.ComplexWarning as error:
    raise errors.UserError(f"{path}: has complex numbers; expected real ones.") from error
  except errors.UserError:
    raise
  except Exception as error:  # SciPy raises what the damaged bytes lead it to.
    raise errors.UserError(
        f"{path}: is damaged or not complete ({_one_line(error)}); expected a MATLAB 5"
        " file.") from error
  missing = [name for name in required if name not in found]
  if missing:
    raise errors.UserError(
        f"{path}: lacks the arrays {', '.join(missing)}; expected {', '.join(required)} (a file"
        " that was cut short lacks its last ones).")
  arrays = {name: found[name] for name in (*required, *optional) if name in found}
  for name, array in arrays.items():
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
      raise errors.UserError(
          f"{path}: {name} is {_kind(array)}; expected a full array of real numbers.")
  return arrays


def _check_sizes(path: pathlib.Path, names: Collection[str]) -> None:
  """Refuses, before they are unpacked, arrays that a small file may unpack to."""
  for name, shape, _ in scipy.io.whosmat(path):
    size = math.prod(shape) * np.dtype(np.float64).itemsize
    if name in names and size > raw_files.LARGEST_ARRAY:
      raise errors.UserError(raw_files.too_large(path, name, size))


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


def _kind(array: object) -> str:
  return (f"an array of {array.dtype}" if isinstance(array, np.ndarray)
          else f"a {type(array).__name__}")


def _one_line(error: BaseException) -> str:
  return " ".join(str(error).split()) or type(error).__name__
