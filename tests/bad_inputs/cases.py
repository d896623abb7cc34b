"""What a row of the table of bad inputs is."""

import atexit
import dataclasses
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from typing import TypeAlias

Act: TypeAlias = Callable[[pathlib.Path], object]
Writer: TypeAlias = Callable[[pathlib.Path], object]


@dataclasses.dataclass(frozen=True)
class Case:
  """An input that is to be refused in one line.

  Attributes:
    name: of the row.
    message: a pattern of the line.
    act: what the input is given to; takes the folder.
    files: what is put into the folder first: path in it -> content, or what writes it.
  """

  name: str
  message: str
  act: Act
  files: Mapping[str, bytes | Writer] = dataclasses.field(default_factory=dict)

  def prepare(self, folder: pathlib.Path) -> None:
    """Writes the files into a folder."""
    for name, content in self.files.items():
      path = folder / name
      path.parent.mkdir(parents=True, exist_ok=True)
      if isinstance(content, bytes):
        path.write_bytes(content)
      else:
        content(path)


def sparse(size: int, head: bytes = b"") -> Writer:
  """Writes a file of so many bytes that takes no room on the disk."""

  def write(path: pathlib.Path) -> None:
    path.write_bytes(head)
    os.truncate(path, size)

  return write


def kept_folder() -> pathlib.Path:
  """A folder for what several cases share; gone when the process ends."""
  made = pathlib.Path(tempfile.mkdtemp())
  atexit.register(shutil.rmtree, made, ignore_errors=True)
  return made


def folder(path: pathlib.Path) -> None:
  """Makes a folder where a file should be."""
  path.mkdir()
