"""Figures of the real data sets, where a folder with them is named by DU_VAE_TF_DATA."""

import os

import numpy as np
from absl.testing import absltest

from du_vae_tf import config as config_lib
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import text_batching
from du_vae_tf.data import vocabulary

_DATA = os.environ.get("DU_VAE_TF_DATA", "")


@absltest.skipUnless(_DATA, "DU_VAE_TF_DATA names no folder with the real data")
class RealDataTest(absltest.TestCase):

  def _load(self, dataset: str) -> corpus_lib.Corpus:
    return corpus_lib.load(config_lib.resolve({
        "dataset": dataset, "method": "vae", "manual_dir": _DATA,
        "data_dir": self.create_tempdir().full_path}, {}))

  def _sizes(self, loaded: corpus_lib.Corpus) -> list[int]:
    return [split.num_examples for split in loaded.splits.values()]

  def test_yahoo(self):
    loaded = self._load("yahoo")
    self.assertEqual(self._sizes(loaded), [14_000, 1_000, 2_000])
    train = loaded.splits["train"]
    self.assertAlmostEqual(train.lengths.mean(), 79.7, delta=0.05)
    self.assertEqual((train.lengths.min(), train.max_words), (20, 200))
    # 18 110 types, of which `_UNK` is one of the special words.
    self.assertLen(loaded.vocabulary, 18_109 + len(vocabulary.SPECIAL_WORDS))
    batches = text_batching.train_batches(train, 32, "equal_length", seed=0)
    self.assertLess(sum(len(rows) for rows in batches.plan(0)), 14_000)
    self.assertLen(text_batching.train_batches(train, 32, "near_equal", seed=0).plan(0), 438)

  def test_short_yelp(self):
    loaded = self._load("short_yelp")
    self.assertEqual(self._sizes(loaded), [100_000, 10_000, 10_000])
    train = loaded.splits["train"]
    self.assertAlmostEqual(train.labels.mean(), 0.603, delta=0.001)
    self.assertEqual(set(train.labels.tolist()), {0, 1})
    self.assertAlmostEqual(train.lengths.mean(), 8.9, delta=0.05)
    self.assertEqual(train.max_words, 15)
    self.assertLen(loaded.vocabulary, 8_916 + len(vocabulary.SPECIAL_WORDS))

  def test_omniglot(self):
    loaded = self._load("omniglot")
    self.assertEqual(self._sizes(loaded), [3_332, 298, 1_210])
    self.assertEqual(loaded.sizes, {"side": 28})
    train, valid, test = loaded.splits.values()
    self.assertEqual(sorted([*train.indices, *valid.indices]), list(range(3_630)))
    alphabets = np.concatenate([train.labels, valid.labels])
    characters = np.concatenate([train.fine_labels, valid.fine_labels])
    # 242 characters of 8 alphabets, drawn 15 times for training and 5 times for test.
    for labels, fine_labels, drawn in (
        (alphabets, characters, 15), (test.labels, test.fine_labels, 5)):
      self.assertEqual(set(labels), set(range(8)))
      counts = np.unique(np.stack([labels, fine_labels]), axis=1, return_counts=True)[1]
      self.assertEqual(counts.tolist(), [drawn] * 242)
    self.assertGreater(len(np.unique(train.images)), 2)
    for split in (valid, test):
      self.assertEqual(set(np.unique(split.images)), {0.0, 1.0})
    for split in (train, valid, test):
      self.assertAlmostEqual(split.images.mean(dtype=np.float64), 0.081, delta=0.003)


if __name__ == "__main__":
  absltest.main()
