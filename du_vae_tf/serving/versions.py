"""The numbered folders of an exported model; a server takes the largest number."""

import contextlib
import pathlib
from collections.abc import Iterator

from du_vae_tf import errors
from du_vae_tf import files

# Servers read the numbers as int64.
_LARGEST = 2**63 - 1


def choose(folder: pathlib.Path, number: int | None) -> pathlib.Path:
  """The folder of a new version, which is not there yet.

  Args:
    folder: of all versions; may be missing.
    number: of the version; None: one more than the largest so far.

  Raises:
    errors.UserError: the number is out of range or taken, or the folder cannot be written.
  """
  taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
  if number is None:
    number = max(taken, default=0) + 1
  if not 1 <= number <= _LARGEST:
    raise errors.UserError(f"--version={number}: must be a whole number from 1 to {_LARGEST}.")
  if number in taken:
    raise errors.UserError(
        f"--version={number}: {folder / str(number)} is there already; give another number, or none"
        " for the next free one.")
  files.check_writable(folder, "output_dir")
  return folder / str(number)


@contextlib.contextmanager
def written(path: pathlib.Path, *, replace: bool) -> Iterator[pathlib.Path]:
  """A folder to be filled in the block; then it becomes the version.

  Until then its name is no number, so that a server does not take it for a version.

  Args:
    path: of the version.
    replace: whether a version that is there already makes way.

  Raises:
    errors.UserError: another process has written the version in the meantime.
  """
  with files.unfinished_folder(path) as unfinished:
    yield unfinished
    with files.unfinished_folder(path) as outdated:
      if replace and path.exists():
        path.rename(outdated / path.name)
      try:
        unfinished.rename(path)
      except OSError:
        if not path.exists():
          raise
        raise errors.UserError(
            f"--version={path.name}: another process has written {path} in the meantime; give"
            " another number.") from None
