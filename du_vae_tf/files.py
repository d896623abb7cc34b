"""Files and folders that appear complete or not at all."""

import contextlib
import errno
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Iterator

from du_vae_tf import errors

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{32}")


def check_writable(folder: pathlib.Path, flag: str) -> None:
  """Refuses before long work a folder that its results could not be written to.

  Args:
    folder: may be missing; then it is the first folder above it that counts.
    flag: that named it, without dashes.

  Raises:
    errors.UserError: it leads through a file, or may not be written to.
  """
  try:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
      raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(nearest, os.W_OK | os.X_OK):
      raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
  except OSError as error:
    raise errors.UserError(
        f"--{flag}={folder}: cannot be written ({error.strerror}); give another folder.") from None


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
  """A file to be written in the block, which gets its name at the end of it.

  Makes the folder if it is missing. If the block raises, what was there before stays as it was.
  """
  target = pathlib.Path(path)
  target.parent.mkdir(parents=True, exist_ok=True)
  unfinished = _beside(target)
  try:
    yield unfinished
    os.replace(unfinished, target)
  except OSError as error:
    # As of a write to a full disk. One without a number would lose its message by that.
    if error.errno is not None and error.filename is None:
      error.filename = str(target)
    raise
  finally:
    unfinished.unlink(missing_ok=True)


def write_bytes_atomically(path: str | os.PathLike[str], content: bytes) -> None:
  """Writes a file under another name and renames it; makes the folder if it is missing."""
  with new_file(path) as unfinished:
    unfinished.write_bytes(content)


def write_text_atomically(path: str | os.PathLike[str], text: str) -> None:
  """`write_bytes_atomically` of UTF-8."""
  write_bytes_atomically(path, text.encode())


@contextlib.contextmanager
def unfinished_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """A folder beside `path` whose name begins with a dot; gone after the block, unless renamed."""
  unfinished = _beside(path)
  unfinished.mkdir(parents=True)
  try:
    yield unfinished
  finally:
    shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def new_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
  """A folder to be filled in the block, which gets its name at the end of it.

  If another process has made a folder of that name in the meantime, that one stays. If the block
  raises, nothing stays.
  """
  with unfinished_folder(path) as unfinished:
    yield unfinished
    try:
      unfinished.rename(path)
    except OSError:
      if not path.is_dir():
        raise


def remove_unfinished(folder: pathlib.Path) -> None:
  """Deletes the files that a killed process was writing into a folder."""
  for path in folder.iterdir():
    if _UNFINISHED.fullmatch(path.name) and path.is_file():
      path.unlink()


def _beside(path: pathlib.Path) -> pathlib.Path:
  return path.with_name(f".{path.name}.{uuid.uuid4().hex}")
