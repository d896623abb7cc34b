"""Flagfiles: what they say, put in their place on the command line.

A file is read here, and not by absl, so that one that is huge, endless or includes itself is a
mistake that is named.
"""

import os
import pathlib
from collections.abc import Iterable, Iterator

from du_vae_tf import errors

_LARGEST_BYTES = 2**20
_MOST_FILES = 100
_NAMES = ("--flagfile", "-flagfile")


def expand(arguments: Iterable[str], folder: pathlib.Path) -> list[str]:
  """Arguments with the lines of flagfiles in place of `--flagfile=FILE` or `--flagfile FILE`.

  In a flagfile, a flag stands on a line of its own; blank lines and those that begin with # or //
  are left out.

  Args:
    arguments: without the program's name.
    folder: of the project's own flagfiles, which need not be named with it.

  Raises:
    errors.UserError: a flagfile is missing, is no text, is too large or includes itself.
  """
  return _Expansion(folder).expand(arguments, ())


class _Expansion:
  """One command line.

  Args:
    folder: see `expand`.
  """

  def __init__(self, folder: pathlib.Path):
    self._folder = folder
    self._count = 0

  def expand(self, arguments: Iterable[str], within: tuple[pathlib.Path, ...]) -> list[str]:
    """See the function; `within` are the files that the arguments are of, the outermost first."""
    made: list[str] = []
    rest = iter(arguments)
    for argument in rest:
      name, is_given, value = argument.partition("=")
      if argument == "--":
        return [*made, argument, *rest]
      if name not in _NAMES:
        made.append(argument)
      elif not is_given and (following := next(rest, None)) is None:
        raise errors.UserError("--flagfile: names no file; write --flagfile=FILE.")
      else:
        made += self._content(value if is_given else following or "", within)
    return made

  def _content(self, name: str, within: tuple[pathlib.Path, ...]) -> list[str]:
    path = self._locate(name)
    if path in within:
      raise errors.UserError(
          f"--flagfile={name}: includes itself; take the line with it out of {within[-1]}.")
    self._count += 1
    if self._count > _MOST_FILES:
      raise errors.UserError(
          f"--flagfile={name}: with it there are more than {_MOST_FILES} flagfiles; put flags that"
          " belong together into one.")
    return self.expand(_lines(name, path), (*within, path))

  def _locate(self, name: str) -> pathlib.Path:
    for path in (os.path.expanduser(name), self._folder / name):
      # Neither a folder nor a pipe or a device, which may have no end.
      if name and os.path.isfile(path):
        return pathlib.Path(path).resolve()
    own = ", ".join(sorted(path.name for path in self._folder.glob("*.flags")))
    raise errors.UserError(
        f"--flagfile={name}: no such file, nor one of the project's own ({own}, and those of the"
        f" paper's tables in the folders of {self._folder}).")


def _lines(name: str, path: pathlib.Path) -> Iterator[str]:
  """The flags in a file."""
  try:
    with path.open("rb") as file:
      content = file.read(_LARGEST_BYTES + 1)
  except OSError as error:
    raise errors.UserError(f"--flagfile={name}: cannot be read ({error.strerror}).") from None
  if len(content) > _LARGEST_BYTES:
    raise errors.UserError(f"--flagfile={name}: is larger than 1 MiB; expected a flag a line.")
  for number, row in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
    place = f"--flagfile={name}, line {number}"
    try:
      line = row.decode("utf-8").strip()
    except UnicodeDecodeError as error:
      raise errors.UserError(
          f"{place}: byte 0x{row[error.start]:02x} is not UTF-8; save the file as UTF-8.") from None
    if "\0" in line:
      raise errors.UserError(f"{place}: has a NUL character; expected a flag a line.")
    if line and not line.startswith(("#", "//")):
      yield from line.split(None, 1) if line.split(None, 1)[0] in _NAMES else [line]
