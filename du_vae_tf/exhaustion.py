"""What memory, the disk or a path of the user's cannot give, told in one line."""

import contextlib
import errno
import os
import pathlib
import re
from collections.abc import Iterator

from du_vae_tf import errors

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
# By 1 oneDNN means that it did not get the memory.
_NO_PRIMITIVE = "Status: 1, message: could not"
# In the line of a message of TensorFlow's that says why; others, which say where, stand around it.
_REASONS = ("OOM when", "No space left", _NO_PRIMITIVE)
# In the same line: names of TensorFlow's own.
_NAMES = re.compile(r"\{\{.*?\}\}\s*|\s*\[Op:.*")
_KEPT = "what was saved stays, and the same command goes on from there"


@contextlib.contextmanager
def told(remedy: str) -> Iterator[None]:
  """Turns what the operating system and TensorFlow raise into one line.

  Args:
    remedy: what needs less memory, such as `give a smaller --batch_size than 32`.

  Raises:
    errors.ExhaustedError: memory or the disk ran out, or a file may not be read or written.
    errors.UserError: a path leads through a file, or is a folder where a file is to be written.
  """
  try:
    yield
  except MemoryError as error:
    raise errors.ExhaustedError(_memory(str(error), remedy)) from error
  except OSError as error:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in _FULL:
      raise errors.ExhaustedError(f"{where}the disk is full; make room: {_KEPT}.") from error
    if error.errno in _FORBIDDEN:
      raise errors.ExhaustedError(
          f"{where}may not be used ({error.strerror}); allow it: {_KEPT}.") from error
    if taken := _taken(error):
      raise errors.UserError(taken) from error
    raise
  except Exception as error:
    # TensorFlow need not be loaded here.
    kind = type(error).__name__
    if kind == "ResourceExhaustedError" or kind == "AbortedError" and _NO_PRIMITIVE in str(error):
      line = _reason(str(error))
      if "No space left" in line:
        raise errors.ExhaustedError(f"the disk is full ({line}); make room: {_KEPT}.") from error
      raise errors.ExhaustedError(_memory(line, remedy)) from error
    if kind == "PermissionDeniedError":
      raise errors.ExhaustedError(
          f"a file may not be used ({_reason(str(error))}); allow it: {_KEPT}.") from error
    raise


def _reason(text: str) -> str:
  """The line of a message of TensorFlow's that says what ran out; the first one in doubt."""
  lines = text.strip().splitlines()
  line = next((line for line in lines if any(reason in line for reason in _REASONS)), lines[0])
  return _NAMES.sub("", line).strip()


def _memory(what: str, remedy: str) -> str:
  return f"memory ran out{f' ({what})' if what else ''}; {remedy}: {_KEPT}."


def _taken(error: OSError) -> str | None:
  """What stands in the place of a file or a folder; None if that was not the error."""
  # Of a renaming, the second is the place.
  place = error.filename2 or error.filename
  if not isinstance(place, str | os.PathLike):
    return None
  path = pathlib.Path(place)
  if error.errno == errno.EISDIR:
    return f"{path}: is a folder; give the path of a file."
  if error.errno in (errno.ENOTDIR, errno.EEXIST):
    for step in (path, *path.parents):
      if os.path.lexists(step) and not step.is_dir():
        through = "" if step == path else f"{step} "
        return f"{path}: {through}is not a folder; give another path."
  return None
