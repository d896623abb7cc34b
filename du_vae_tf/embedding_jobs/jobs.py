"""What a user asks for: which rows, embedded by which run, into which files."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

# Names of formats, which are the suffixes of the files too.
FORMATS: tuple[str, ...] = ("parquet", "npy", "tfrecord")
# What an example may be given by; `serving/encoding.py` says what they are.
FIELDS: tuple[str, ...] = ("representation", "mean", "variance")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
  """One embedding of one file; plain values, so that it can be sent to workers.

  Attributes:
    run_dir: folder of the run.
    precision: of the products: float32 or bfloat16.
    input: the file.
    output: the folder.
    format: of the shards.
    fields: columns of numbers.
    rows_per_shard: rows of the input that become one file.
    batch_size: rows that are embedded together.
  """

  run_dir: pathlib.Path
  precision: str
  input: pathlib.Path
  output: pathlib.Path
  format: str
  fields: tuple[str, ...]
  rows_per_shard: int
  batch_size: int

  def identity(self, content: str, model: str) -> dict[str, Any]:
    """What decides on the content of the shards, ready for JSON.

    Args:
      content: digest of the input.
      model: digest of the weights and of what makes numbers of an example.
    """
    return {"content": content, "model": model, "precision": self.precision,
            "format": self.format, "fields": ",".join(self.fields),
            "rows_per_shard": self.rows_per_shard, "batch_size": self.batch_size}


def differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
  """What tells two identities of jobs apart, for a message."""
  words = {"content": "the content of --input differs", "model": "--run_dir is another run"}
  return [words.get(name, f"--{name} was {was.get(name)} and is {now[name]}")
          for name in now if was.get(name) != now[name]]
