"""Files that appear complete or not at all."""

import os
import pathlib
import uuid


def write_bytes_atomically(path: str | os.PathLike[str], content: bytes) -> None:
  """Writes a file under another name and renames it; makes the folder if it is missing."""
  target = pathlib.Path(path)
  target.parent.mkdir(parents=True, exist_ok=True)
  unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
  try:
    unfinished.write_bytes(content)
    os.replace(unfinished, target)
  finally:
    unfinished.unlink(missing_ok=True)


def write_text_atomically(path: str | os.PathLike[str], text: str) -> None:
  """`write_bytes_atomically` of UTF-8."""
  write_bytes_atomically(path, text.encode())
