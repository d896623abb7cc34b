"""The command that embeds a file, as a user types it."""

import contextlib
import pathlib
import tempfile
import time

import numpy as np
import pyarrow.parquet
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import embed
from du_vae_tf import errors
from tests import binaries
from tests.embedding_jobs import small_jobs


class EmbedTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    small_jobs.train(cls.folder)
    small_jobs.write_corpus(cls.folder / "corpus.txt", rows=3000)
    np.save(cls.folder / "images.npy", np.zeros([2, 8, 8]))
    (cls.folder / "empty.txt").touch()

  def run_command(self, *flags: str) -> str:
    done = binaries.run("embed", "--run_dir=run", *flags, cwd=str(self.folder))
    self.assertEqual(done.returncode, 0, done.stderr)
    return done.stdout

  def test_killed_command_goes_on_without_a_row_lost_or_doubled(self):
    flags = ["--input=corpus.txt", "--rows_per_shard=100", "--batch_size=2"]
    process = binaries.start("embed", "--run_dir=run", "--output=killed", *flags,
                             cwd=str(self.folder))
    records = self.folder / "killed" / "records"
    while not records.is_dir() or len(list(records.iterdir())) < 2:
      self.assertIsNone(process.poll())
      time.sleep(0.01)
    process.kill()
    process.communicate()
    self.assertFalse((self.folder / "killed" / "summary.json").exists())
    said = self.run_command("--output=killed", *flags)
    self.assertRegex(said, r"in 30 shards, \d+ of them finished before")
    self.assertIn("3000 rows: 2994 embedded, 6 dead letters", said)
    self.run_command("--output=whole", *flags)
    self.assertEqual(small_jobs.content(self.folder / "killed"),
                     small_jobs.content(self.folder / "whole"))
    rows = pyarrow.parquet.read_table(sorted(
        (self.folder / "killed").glob("embeddings-*.parquet")))["row"].to_pylist()
    self.assertEqual(rows, [row for row in range(3000) if row not in small_jobs.BAD_LINES])

  def test_by_beam(self):
    flags = ["--input=corpus.txt", "--rows_per_shard=1000", "--format=tfrecord", "--fields=mean"]
    self.run_command("--output=beam", "--runner=DirectRunner", *flags)
    self.run_command("--output=plain", *flags)
    self.assertEqual(small_jobs.content(self.folder / "beam"),
                     small_jobs.content(self.folder / "plain"))

  @parameterized.parameters(
      ({"run_dir": None}, "--run_dir: must be given"),
      ({"input": None}, "--input: must be given"),
      ({"output": None}, "--output: must be given"),
      ({"run_dir": "none"}, "--run_dir=none: no run here"),
      ({"input": "none.txt"}, "--input=none.txt: no such file; expected a text file"),
      ({"input": "empty.txt"}, "--input=empty.txt: is empty"),
      ({"input": "images.npy"}, "--input=images.npy: is a file of images"),
      ({"rows_per_shard": 0}, "--rows_per_shard=0: must be at least 1"),
      ({"batch_size": -1}, "--batch_size=-1: must be at least 1"),
      ({"fields": "mean,means"}, "--fields=mean,means: must be different ones of representation"),
      ({"fields": "mean,mean"}, "--fields=mean,mean: must be different"),
      ({"format": "csv"}, "--format=csv"),
      ({"beam_option": "a=b"}, "--beam_option: has an effect with --runner only"),
      ({"runner": "DirectRunner", "beam_option": "a"}, "--beam_option=a: must be NAME=VALUE"))
  def test_mistake_is_named(self, changes, message):
    given = {"run_dir": "run", "input": "corpus.txt", "output": "out", **changes}
    flags = command_line.arguments(
        {name: value for name, value in given.items() if value is not None})
    with (contextlib.chdir(self.folder),
          self.assertRaisesRegex(errors.UserError, message) as caught):
      embed.main(command_line.explicit_values(embed.SPECS, flags))
    self.assertNotIn("\n", str(caught.exception))
    self.assertFalse((self.folder / "out").exists())


if __name__ == "__main__":
  absltest.main()
