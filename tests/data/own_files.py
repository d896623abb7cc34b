"""Makes small data sets of own files for tests."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from du_vae_tf import config as config_lib


def write(folder: str, lines: Mapping[str, Sequence[str] | bytes]) -> dict[str, pathlib.Path]:
  """Writes `<split>.txt` for each split; bytes are written as they are."""
  files = {}
  for split, content in lines.items():
    path = pathlib.Path(folder) / f"{split}.txt"
    path.write_bytes(
        content if isinstance(content, bytes)
        else "".join(line + "\n" for line in content).encode())
    files[split] = path
  return files


def config(
    folder: str, lines: Mapping[str, Sequence[str] | bytes], **values: Any
) -> config_lib.RunConfig:
  """Writes the files and returns a configuration that names them, with its cache beside them."""
  files = write(folder, lines)
  return config_lib.resolve({
      "dataset": "text", "method": "vae", "data_dir": str(pathlib.Path(folder) / "cache"),
      **{f"{split}_file": str(path) for split, path in files.items()}, **values}, {})
