"""Image data sets that TFDS has by name."""

import pathlib
from unittest import mock

import numpy as np
import tensorflow_datasets as tfds
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import image_corpus
from du_vae_tf.data import tfds_images
from tests.data import own_images

IMAGES, LABELS = own_images.draw(60, 10, seed=1)
BYTES = np.round(IMAGES * 255.0).astype(np.uint8)[..., None]


class _Base(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """A data set without a download; what differs between the sets is an attribute."""

  VERSION = tfds.core.Version("1.2.3")
  SHAPE: tuple[int | None, ...] = (10, 10, 1)
  SPLITS = {"train": slice(0, 40), "test": slice(40, 60)}
  LABELLED = True

  def _info(self):
    features = {"image": tfds.features.Image(shape=self.SHAPE)}
    if self.LABELLED:
      features["label"] = tfds.features.ClassLabel(num_classes=3)
    return tfds.core.DatasetInfo(
        builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True)

  def _split_generators(self, dl_manager):
    return {name: self._generate_examples(rows) for name, rows in self.SPLITS.items()}

  def _image(self, row):
    return BYTES[row]

  def _generate_examples(self, rows):
    for row in range(rows.start, rows.stop):
      label = {"label": int(LABELS[row])} if self.LABELLED else {}
      yield row, {"image": self._image(row), **label}


class TinyStrokes(_Base):
  pass


class TinyValidated(_Base):
  SPLITS = {"train": slice(0, 30), "validation": slice(30, 40), "test": slice(40, 60)}
  LABELLED = False


class TinyOpenSides(_Base):
  SHAPE = (None, None, 1)


class TinyDifferentSides(_Base):
  SHAPE = (None, None, 1)

  def _image(self, row):
    return BYTES[row] if row < 12 else BYTES[row][:9, :9]


class TinyColour(_Base):
  SHAPE = (10, 10, 3)


class TinyWide(_Base):
  SHAPE = (10, 12, 1)


class TinyWithoutTest(_Base):
  SPLITS = {"train": slice(0, 40)}


class TinyBroken(_Base):

  def _split_generators(self, dl_manager):
    raise ConnectionError("no network\nand a second line")


class TinyWithoutImages(_Base):

  def _info(self):
    return tfds.core.DatasetInfo(
        builder=self, features=tfds.features.FeaturesDict({"text": tfds.features.Text()}))


class TfdsImagesTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path

  def _load(self, name):
    return image_corpus.load(config_lib.resolve({
        "dataset": "images", "method": "vae", "tfds_name": name, "data_dir": self.folder}, {}))

  def test_a_data_set_by_name(self):
    corpus = self._load("tiny_strokes")
    train, valid, test = (corpus.splits[name] for name in ("train", "valid", "test"))
    self.assertEqual([split.num_examples for split in (train, valid, test)], [37, 3, 20])
    self.assertEqual(corpus.sizes, {"side": 10})
    np.testing.assert_allclose(train.images, BYTES[train.indices] / 255.0, rtol=1e-6)
    np.testing.assert_array_equal(train.labels, LABELS[train.indices])
    np.testing.assert_array_equal(valid.labels, LABELS[valid.indices])
    np.testing.assert_array_equal(test.labels, LABELS[40:])
    self.assertEqual(set(np.unique(test.images)), {0.0, 1.0})
    self.assertIn("split off", corpus.notes[1])

  def test_its_own_validation_split_is_used(self):
    corpus = self._load("tiny_validated")
    valid = corpus.splits["valid"]
    np.testing.assert_array_equal(valid.indices, np.arange(10))
    np.testing.assert_array_equal(valid.images[BYTES[30:40] == 255], 1.0)
    np.testing.assert_array_equal(valid.images[BYTES[30:40] == 0], 0.0)
    np.testing.assert_array_equal(corpus.splits["train"].labels, [-1] * 30)
    self.assertNotIn("split off", corpus.notes[1])

  def test_sides_that_are_not_described_are_looked_at(self):
    self.assertEqual(self._load("tiny_open_sides").sizes, {"side": 10})

  def test_name_and_version_name_the_content(self):
    first, other = self._load("tiny_strokes"), self._load("tiny_validated")
    self.assertEqual(tfds_images.full_name("tiny_strokes", self.folder), "tiny_strokes/1.2.3")
    self.assertNotEqual(first.digest, other.digest)
    with mock.patch.object(TinyStrokes, "VERSION", tfds.core.Version("1.2.4")):
      self.assertNotEqual(self._load("tiny_strokes").digest, first.digest)

  def test_it_is_prepared_once(self):
    first = self._load("tiny_strokes")
    with mock.patch.object(TinyStrokes, "_split_generators", side_effect=AssertionError):
      self.assertEqual(self._load("tiny_strokes").digest, first.digest)

  @parameterized.named_parameters(
      ("unknown", "no_such_strokes", r"TFDS has no such data set \(DatasetNotFoundError: .*choose"),
      ("malformed", "a b/c:d", "must be the name of a data set of tensorflow-datasets"),
      ("sides", "tiny_different_sides",
       "split train: has images of 10 x 10 and of 9 x 9 pixels; expected the same side in all"),
      ("colour", "tiny_colour", "has images of 3 channels; expected greyscale"),
      ("wide", "tiny_wide", "has images of 10 x 12 pixels; expected square"),
      ("no_test", "tiny_without_test", "lacks the split test; it has train. Choose another"),
      ("no_images", "tiny_without_images", r"has no feature `image` of \[side, side, 1\]"),
      ("download", "tiny_broken", r"cannot be prepared \(ConnectionError: no network\); choose"))
  def test_refused(self, name, message):
    with self.assertRaisesRegex(errors.UserError, f"^--tfds_name={name}.*{message}") as raised:
      self._load(name)
    self.assertNotIn("\n", str(raised.exception))

  def test_nothing_is_left_of_a_failed_preparation(self):
    with self.assertRaises(errors.UserError):
      self._load("tiny_broken")
    self.assertEmpty([*(pathlib.Path(self.folder) / "images").glob("*")])


if __name__ == "__main__":
  absltest.main()
