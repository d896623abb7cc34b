"""A folder that one process writes at a time."""

import contextlib
import fcntl
import os
import pathlib
import socket
from types import TracebackType
from typing import IO, Self

from du_vae_tf import errors


class FolderLock:
  """The right to write into a folder; a context manager, or `acquire` and `release`.

  Args:
    path: of the folder; it need not exist yet.
    flag: the flag that names it, for messages.
  """

  def __init__(self, path: pathlib.Path, flag: str):
    self._path = path
    self._flag = flag
    self._handle: IO[str] | None = None

  def acquire(self) -> None:
    """Makes the folder and owns it until the process ends.

    The lock is the operating system's, so that of a killed process is gone with it.

    Raises:
      errors.UserError: another process owns it, or it cannot be written.
    """
    try:
      self._path.mkdir(parents=True, exist_ok=True)
      handle = open(self._path / "lock", "a+", encoding="utf-8")
    except OSError as error:
      raise errors.UserError(
          f"--{self._flag}={self._path}: cannot be written ({error.strerror}).") from None
    try:
      fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
      if os.fstat(handle.fileno()).st_nlink == 0:
        raise BlockingIOError("the owner gave the lock up between opening and locking")
    except OSError:
      handle.seek(0)
      owner = handle.read().strip() or "another process"
      handle.close()
      raise errors.UserError(
          f"--{self._flag}={self._path}: in use by {owner}; wait for it, or give another"
          f" --{self._flag}.") from None
    handle.truncate(0)
    handle.write(f"process {os.getpid()} on {socket.gethostname()}")
    handle.flush()
    self._handle = handle

  @property
  def is_free(self) -> bool:
    """Whether no process owns the folder."""
    try:
      with open(self._path / "lock", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
      return True
    except BlockingIOError:
      return False
    return True

  def release(self) -> None:
    """Gives the folder up."""
    if self._handle is not None:
      # Where it cannot be deleted it stays, as that of a killed process does, and is nobody's.
      with contextlib.suppress(OSError):
        (self._path / "lock").unlink()
      self._handle.close()
      self._handle = None

  def __enter__(self) -> Self:
    self.acquire()
    return self

  def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
               traceback: TracebackType | None) -> None:
    self.release()
