"""Splits of a data set, kept as memory-mapped arrays that a later start opens at once."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import json_files

# Dataclasses: of arrays, and of plain values about them.
Split = TypeVar("Split", bound=Any)
Counts = TypeVar("Counts", bound=Any)


def key(*parts: str | int | None) -> str:
  """The name of a folder or file whose content depends on the parts alone."""
  return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def load_or_make(
    folder: pathlib.Path,
    split_class: type[Split],
    counts_class: type[Counts],
    make: Callable[[pathlib.Path], Mapping[str, Counts]],
) -> dict[str, tuple[Split, Counts]]:
  """Opens the splits of a data set, memory-mapped.

  Args:
    folder: where they are kept; it appears complete or not at all.
    split_class: a dataclass whose fields are arrays.
    counts_class: a dataclass of plain values.
    make: called if there is no such folder; writes the splits into one by `SplitWriter`, and gives
      their counts.

  Returns:
    split name -> arrays and counts.

  Raises:
    errors.UserError: what is kept there is damaged.
  """
  if not folder.is_dir():
    with files.new_folder(folder) as unfinished:
      made = make(unfinished)
      (unfinished / "counts.json").write_text(json.dumps(
          {name: dataclasses.asdict(values) for name, values in made.items()}, indent=2))
  try:
    counts = json_files.read_object(folder / "counts.json")
    for values in counts.values():
      json_files.check_fields(counts_class, values)
    return {
        name: (
            split_class(**{
                part.name: np.load(
                    folder / f"{name}.{part.name}.npy", mmap_mode="r", allow_pickle=False)
                for part in dataclasses.fields(split_class)}),
            counts_class(**values))
        for name, values in counts.items()}
  except (OSError, ValueError, AttributeError, OverflowError) as error:
    raise errors.UserError(
        f"{folder}: prepared data are damaged ({error}); delete the folder, and they are prepared"
        " anew.") from error


class SplitWriter:
  """Writes the arrays of a split part by part, so that they need not fit into memory.

  A context manager. The files can be read when it ends.

  Args:
    folder: where they are written.
    name: of the split.
  """

  def __init__(self, folder: pathlib.Path, name: str):
    self._folder = folder
    self._name = name
    self._arrays: dict[str, _GrowingArray] = {}

  def append(self, part: Any) -> None:
    """Adds the arrays of a dataclass, each at the end of the one before, along the first axis."""
    for field in dataclasses.fields(part):
      array = np.asarray(getattr(part, field.name))
      if field.name not in self._arrays:
        self._arrays[field.name] = _GrowingArray(
            self._folder / f"{self._name}.{field.name}.npy", array)
      self._arrays[field.name].append(array)

  def __enter__(self) -> Self:
    return self

  def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
               traceback: TracebackType | None) -> None:
    for array in self._arrays.values():
      array.close()


class _GrowingArray:
  """A file of NumPy's format, whose header leaves room for a first axis of any length."""

  def __init__(self, path: pathlib.Path, like: np.ndarray):
    self._file = path.open("wb")
    self._dtype, self._shape, self._length = like.dtype, like.shape[1:], 0
    self._write_header()

  def append(self, array: np.ndarray) -> None:
    if (array.dtype, array.shape[1:]) != (self._dtype, self._shape):
      raise ValueError(
          f"`array` must go on as {self._dtype} [n, *{self._shape}]. Received: {array.dtype}"
          f" {array.shape}.")
    self._file.write(np.ascontiguousarray(array).data)
    self._length += len(array)

  def close(self) -> None:
    self._file.seek(0)
    self._write_header()
    self._file.close()

  def _write_header(self) -> None:
    np.lib.format.write_array_header_1_0(self._file, {
        "descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False,
        "shape": (self._length, *self._shape)})
