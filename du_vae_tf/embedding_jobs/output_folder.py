"""The folder of an embedding job: shards, what became of their rows, and what the job is."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import json_files
from du_vae_tf.embedding_jobs import inputs
from du_vae_tf.embedding_jobs import jobs


# It names every row of a shard that could not be embedded.
_LARGEST_RECORD = 2**30


@dataclasses.dataclass(frozen=True)
class Record:
  """What became of the rows of a shard.

  Attributes:
    embedded: rows in its file.
    dead_letters: the others.
    counts: see `inputs.ShardRows`.
  """

  embedded: int
  dead_letters: Sequence[inputs.DeadLetter]
  counts: Mapping[str, int]


class OutputFolder:
  """Paths in the folder, and which shards are finished.

  A shard is finished when its record is there, which is written last. Everything appears complete
  or not at all, so several processes may write shards, even the same ones.

  Args:
    path: of the folder.
    suffix: of the shards.
    num_shards: of the whole job.
  """

  def __init__(self, path: pathlib.Path, suffix: str, num_shards: int):
    self.path = path
    self.job = path / "job.json"
    self.summary = path / "summary.json"
    self.dead_letters = path / "dead_letters.jsonl"
    self.unpacked = path / "unpacked"
    self._suffix = suffix
    self._num_shards = num_shards

  def shard(self, number: int) -> pathlib.Path:
    """The file of a shard."""
    return self.path / f"embeddings-{number:05d}-of-{self._num_shards:05d}.{self._suffix}"

  def _record(self, number: int) -> pathlib.Path:
    return self.path / "records" / f"{number:05d}-of-{self._num_shards:05d}.json"

  def claim(self, identity: Mapping[str, Any], remarks: Mapping[str, Any]) -> None:
    """Makes the folder that of a job, or checks that it is, and clears what killed processes left.

    Args:
      identity: of the job.
      remarks: written beside it, for readers.

    Raises:
      errors.UserError: the folder is of another job, or holds something that is none.
    """
    if self.job.is_file():
      try:
        was = json_files.read_object(self.job)["identity"]
        found = jobs.differences(was, identity)
      except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise errors.UserError(f"{self.job}: does not describe a job ({error}).") from None
      if found:
        raise errors.UserError(
            f"--output={self.path}: holds another job ({'; '.join(found)}); give another --output.")
    elif any(entry.name != "lock" for entry in self.path.iterdir()):
      raise errors.UserError(
          f"--output={self.path}: the folder is not empty and holds no job; give another one.")
    (self.path / "records").mkdir(exist_ok=True)
    for folder in (self.path, self.path / "records"):
      files.remove_unfinished(folder)
    files.write_text_atomically(self.job, json.dumps(
        {"identity": dict(identity), **remarks}, indent=2) + "\n")

  def finished(self) -> set[int]:
    """The numbers of the shards that are complete."""
    records, shards = ({entry.name for entry in folder.iterdir()}
                       for folder in (self.path / "records", self.path))
    return {number for number in range(self._num_shards)
            if self._record(number).name in records and self.shard(number).name in shards}

  def write_record(self, number: int, record: Record) -> None:
    """Says that a shard, whose file is there, is finished."""
    files.write_text_atomically(
        self._record(number), json.dumps(dataclasses.asdict(record)) + "\n")

  def records(self) -> Iterator[Record]:
    """Those of all shards in order; the job must be finished."""
    for number in range(self._num_shards):
      path = self._record(number)
      try:
        values = json_files.read_object(path, _LARGEST_RECORD)
        letters = [inputs.DeadLetter(*letter) for letter in values.pop("dead_letters")]
        yield Record(**values, dead_letters=letters)
      except (OSError, ValueError, TypeError, KeyError) as error:
        raise errors.UserError(
            f"{path}: does not say what became of a shard ({error}); delete it, and the shard is"
            " made anew.") from None
