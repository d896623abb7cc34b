"""The numbered folders of an exported model, of which the largest number is served."""

import dataclasses
import os
import pathlib

from du_vae_tf import errors


@dataclasses.dataclass(frozen=True)
class Version:
  """A SavedModel, the name of whose folder is its number."""

  number: int
  path: pathlib.Path


def newest(folder: str | os.PathLike[str], flag: str, remedy: str) -> Version:
  """The version with the largest number.

  Args:
    folder: of all versions.
    flag: what the user gave, as messages show it.
    remedy: what to do where there is no version.

  Raises:
    errors.UserError: there is none.
  """
  path = pathlib.Path(folder)
  if not path.is_dir():
    raise errors.UserError(f"{flag}: no folder {path}; {remedy}.")
  if _is_saved_model(path):
    raise errors.UserError(
        f"{flag}: is itself a version of a model; give the folder that it lies in,"
        f" {path.absolute().parent}.")
  found = [Version(int(entry.name), entry) for entry in path.iterdir()
           if entry.name.isdecimal() and _is_saved_model(entry)]
  if not found:
    raise errors.UserError(
        f"{flag}: no exported model in {path} (a folder such as {path / '1'} with a"
        f" saved_model.pb); {remedy}.")
  return max(found, key=lambda version: version.number)


def _is_saved_model(path: pathlib.Path) -> bool:
  return (path / "saved_model.pb").is_file()
