"""The lines of a text file of any size, plain or gzip: counted once, then read from anywhere."""

import dataclasses
import gzip
import hashlib
import pathlib
import shutil
import zlib
from collections.abc import Callable, Iterator
from typing import IO, cast

import numpy as np

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf.data import raw_files

_CHUNK = 2**20
_LINE_BREAK = ord("\n")
_GZIP = b"\x1f\x8b"


@dataclasses.dataclass(frozen=True)
class Index:
  """Where the lines of a text are.

  Attributes:
    digest: hex digits that name the content, unpacked.
    num_lines: a line break at the end begins no line.
    offsets: the byte, of the unpacked content, at which each part of so many lines begins.
  """

  digest: str
  num_lines: int
  offsets: list[int]


def is_packed(path: pathlib.Path) -> bool:
  """Whether a file is gzip, whatever its name."""
  with path.open("rb") as file:
    return file.read(len(_GZIP)) == _GZIP


def open_text(path: pathlib.Path) -> IO[bytes]:
  """The unpacked content. To go back in it is slow where it is packed."""
  return cast(IO[bytes], gzip.open(path, "rb")) if is_packed(path) else path.open("rb")


def unpack(path: pathlib.Path, target: pathlib.Path) -> None:
  """Writes the content of a packed file."""
  with files.new_file(target) as unfinished, open_text(path) as text:
    with unfinished.open("wb") as file:
      shutil.copyfileobj(text, file, _CHUNK)


def index(path: pathlib.Path, lines_per_part: int,
          check: Callable[[], None] = lambda: None) -> Index:
  """Counts the lines and names the content, in one pass.

  Args:
    path: of the file.
    lines_per_part: whose beginnings are remembered.
    check: called now and then; raises to interrupt.

  Raises:
    errors.UserError: the file cannot be read to its end, or is empty.
  """
  digest = hashlib.sha256()
  num_lines = position = 0
  offsets = [0]
  ends_in_line = False
  try:
    with open_text(path) as text:
      while chunk := text.read(_CHUNK):
        check()
        digest.update(chunk)
        breaks = np.flatnonzero(np.frombuffer(chunk, np.uint8) == _LINE_BREAK)
        first = lines_per_part - 1 - num_lines % lines_per_part  # the break that ends a part
        offsets += (position + 1 + breaks[first::lines_per_part]).tolist()
        num_lines += len(breaks)
        position += len(chunk)
        ends_in_line = chunk[-1] != _LINE_BREAK
  except (OSError, EOFError, zlib.error) as error:
    raise errors.UserError(
        f"--input={path}: cannot be read to its end ({error}); expected a whole text file, plain or"
        " gzip.") from error
  num_lines += ends_in_line
  if not num_lines:
    raise errors.UserError(f"--input={path}: is empty; expected a row a line.")
  return Index(digest.hexdigest(), num_lines, offsets[:-(-num_lines // lines_per_part)])


def read(text: IO[bytes], offset: int, count: int) -> Iterator[bytes | None]:
  """Some lines, without their line breaks; None for one that is too long.

  Args:
    text: from `open_text`.
    offset: of the byte at which the first line begins.
    count: lines that are there.

  Raises:
    errors.UserError: they are not there any more.
  """
  text.seek(offset)
  for _ in range(count):
    line = text.readline(raw_files.LONGEST_LINE + 1)
    if not line:
      raise errors.UserError("--input: has become shorter while it was read; start again.")
    if len(line) > raw_files.LONGEST_LINE and line[-1] != _LINE_BREAK:
      while (piece := text.readline(_CHUNK)) and piece[-1] != _LINE_BREAK:
        pass
      yield None
    else:
      yield line.removesuffix(b"\n")
