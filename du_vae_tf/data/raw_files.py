"""Raw files as users name them: there, readable and with content, or one line that says why not."""

import pathlib

from du_vae_tf import errors


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


def read_bytes(path: pathlib.Path, expected: str) -> bytes:
  """The content of a file; `errors.UserError` if it cannot be read or holds nothing."""
  check(path, expected)
  try:
    return path.read_bytes()
  except OSError as error:
    raise errors.UserError(f"{path}: cannot be read ({error.strerror}).") from error
