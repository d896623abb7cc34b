"""What became of all rows of a job, and the dead letters of all shards in one file."""

import collections
import dataclasses
import json
from collections.abc import Mapping

from du_vae_tf import files
from du_vae_tf.embedding_jobs import output_folder


@dataclasses.dataclass(frozen=True)
class Summary:
  """Counts of a finished job.

  Attributes:
    rows: of the input.
    embedded: of these, rows in the shards.
    dead_letters: reason -> rows that are not.
    counts: of the rows embedded; of text `words`, of these `unknown` ones, and sentences `cut`.
  """

  rows: int
  embedded: int
  dead_letters: Mapping[str, int]
  counts: Mapping[str, int]

  def text(self) -> str:
    """A line or two for the user."""
    dead = sum(self.dead_letters.values())
    reasons = ", ".join(f"{count} {reason}" for reason, count in self.dead_letters.items())
    line = f"{self.rows} rows: {self.embedded} embedded, {dead} dead letters"
    line += f" ({reasons})" if dead else ""
    if self.counts.get("words"):
      unknown = self.counts["unknown"] / self.counts["words"]
      line += (f"\n{self.counts['words']} words, {unknown:.2%} unknown;"
               f" {self.counts['cut']} sentences cut as in training")
    return line


def write(folder: output_folder.OutputFolder) -> Summary:
  """Adds the records of a finished job up; writes `summary.json` and `dead_letters.jsonl`.

  Args:
    folder: of the job.
  """
  reasons: collections.Counter[str] = collections.Counter()
  counts: collections.Counter[str] = collections.Counter()
  embedded = 0
  with (files.new_file(folder.dead_letters) as unfinished,
        unfinished.open("w", encoding="utf-8") as letters):
    for record in folder.records():
      embedded += record.embedded
      counts.update(record.counts)
      for letter in record.dead_letters:
        reasons[letter.reason] += 1
        letters.write(json.dumps(letter._asdict()) + "\n")
  summary = Summary(
      embedded + reasons.total(), embedded, dict(reasons.most_common()), dict(counts))
  files.write_text_atomically(
      folder.summary, json.dumps(dataclasses.asdict(summary), indent=2) + "\n")
  return summary
