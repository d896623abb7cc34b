"""One way to load data sets of either kind."""

import pathlib

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import vocabulary
from tests.data import own_files
from tests.data import own_images

LINES = {"train": ["a b"] * 20 + ["c"] * 20, "valid": ["a"] * 3, "test": ["b c"] * 5}


class CorpusTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path

  def _config(self, kind):
    if kind == "text":
      return own_files.config(self.folder, LINES, batch_size=16)
    flags = own_images.write_arrays(self.folder, rows=40, evaluation_rows=5)
    return config_lib.resolve({
        "dataset": "images", "method": "vae", "batch_size": 16,
        "data_dir": f"{self.folder}/cache", **flags}, {})

  @parameterized.parameters(
      ("text", {"vocab_size": 7, "max_words": 2}, {"ids", "length", "label", "row"}),
      ("image", {"side": 8}, {"image", "label", "row"}))
  def test_both_kinds_are_used_the_same_way(self, kind, sizes, parts):
    config = self._config(kind)
    corpus = corpus_lib.load(config)
    self.assertEqual(corpus.sizes, sizes)
    self.assertLen(corpus.notes, 3)
    self.assertRegex(corpus.digest, "^[0-9a-f]{64}$")
    self.assertEqual(corpus.splits["train"].num_examples, 40)
    batches = corpus.train_batches(config)
    made = list(batches.dataset(0).as_numpy_iterator())
    self.assertLen(made, 3)
    self.assertEqual(batches.batches_per_epoch, 3)
    self.assertEqual(set(made[0]), parts)
    self.assertEqual(
        sorted(np.concatenate([batch["row"] for batch in made])), list(range(40)))
    test = list(corpus.evaluation_dataset("test", 2, max_examples=3).as_numpy_iterator())
    self.assertEqual([len(batch["row"]) for batch in test], [2, 1])

  def test_text_saves_its_vocabulary_and_is_loaded_under_it(self):
    config = self._config("text")
    path = pathlib.Path(self.folder) / "run" / "vocab.txt"
    corpus_lib.load(config).save(path)
    self.assertEqual(set(vocabulary.load(path).words[4:]), {b"a", b"b", b"c"})
    vocabulary.Vocabulary([b"z", b"a"]).save(path)
    self.assertEqual(corpus_lib.load(config, path).sizes["vocab_size"], 6)

  def test_images_save_nothing_and_need_no_vocabulary(self):
    config = self._config("image")
    path = pathlib.Path(self.folder) / "run" / "vocab.txt"
    corpus_lib.load(config, path).save(path)
    self.assertFalse(path.exists())

  def test_mistakes_reach_the_user(self):
    with self.assertRaisesRegex(errors.UserError, "--dataset=images needs --train_file"):
      corpus_lib.load(config_lib.resolve({"dataset": "images", "data_dir": self.folder}, {}))


if __name__ == "__main__":
  absltest.main()
