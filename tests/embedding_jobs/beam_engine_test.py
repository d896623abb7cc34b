"""Embedding by Apache Beam gives the files that embedding without it gives."""

import gzip
import json
import pathlib
import tempfile

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.embedding_jobs import beam_engine
from du_vae_tf.embedding_jobs import running
from du_vae_tf.training import signals
from tests.embedding_jobs import small_jobs

THREADS = ["direct_num_workers=2", "direct_running_mode=multi_threading"]


class BeamEngineTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.run_dir = small_jobs.train(cls.folder)
    cls.corpus = cls.folder / "corpus.txt"
    small_jobs.write_corpus(cls.corpus)
    small_jobs.complete(small_jobs.make(cls.run_dir, cls.corpus, cls.folder / "expected"))
    cls.expected = small_jobs.content(cls.folder / "expected")

  def setUp(self):
    super().setUp()
    self.output = pathlib.Path(self.create_tempdir().full_path) / "out"

  def job(self, path: pathlib.Path):
    return small_jobs.make(self.run_dir, path, self.output)

  @parameterized.parameters(([],), (THREADS,))
  def test_same_files_as_in_this_process(self, options):
    small_jobs.complete(self.job(self.corpus), beam_engine.BeamEngine("DirectRunner", options))
    self.assertEqual(small_jobs.content(self.output), self.expected)

  def test_packed_file_is_unpacked_for_the_time_of_the_job(self):
    packed = self.folder / "corpus.gz"
    packed.write_bytes(gzip.compress(self.corpus.read_bytes()))
    small_jobs.complete(self.job(packed), beam_engine.BeamEngine("directrunner", []))
    self.assertEqual(small_jobs.content(self.output), self.expected)

  def test_goes_on_with_what_another_engine_left(self):
    def half(work, *others):
      for shard in work.shards[::2]:
        running.in_this_process(running.Work(work.job, work.row_format, [shard], work.folder),
                                *others)
      raise errors.PreemptedError("stopped")

    with self.assertRaises(errors.PreemptedError):
      small_jobs.complete(self.job(self.corpus), half)
    records = self.output / "records"
    written = {path: path.stat().st_mtime_ns for path in records.iterdir()}
    self.assertLen(written, 3)
    small_jobs.complete(self.job(self.corpus), beam_engine.BeamEngine("DirectRunner", []))
    self.assertEqual(small_jobs.content(self.output), self.expected)
    for path, time in written.items():
      self.assertEqual(path.stat().st_mtime_ns, time)

  def test_stops_when_asked_and_leaves_whole_shards(self):
    stop = signals.StopRequest()
    stop.requested = True
    engine = beam_engine.BeamEngine("DirectRunner", [])

    def stopping(work, worker, on_rows, _):
      engine(work, worker, on_rows, stop)

    with self.assertRaises(errors.PreemptedError):
      running.run(self.job(self.corpus), stopping, signals.StopRequest())
    self.assertFalse((self.output / "summary.json").exists())
    small_jobs.complete(self.job(self.corpus))
    self.assertEqual(small_jobs.content(self.output), self.expected)

  def test_failure_of_a_shard_is_raised(self):
    engine = beam_engine.BeamEngine("DirectRunner", [])

    def without_input(work, *others):
      path = self.folder / "gone.txt"
      job = small_jobs.make(self.run_dir, path, self.output)
      path.write_text("w1\n")
      gone = running.Work(job, work.row_format, work.shards, work.folder)
      engine(gone, *others)

    with self.assertRaisesRegex(errors.UserError, "has become shorter"):
      small_jobs.complete(self.job(self.corpus), without_input)
    self.assertEqual(
        json.loads((self.output / "job.json").read_text())["shards"], 6)

  @parameterized.parameters(
      ("NoRunner", [], "--runner=NoRunner: Unexpected pipeline runner.*FlinkRunner"),
      ("no.such.Runner", [], "--runner=no.such.Runner: "),
      ("DirectRunner", ["direct_num_workers=x"],
       "--beam_option: argument --direct_num_workers: invalid int value: 'x'"))
  def test_mistake_is_named(self, runner, options, message):
    with self.assertRaisesRegex(errors.UserError, message) as caught:
      beam_engine.BeamEngine(runner, options)
    self.assertNotIn("\n", str(caught.exception))


if __name__ == "__main__":
  absltest.main()
