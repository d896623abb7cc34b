"""Raw files as users name them: there, readable and with content, or one line that says why not."""

import pathlib
from typing import Any

from du_vae_tf import errors

# Of a file that is read as a whole.
LARGEST_BYTES = 4 * 2**30
# Of what an array in a packed file unpacks to: a small file may hold a great deal of zeros.
LARGEST_ARRAY = 2 * 2**30
# Text is read line by line, so that the memory holds a file of any size, but no longer line.
LONGEST_LINE = 2**26
_CHUNK = 2**20


def check(path: pathlib.Path, expected: str, flag: str | None = None) -> None:
  """Raises `errors.UserError` unless the path is a file with content.

  Args:
    path: the file.
    expected: what it should hold, for the message.
    flag: the flag that names the file, for the message.
  """
  name = f"--{flag}={path}" if flag else str(path)
  try:
    if not path.exists():
      raise errors.UserError(f"{name}: no such file; expected {expected}.")
    if not path.is_file():
      raise errors.UserError(f"{name}: is not a file; expected {expected}.")
    if not path.stat().st_size:
      raise errors.UserError(f"{name}: is empty; expected {expected}.")
  except (OSError, ValueError) as error:
    if isinstance(error, errors.UserError):
      raise
    raise errors.UserError(f"{name}: cannot be read ({error}).") from error


def expanded(path: str, flag: str) -> pathlib.Path:
  """A path as a user gives it, with `~` or `~user` at its beginning.

  Raises:
    errors.UserError: there is no such user.
  """
  try:
    return pathlib.Path(path).expanduser()
  except RuntimeError as error:
    raise errors.UserError(f"--{flag}={path}: no such folder ({error}).") from None


def size(path: pathlib.Path, expected: str) -> int:
  """`check`, and the number of bytes."""
  check(path, expected)
  return path.stat().st_size


def check_size(path: pathlib.Path, expected: str) -> None:
  """`check`, and that the file is small enough to be read into memory."""
  if size(path, expected) > LARGEST_BYTES:
    raise errors.UserError(
        f"{path}: is larger than {LARGEST_BYTES // 2**30} GiB; expected {expected}.")


def too_large(path: pathlib.Path, name: str, size: int) -> str:
  """The message about an array of too many bytes in a file."""
  return (f"{path}: has an array `{name}` of {size} bytes; expected at most"
          f" {LARGEST_ARRAY // 2**30} GiB.")


def read_bytes(path: pathlib.Path, expected: str) -> bytes:
  """The content of a file; `errors.UserError` if it cannot be read, is empty or too large."""
  check_size(path, expected)
  try:
    return path.read_bytes()
  except OSError as error:
    raise errors.UserError(f"{path}: cannot be read ({error.strerror}).") from error


def update_digest(digest: Any, path: pathlib.Path, expected: str, is_text: bool) -> None:
  """Adds the content of a file to a digest of `hashlib`, piece by piece.

  Args:
    digest: that is updated.
    path: the file.
    expected: what it should hold, for messages.
    is_text: whether its lines must fit into the memory, and not the whole file.

  Raises:
    errors.UserError: it cannot be read, is empty, or it or a line of it is too large.
  """
  (check if is_text else check_size)(path, expected)
  in_line = 0  # Bytes since the last line break.
  try:
    with path.open("rb") as file:
      while chunk := file.read(_CHUNK):
        digest.update(chunk)
        behind_break = len(chunk) - 1 - chunk.rfind(b"\n")
        in_line = in_line + len(chunk) if behind_break == len(chunk) else behind_break
        if is_text and in_line > LONGEST_LINE:
          raise errors.UserError(long_line(path, expected))
  except OSError as error:
    raise errors.UserError(f"{path}: cannot be read ({error.strerror}).") from error


def long_line(path: pathlib.Path, expected: str) -> str:
  """The message about a file with a line that is too long."""
  return (f"{path}: has a line of more than {LONGEST_LINE // 2**20} MiB; expected"
          f" {expected}.")
