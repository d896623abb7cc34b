"""Splits of a data set, kept as memory-mapped arrays that a later start opens at once."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

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
    make: Callable[[], Mapping[str, tuple[Split, Counts]]],
) -> dict[str, tuple[Split, Counts]]:
  """Opens the splits of a data set, memory-mapped.

  Args:
    folder: where they are kept; it appears complete or not at all.
    split_class: a dataclass whose fields are arrays.
    counts_class: a dataclass of plain values.
    make: makes them if there is no such folder.

  Returns:
    split name -> arrays and counts.

  Raises:
    errors.UserError: what is kept there is damaged.
  """
  if not folder.is_dir():
    _save(folder, make())
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


def _save(folder: pathlib.Path, splits: Mapping[str, tuple[Any, Any]]) -> None:
  with files.new_folder(folder) as unfinished:
    for name, (split, _) in splits.items():
      for part in dataclasses.fields(split):
        np.save(
            unfinished / f"{name}.{part.name}.npy", getattr(split, part.name), allow_pickle=False)
    (unfinished / "counts.json").write_text(json.dumps(
        {name: dataclasses.asdict(counts) for name, (_, counts) in splits.items()}, indent=2))
