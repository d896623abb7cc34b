"""File systems that this process and its children alone see. Linux only."""

import contextlib
import ctypes
import os
import pathlib
import subprocess
from collections.abc import Iterator

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000


def enter() -> str | None:
  """Gives this process mounts of its own; without root in a user namespace, as its root.

  To be called before anything starts threads, which Linux asks for.

  Returns:
    Why it could not, None if it could.
  """
  user, group = os.getuid(), os.getgid()
  library = ctypes.CDLL(None, use_errno=True)
  if library.unshare(_NEW_MOUNTS | (_NEW_USER if user else 0)):
    return f"no mounts of its own ({os.strerror(ctypes.get_errno())})"
  try:
    if user:
      for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"),
                         ("gid_map", f"0 {group} 1")):
        pathlib.Path("/proc/self", name).write_text(text, encoding="ascii")
    _call("mount", "--make-rprivate", "/")
  except OSError as error:
    return f"no mounts of its own ({error})"
  return None


@contextlib.contextmanager
def small_disk(path: pathlib.Path, kibibytes: int) -> Iterator[None]:
  """A disk of that size in the block, which is gone after it.

  Raises:
    OSError: there may be none.
  """
  path.mkdir()
  _call("mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "none", str(path))
  try:
    yield
  finally:
    _call("umount", "--lazy", str(path))


def grow(path: pathlib.Path, kibibytes: int) -> None:
  """Gives a small disk another size.

  Raises:
    OSError: it may not be.
  """
  _call("mount", "-o", f"remount,size={kibibytes}k", str(path))


@contextlib.contextmanager
def read_only(path: pathlib.Path) -> Iterator[None]:
  """Nothing that is opened in the folder from now on may be written, not even by root.

  Raises:
    OSError: it cannot be done.
  """
  _call("mount", "--bind", str(path), str(path))
  try:
    _call("mount", "-o", "remount,bind,ro", str(path))
    yield
  finally:
    _call("umount", "--lazy", str(path))


def _call(*command: str) -> None:
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  if done.returncode:
    raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
