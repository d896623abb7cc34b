"""Jobs in this process: what they give for each row, and how they go on after an interruption."""

import gzip
import json
import pathlib
import tempfile

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.analysis import representations
from du_vae_tf.embedding_jobs import running
from du_vae_tf.training import runs
from du_vae_tf.training import signals
from tests.data import own_images
from tests.embedding_jobs import small_jobs
from tests.training import running as running_lib
from tests.training import tiny_images

# Sums of a batch may be taken in another order than those of another batch.
TOLERANCE = 1e-6


class JobTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.shared = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.run_dir = small_jobs.train(cls.shared)
    cls.corpus = cls.shared / "corpus.txt"
    cls.lines = small_jobs.write_corpus(cls.corpus)

  def setUp(self):
    super().setUp()
    self.output = pathlib.Path(self.create_tempdir().full_path) / "out"

  def job(self, **changes):
    return small_jobs.make(self.run_dir, **({"path": self.corpus, "output": self.output} | changes))

  def test_numbers_are_those_of_the_representations_of_a_split(self):
    run = runs.load(str(self.run_dir))
    encoded = representations.encode(run, run.load_corpus(), "train")
    found = small_jobs.complete(self.job(
        path=self.shared / "train.txt", fields=("variance", "representation", "mean")))
    self.assertEqual(found.dtype.names, ("row", "variance", "representation", "mean"))
    np.testing.assert_array_equal(found["row"], np.arange(70))
    for name in ("mean", "variance", "representation"):
      np.testing.assert_allclose(found[name], getattr(encoded, name), rtol=0, atol=TOLERANCE)
    self.assertGreater(found["mean"].std(axis=0).min(), 10 * TOLERANCE)

  def test_representation_of_a_flow(self):
    folder = pathlib.Path(self.create_tempdir().full_path)
    run_dir = small_jobs.train(folder, method="du_iaf", flow_width=2)
    run = runs.load(str(run_dir))
    encoded = representations.encode(run, run.load_corpus(), "test")
    found = small_jobs.complete(small_jobs.make(run_dir, folder / "test.txt", self.output))
    self.assertEqual(found["representation"].shape, (20, 6))
    np.testing.assert_allclose(
        found["representation"], encoded.representation, rtol=0, atol=TOLERANCE)

  def test_representation_of_images(self):
    folder = pathlib.Path(self.create_tempdir().full_path)
    paths = own_images.write_arrays(str(folder))
    images, labels = own_images.draw(20, tiny_images.SIDE, seed=9)
    # Of images that are black and white already, the run's own splits are the same ones.
    np.savez(paths["test_file"], images=images > 0.5, labels=labels)
    config = tiny_images.make_config(
        **paths, epochs=1, warmup_epochs=0, batch_size=16, run_dir=f"{folder}/run",
        data_dir=f"{folder}/data")
    with tiny_images.thin_decoder():
      running_lib.train(config)
      run = runs.load(str(config.run_dir))
      encoded = representations.encode(run, run.load_corpus(), "test")
      found = small_jobs.complete(small_jobs.make(
          pathlib.Path(str(config.run_dir)), pathlib.Path(paths["test_file"]), self.output))
    np.testing.assert_array_equal(found["row"], np.arange(20))
    np.testing.assert_array_equal(found["label"], labels)
    np.testing.assert_allclose(
        found["representation"], encoded.representation, rtol=0, atol=TOLERANCE)

  def test_every_usable_row_is_there_once_and_the_others_are_dead_letters(self):
    found = small_jobs.complete(self.job())
    usable = [row for row in range(40) if row not in small_jobs.BAD_LINES]
    np.testing.assert_array_equal(found["row"], usable)
    np.testing.assert_array_equal(found["label"], np.array(usable) % 3)
    letters = [json.loads(line)
               for line in (self.output / "dead_letters.jsonl").read_text().splitlines()]
    reasons = ["not UTF-8", "no words", "NUL byte", "no label before a TAB, unlike the first row",
               "label of another kind than that of the first row", "no words"]
    self.assertEqual(letters, [{"row": row, "reason": reason} for row, reason in zip(
        small_jobs.BAD_LINES, reasons, strict=True)])
    summary = json.loads((self.output / "summary.json").read_text())
    self.assertEqual((summary["rows"], summary["embedded"]), (40, 34))
    self.assertEqual(summary["dead_letters"]["no words"], 2)
    words = [word for row in usable for word in self.lines[row].partition(b"\t")[2].split()]
    vocabulary = (self.run_dir / "vocab.txt").read_bytes().split(b"\n")
    self.assertEqual(summary["counts"], {
        "words": len(words), "unknown": sum(word not in vocabulary for word in words), "cut": 0})

  @parameterized.product(rows_per_shard=(1, 13, 1000), batch_size=(1, 64))
  def test_no_number_depends_on_the_shard_or_the_batch(self, rows_per_shard, batch_size):
    expected = small_jobs.complete(self.job())
    found = small_jobs.complete(self.job(
        output=self.output / "other", rows_per_shard=rows_per_shard, batch_size=batch_size))
    np.testing.assert_array_equal(found[["row", "label"]], expected[["row", "label"]])
    np.testing.assert_allclose(
        found["representation"], expected["representation"], rtol=0, atol=TOLERANCE)

  def test_packed_file_gives_the_same_and_counts_as_the_same_content(self):
    expected = small_jobs.complete(self.job())
    packed = self.shared / "corpus.gz"
    packed.write_bytes(gzip.compress(self.corpus.read_bytes()))
    found = small_jobs.complete(self.job(output=self.output / "other", path=packed))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(small_jobs.complete(self.job(path=packed)), expected)

  def test_sentences_are_cut_as_in_training(self):
    path = self.shared / "long.txt"
    sentence = "w1 w2 w3 " * 100  # 300 words; --max_length is 200
    cut = " ".join(sentence.split()[:200])
    path.write_text(f"{sentence}\n{cut}\n{cut} w1\nw1\n")
    found = small_jobs.complete(self.job(path=path))["representation"]
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found[2], found[1], rtol=0, atol=TOLERANCE)
    self.assertFalse(np.allclose(found[3], found[1], rtol=0, atol=TOLERANCE))
    self.assertEqual(json.loads((self.output / "summary.json").read_text())["counts"]["cut"], 2)

  def test_byte_order_mark_is_no_part_of_the_first_row(self):
    path = self.shared / "marked.txt"
    path.write_bytes(b"\xef\xbb\xbf" + b"1\tw1 w2\n1\tw1 w2\n")
    found = small_jobs.complete(self.job(path=path))
    np.testing.assert_array_equal(found["label"], [1, 1])
    np.testing.assert_array_equal(found["representation"][0], found["representation"][1])

  @parameterized.parameters(1, 9, 30)
  def test_interrupted_job_ends_as_one_that_was_not(self, after):
    """Stops after so many rows, which is within a shard."""
    whole = self.output / "whole"
    small_jobs.complete(self.job(output=whole))
    stop = signals.StopRequest()
    seen = []

    def stopping(work, worker, on_rows, stop):
      def count(rows: int) -> None:
        seen.append(rows)
        stop.requested = sum(seen) >= after
        on_rows(rows)

      running.in_this_process(work, worker, count, stop)

    parts = self.output / "parts"
    with self.assertRaises(errors.PreemptedError):
      running.run(self.job(output=parts), stopping, stop)
    self.assertFalse((parts / "summary.json").exists())
    self.assertFalse((parts / "lock").exists())
    left = []
    small_jobs.complete(self.job(output=parts), lambda work, *others: (
        left.extend(work.shards), running.in_this_process(work, *others)))
    self.assertBetween(len(left), 1, 6)
    self.assertEqual(small_jobs.content(parts), small_jobs.content(whole))

  def test_finished_shards_are_not_done_again_but_missing_ones_are(self):
    small_jobs.complete(self.job())
    before = small_jobs.content(self.output)
    shards = sorted(self.output.glob("embeddings-*"))
    self.assertEqual([path.name for path in shards[:2]], [
        "embeddings-00000-of-00006.npy", "embeddings-00001-of-00006.npy"])
    shards[2].unlink()
    (self.output / "records" / "00004-of-00006.json").unlink()
    (self.output / f".{shards[2].name}.{'0' * 32}").write_bytes(b"left by a killed process")
    done = []
    small_jobs.complete(self.job(), lambda work, *others: (
        done.extend(shard.number for shard in work.shards),
        running.in_this_process(work, *others)))
    self.assertEqual(done, [2, 4])
    self.assertEqual(small_jobs.content(self.output), before)
    small_jobs.complete(self.job(), lambda *_: self.fail("nothing was left to do"))

  @parameterized.parameters(
      ({"format": "parquet"}, "--format was npy and is parquet"),
      ({"rows_per_shard": 8}, "--rows_per_shard was 7 and is 8"),
      ({"fields": ("mean",)}, "--fields was representation and is mean"),
      ({"batch_size": 5, "precision": "bfloat16"},
       "--precision was float32 and is bfloat16; --batch_size was 4 and is 5"))
  def test_folder_of_another_job_is_refused(self, changes, message):
    small_jobs.complete(self.job())
    before = small_jobs.content(self.output)
    with self.assertRaisesRegex(errors.UserError, f"--output=.*another job .{message}"):
      small_jobs.complete(self.job(**changes))
    self.assertEqual(small_jobs.content(self.output), before)

  def test_folder_of_other_rows_or_another_run_is_refused(self):
    small_jobs.complete(self.job())
    changed = self.shared / "changed.txt"
    changed.write_bytes(self.corpus.read_bytes().replace(b"w1", b"w2", 1))
    with self.assertRaisesRegex(errors.UserError, "the content of --input differs"):
      small_jobs.complete(self.job(path=changed))
    folder = pathlib.Path(self.create_tempdir().full_path)
    other = small_jobs.train(folder, seed=12)
    with self.assertRaisesRegex(errors.UserError, "--run_dir is another run"):
      small_jobs.complete(small_jobs.make(other, self.corpus, self.output))

  def test_folder_with_something_else_is_refused(self):
    self.output.mkdir()
    (self.output / "mine").write_text("x")
    with self.assertRaisesRegex(errors.UserError, "not empty and holds no job"):
      small_jobs.complete(self.job())
    (self.output / "job.json").write_text("[]")
    with self.assertRaisesRegex(errors.UserError, "job.json: does not describe a job"):
      small_jobs.complete(self.job())


if __name__ == "__main__":
  absltest.main()
