"""From raw files to ids, through TFDS and the caches."""

import dataclasses
import multiprocessing
import pathlib
import subprocess
import sys
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import absltest
from absl.testing import parameterized
from tensorflow_datasets.core import shuffle

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.data import array_cache
from du_vae_tf.data import encoding
from du_vae_tf.data import preparation
from du_vae_tf.data import text_corpus
from du_vae_tf.data import text_reader
from du_vae_tf.data import vocabulary
from du_vae_tf.data.builders import yahoo
from tests.data import own_files

TRAIN = ["b a"] * 10 + ["a c c", "_UNK d", "a a a a a"] + ["b"] * 7
LINES = {"train": TRAIN, "valid": ["", "a never", "d"], "test": ["c", "<s> b </s>"]}


def _prepare(config: config_lib.RunConfig) -> int:
  return len(text_corpus.load(config).vocabulary)


class CorpusTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path

  def _config(self, lines=None, **values):
    return own_files.config(self.folder, LINES if lines is None else lines, **values)

  def _texts(self, loaded, split):
    part = loaded.splits[split]
    return [loaded.vocabulary.decode(part.words(row)) for row in range(part.num_examples)]

  def test_rows_keep_the_order_of_the_file(self):
    loaded = text_corpus.load(self._config())
    self.assertEqual(
        self._texts(loaded, "train"), [line.replace("_UNK", "<unk>") for line in TRAIN])
    self.assertEqual(self._texts(loaded, "valid"), ["a <unk>", "d"])
    self.assertEqual(self._texts(loaded, "test"), ["c", "<unk> b <unk>"])
    self.assertEqual(loaded.vocabulary.words[4:], (b"b", b"a", b"c", b"d"))

  def test_many_rows_keep_the_order_of_the_file(self):
    lines = [f"{number % 7}\tw{number}" for number in range(10_000)]
    loaded = text_corpus.load(self._config({"train": lines, "valid": ["0\ta"], "test": ["1\tb"]}))
    train = loaded.splits["train"]
    np.testing.assert_array_equal(train.tokens, np.arange(4, 10_004))
    np.testing.assert_array_equal(train.labels, np.arange(10_000) % 7)
    np.testing.assert_array_equal(loaded.splits["test"].labels, [1])

  def test_a_corpus_larger_than_the_buffers_is_the_same(self):
    """TFDS goes over the disk, and ids are written in parts."""
    lines = {"train": [f"{row % 7}\tw{row} " + "w " * (row % 50) for row in range(3000)],
             "valid": ["0\ta"], "test": ["1\tb"]}
    expected = text_corpus.load(self._config(lines)).splits["train"]
    other = self.create_tempdir().full_path
    with (mock.patch.object(shuffle, "MAX_MEM_BUFFER_SIZE", 2000),
          mock.patch.object(encoding, "_ROWS_AT_ONCE", 7),
          mock.patch.object(shuffle._Bucket, "read_values", autospec=True,
                            side_effect=shuffle._Bucket.read_values) as read):
      found = text_corpus.load(own_files.config(other, lines)).splits["train"]
      self.assertEqual(found.max_words, expected.max_words)
    self.assertLen({call.args[0] for call in read.call_args_list if len(call.args[0])}, 1000)
    for name in ("tokens", "offsets", "labels"):
      np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
      self.assertEqual(getattr(found, name).dtype, getattr(expected, name).dtype)

  def test_sizes(self):
    train = text_corpus.load(self._config()).splits["train"]
    self.assertEqual(train.num_examples, 20)
    self.assertEqual(train.num_tokens, sum(len(line.split()) + 1 for line in TRAIN))
    self.assertEqual(train.max_words, 5)
    self.assertEqual(train.tokens.dtype, np.int32)
    self.assertEqual(train.offsets.dtype, np.int64)
    self.assertEqual(train.labels.tolist(), [-1] * 20)
    self.assertIsInstance(train.tokens, np.memmap)

  def test_notes_count_what_was_changed(self):
    loaded = text_corpus.load(self._config(max_length=4))
    self.assertEqual(loaded.notes, [
        "train: 20 sentences, 36 words, 2.78 % unknown; 1 sentences cut to 4 words",
        "valid: 2 sentences, 3 words, 33.33 % unknown; 1 blank lines skipped",
        "test: 2 sentences, 4 words, 50.00 % unknown; 2 words written like special symbols read"
        " as <unk>"])

  def test_notes_are_the_same_from_every_cache(self):
    first = text_corpus.load(self._config())
    second = text_corpus.load(self._config())
    for path in (pathlib.Path(self.folder) / "cache" / "encoded").glob("*/*"):
      path.unlink()
    for path in (pathlib.Path(self.folder) / "cache" / "encoded").iterdir():
      path.rmdir()
    third = text_corpus.load(self._config())  # from the prepared examples
    self.assertEqual(first.notes, second.notes)
    self.assertEqual(first.notes, third.notes)

  def test_a_line_of_100_000_words_is_cut(self):
    loaded = text_corpus.load(self._config(LINES | {"train": TRAIN + ["far " * 100_000]}))
    self.assertEqual(loaded.splits["train"].max_words, 200)
    self.assertIn("1 sentences cut to 200 words", loaded.notes[0])

  def test_only_the_first_training_examples(self):
    config = self._config({"train": ["a"] * 16 + ["late"] * 4, "valid": ["late"], "test": ["a"]})
    loaded = text_corpus.load(dataclasses.replace(config, max_train_examples=16))
    self.assertEqual(loaded.splits["train"].num_examples, 16)
    self.assertEqual(loaded.vocabulary.words[4:], (b"a",))
    self.assertEqual(self._texts(loaded, "valid"), ["<unk>"])

  def test_vocabulary_size(self):
    loaded = text_corpus.load(self._config(vocab_size=6))
    self.assertEqual(loaded.vocabulary.words[4:], (b"b", b"a"))
    self.assertEqual(self._texts(loaded, "train")[10], "a <unk> <unk>")

  def test_a_given_vocabulary_is_used_as_it_is(self):
    given = vocabulary.Vocabulary([b"never", b"a"])
    path = pathlib.Path(self.folder) / "run" / "vocab.txt"
    given.save(path)
    loaded = text_corpus.load(self._config(vocab_size=5), path)
    self.assertEqual(loaded.vocabulary, given)
    self.assertEqual(loaded.sizes, {"vocab_size": 6, "max_words": 5})
    self.assertEqual(self._texts(loaded, "valid"), ["a never", "<unk>"])

  def test_a_vocabulary_beside_the_files_is_used_and_named(self):
    path = pathlib.Path(self.folder) / "vocab.txt"
    path.write_text("d\n<unk>\nnever\nb\n")
    loaded = text_corpus.load(self._config())
    self.assertEqual(loaded.vocabulary.words[4:], (b"d", b"never", b"b"))
    self.assertEqual(loaded.notes[0], f"vocabulary: 7 words from {path}")
    cut = text_corpus.load(self._config(vocab_size=6))
    self.assertEqual(cut.vocabulary.words[4:], (b"d", b"b"))

  def test_equal_length_tells_what_is_never_trained_on(self):
    loaded = text_corpus.load(self._config(
        LINES | {"train": ["a b"] * 16 + ["a"] * 4}, batching="equal_length"))
    self.assertStartsWith(
        loaded.notes[-1], "--batching=equal_length: 4 of 20 training sentences are never trained")

  def test_a_second_start_reads_no_examples_and_imports_no_tfds(self):
    config = self._config()
    expected = text_corpus.load(config).digest
    with mock.patch.object(preparation, "read_text", side_effect=AssertionError):
      text_corpus.load(config)
    script = (
        "import sys; from du_vae_tf import config; from du_vae_tf.data import text_corpus;"
        f"made = text_corpus.load(config.RunConfig(**{config.to_dict()!r})); print(made.digest);"
        "assert 'tensorflow_datasets' not in sys.modules")
    output = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))})
    self.assertEqual(output.stdout.strip(), expected)

  def test_another_vocabulary_size_reads_the_prepared_examples_and_not_the_files(self):
    text_corpus.load(self._config())
    with mock.patch.object(text_reader, "read_files", side_effect=AssertionError):
      loaded = text_corpus.load(self._config(vocab_size=6))
    self.assertLen(loaded.vocabulary, 6)

  def test_evaluation_under_the_vocabulary_of_a_run_finds_its_ids(self):
    path = pathlib.Path(self.folder) / "run" / "vocab.txt"
    text_corpus.load(self._config()).save(path)
    with mock.patch.object(preparation, "read_text", side_effect=AssertionError):
      text_corpus.load(self._config(), path)

  def test_changed_files_are_read_again(self):
    first = text_corpus.load(self._config())
    second = text_corpus.load(self._config(LINES | {"valid": ["a a a"]}))
    self.assertNotEqual(first.digest, second.digest)
    self.assertEqual(self._texts(second, "valid"), ["a a a"])

  def test_a_half_written_cache_is_never_used(self):
    config = self._config()
    with mock.patch.object(
        array_cache.SplitWriter, "append", side_effect=[None, OSError("disk full")]):
      with self.assertRaisesRegex(OSError, "disk full"):
        text_corpus.load(config)
    self.assertEmpty(list((pathlib.Path(self.folder) / "cache" / "encoded").iterdir()))
    self.assertEqual(text_corpus.load(config).splits["train"].num_examples, 20)

  def test_a_stopped_preparation_is_done_again(self):
    config = self._config()
    failing = mock.patch.object(
        tfds.core.DatasetInfo, "write_to_directory", side_effect=OSError("full"))
    with failing:
      with self.assertRaisesRegex(OSError, "full"):
        text_corpus.load(config)
    self.assertEqual(text_corpus.load(config).splits["train"].num_examples, 20)

  def test_processes_that_prepare_at_once_get_the_same(self):
    config = self._config({"train": [f"w{n}" for n in range(3000)], "valid": ["a"], "test": ["b"]})
    with multiprocessing.get_context("spawn").Pool(2) as pool:
      self.assertEqual(pool.map(_prepare, [config] * 2), [3004, 3004])

  @parameterized.named_parameters(
      ("too_few_rows", {"train": ["a"] * 15}, r"train\.txt: has 15 sentences"),
      ("not_utf8", {"test": b"a\n\xe9\n"}, r"test\.txt, line 2: byte 0xe9 is not UTF-8"),
      ("some_labels", {"test": ["1\ta"]}, r"train\.txt, line 1: has no label before a TAB"))
  def test_mistakes_in_the_files_reach_the_user_in_one_line(self, change, message):
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      text_corpus.load(self._config(LINES | change))
    self.assertNotIn("\n", str(raised.exception))

  def test_a_configuration_without_the_settings_of_text_is_refused(self):
    with self.assertRaisesRegex(ValueError, "must be resolved. Received: max_length=None"):
      text_corpus.load(dataclasses.replace(self._config(), max_length=None))

  def test_nothing_is_printed(self):
    with mock.patch("sys.stdout") as out:
      text_corpus.load(self._config())
    out.write.assert_not_called()


class SyntheticTest(absltest.TestCase):

  def test_the_synthetic_set_is_loaded_and_cached(self):
    config = config_lib.resolve(
        {"method": "vae", "data_dir": self.create_tempdir().full_path}, {})
    loaded = text_corpus.load(config)
    self.assertEqual(
        {name: split.num_examples for name, split in loaded.splits.items()},
        {"train": 16_000, "valid": 2_000, "test": 2_000})
    train = loaded.splits["train"]
    self.assertEqual(
        loaded.vocabulary.decode(train.words(0)),
        "w713 w795 w140 w634 w74 w747 w66 w588 w314 w261")
    self.assertEqual(train.labels[0], 0)
    self.assertEqual(set(train.lengths.tolist()), {10})
    self.assertEqual(text_corpus.load(config).digest, loaded.digest)


class BuildersTest(parameterized.TestCase):

  @parameterized.parameters("yahoo", "yelp", "short_yelp")
  def test_published_sets_are_prepared_in_order(self, name):
    folder = pathlib.Path(self.create_tempdir().full_path)
    (folder / name).mkdir()
    prefix = "" if name == "yahoo" else "2\t"
    for split in datasets.SPLITS:
      (folder / name / f"{name}.{split}.txt").write_text(
          "".join(f"{prefix}{split} {row}\n" for row in range(16)))
    loaded = text_corpus.load(config_lib.resolve({
        "dataset": name, "method": "vae", "manual_dir": str(folder),
        "data_dir": str(folder / "cache")}, {}))
    test = loaded.splits["test"]
    self.assertEqual(test.labels.tolist(), [-1 if name == "yahoo" else 2] * 16)
    self.assertEqual(
        [loaded.vocabulary.decode(test.words(row)) for row in range(16)],
        [f"<unk> {row}" for row in range(16)])
    builder = tfds.builder_from_directory(next(
        str(path.parent) for path in (folder / "cache" / "tfds").rglob("dataset_info.json")))
    self.assertEqual(builder.name, f"du_vae_{name}")
    first = next(iter(builder.as_dataset(split="train")))
    self.assertEqual(first["text"].numpy(), b"train 0")
    self.assertEqual(first["label"].dtype, tf.int64)

  def test_a_builder_without_files_says_what_it_needs(self):
    builder = yahoo.DuVaeYahoo(data_dir=self.create_tempdir().full_path)
    with self.assertRaisesRegex(ValueError, "must be a TextFilesConfig"):
      builder.download_and_prepare()


if __name__ == "__main__":
  absltest.main()
