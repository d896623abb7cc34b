"""Figures of the real data sets, where a folder with them is named by DU_VAE_TF_DATA."""

import os

from absl.testing import absltest

from du_vae_tf import config as config_lib
from du_vae_tf.data import batching
from du_vae_tf.data import corpus
from du_vae_tf.data import vocabulary

_DATA = os.environ.get("DU_VAE_TF_DATA", "")


@absltest.skipUnless(_DATA, "DU_VAE_TF_DATA names no folder with the real data")
class RealDataTest(absltest.TestCase):

  def _load(self, dataset: str, **values) -> corpus.TextCorpus:
    return corpus.load(config_lib.RunConfig(
        dataset=dataset, method="vae", manual_dir=_DATA,
        data_dir=self.create_tempdir().full_path, **values))

  def _sizes(self, loaded: corpus.TextCorpus) -> list[int]:
    return [split.num_examples for split in loaded.splits.values()]

  def test_yahoo(self):
    loaded = self._load("yahoo")
    self.assertEqual(self._sizes(loaded), [14_000, 1_000, 2_000])
    train = loaded.splits["train"]
    self.assertAlmostEqual(train.lengths.mean(), 79.7, delta=0.05)
    self.assertEqual((train.lengths.min(), train.max_words), (20, 200))
    # 18 110 types, of which `_UNK` is one of the special words.
    self.assertLen(loaded.vocabulary, 18_109 + len(vocabulary.SPECIAL_WORDS))
    batches = batching.TrainBatches(train, 32, "equal_length", seed=0)
    rows = sum(len(rows) for rows in batches.plan(0))
    self.assertEqual(rows + batches.rows_left_out, 14_000)
    self.assertLen(batching.TrainBatches(train, 32, "near_equal", seed=0).plan(0), 438)

  def test_short_yelp(self):
    loaded = self._load("short_yelp")
    self.assertEqual(self._sizes(loaded), [100_000, 10_000, 10_000])
    train = loaded.splits["train"]
    self.assertAlmostEqual(train.labels.mean(), 0.603, delta=0.001)
    self.assertEqual(set(train.labels.tolist()), {0, 1})
    self.assertAlmostEqual(train.lengths.mean(), 8.9, delta=0.05)
    self.assertEqual(train.max_words, 15)
    self.assertLen(loaded.vocabulary, 8_916 + len(vocabulary.SPECIAL_WORDS))


if __name__ == "__main__":
  absltest.main()
