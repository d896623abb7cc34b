"""From raw image files to arrays, through TFDS and the cache."""

import pathlib
import subprocess
import sys
from unittest import mock

import numpy as np
import scipy.io
import tensorflow_datasets as tfds
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import image_corpus
from du_vae_tf.data import image_splits
from du_vae_tf.data import preparation
from du_vae_tf.data.builders import image_files
from tests.data import own_images


class ImageCorpusTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path
    self.cache = pathlib.Path(self.folder) / "cache"

  def _config(self, **values):
    return config_lib.resolve(
        {"dataset": "images", "method": "vae", "data_dir": str(self.cache)} | values, {})

  def _own(self, **values):
    return self._config(**own_images.write_arrays(self.folder), **values)

  def test_own_images_arrive_with_their_labels(self):
    corpus = image_corpus.load(self._own())
    self.assertEqual(
        {name: split.num_examples for name, split in corpus.splits.items()},
        {"train": 70, "valid": 20, "test": 20})
    self.assertEqual(corpus.sizes, {"side": 8})
    for number, (name, split) in enumerate(corpus.splits.items()):
      grey, labels = own_images.draw(split.num_examples, 8, 5 + number)
      np.testing.assert_array_equal(split.labels, labels)
      np.testing.assert_array_equal(split.indices, np.arange(split.num_examples))
      if name == "train":
        np.testing.assert_array_equal(split.images[..., 0], grey)
      else:
        self.assertEqual(set(np.unique(split.images)), {0.0, 1.0})
        np.testing.assert_array_equal(split.images[..., 0][grey == 0.0], 0.0)
        np.testing.assert_array_equal(split.images[..., 0][grey == 1.0], 1.0)
      self.assertEqual(
          [array.dtype for array in (
              split.images, split.labels, split.fine_labels, split.indices)],
          [np.float32, np.int32, np.int32, np.int64])

  @parameterized.parameters("npy", "mat", "uint8")
  def test_every_format_gives_the_same_images(self, kind):
    flags = own_images.write_arrays(self.folder)
    expected = image_corpus.load(self._config(**flags))
    other = {}
    for flag, path in flags.items():
      with np.load(path) as arrays:
        images, labels = arrays["images"], arrays["labels"]
      target = pathlib.Path(self.folder) / f"{flag}.{'npz' if kind == 'uint8' else kind}"
      if kind == "npy":
        np.save(target, images)
      elif kind == "mat":
        scipy.io.savemat(target, {"images": images, "labels": labels})
      else:
        np.savez(target, images=np.round(images * 255.0).astype(np.uint8), labels=labels)
      other[flag] = str(target)
    made = image_corpus.load(self._config(**other))
    self.assertNotEqual(made.digest, expected.digest)
    for name, split in made.splits.items():
      # Rounding to 255 parts moves a probability by at most half of one.
      atol = 0.5 / 255.0 + 1e-6 if kind == "uint8" and name == "train" else 0.0
      if kind != "uint8" or name == "train":
        np.testing.assert_allclose(split.images, expected.splits[name].images, rtol=0.0, atol=atol)
      if kind != "npy":
        np.testing.assert_array_equal(split.labels, expected.splits[name].labels)

  def test_notes_tell_sizes_and_ink(self):
    corpus = image_corpus.load(self._own())
    self.assertLen(corpus.notes, 3)
    for note, (name, split) in zip(corpus.notes, corpus.splits.items(), strict=True):
      ink = 100.0 * split.images.mean(dtype=np.float64)
      self.assertEqual(
          note, f"{name}: {split.num_examples} images of 8 x 8 pixels, {ink:.2f} % ink")

  def test_without_validation_images_a_share_is_split_off_and_told(self):
    config = self._config(**own_images.write_arrays(self.folder, splits=("train", "test")))
    for _ in range(2):  # made, and from the cache
      corpus = image_corpus.load(config)
      self.assertEqual(
          {name: split.num_examples for name, split in corpus.splits.items()},
          {"train": 64, "valid": 6, "test": 20})
      self.assertRegex(
          corpus.notes[1], "^valid: 6 images .* ink; split off from the training images$")
      self.assertNotIn("split off", corpus.notes[0] + corpus.notes[2])

  def test_training_images_are_evaluated_as_binary_ones(self):
    corpus = image_corpus.load(self._own())
    grey = corpus.splits["train"].images
    drawn, again = (
        np.concatenate([batch["image"] for batch in
                        corpus.evaluation_dataset("train", 32).as_numpy_iterator()])
        for _ in range(2))
    np.testing.assert_array_equal(drawn, again)
    np.testing.assert_array_equal(drawn * (1.0 - drawn), np.zeros_like(drawn))
    np.testing.assert_array_equal(drawn[grey == 0.0], 0.0)
    np.testing.assert_array_equal(drawn[grey == 1.0], 1.0)
    # Six standard errors of the mean of Bernoulli draws.
    error = np.sqrt(np.sum(grey * (1.0 - grey))) / grey.size
    self.assertLess(abs(drawn.mean(dtype=np.float64) - grey.mean(dtype=np.float64)), 6.0 * error)

  def test_only_the_first_training_images(self):
    flags = own_images.write_arrays(self.folder)
    corpus = image_corpus.load(self._config(max_train_examples=16, **flags))
    self.assertEqual(corpus.splits["train"].num_examples, 16)
    np.testing.assert_array_equal(corpus.splits["train"].indices, np.arange(16))
    self.assertEqual(corpus.splits["test"].num_examples, 20)
    self.assertEqual(
        corpus.notes[-1],
        "--max_train_examples=16: of 70 training images the first 16 are used")
    everything = image_corpus.load(self._config(max_train_examples=70, **flags))
    self.assertEqual(everything.splits["train"].num_examples, 70)
    self.assertLen(everything.notes, 3)

  def test_batches(self):
    config = self._own(batch_size=32, seed=3)
    corpus = image_corpus.load(config)
    batches = corpus.train_batches(config)
    self.assertEqual(batches.batches_per_epoch, 3)
    batch = next(batches.dataset(0).as_numpy_iterator())
    np.testing.assert_array_equal(batch["image"], corpus.splits["train"].images[batch["row"]])
    test = list(corpus.evaluation_dataset("test", 16, max_examples=18).as_numpy_iterator())
    np.testing.assert_array_equal(
        np.concatenate([batch["image"] for batch in test]), corpus.splits["test"].images[:18])

  def test_nothing_is_saved_beside_a_run(self):
    target = pathlib.Path(self.folder) / "run" / "vocab.txt"
    image_corpus.load(self._own()).save(target)
    self.assertFalse(target.parent.exists())

  def test_a_second_start_opens_the_arrays_and_imports_no_tfds(self):
    config = self._own()
    expected = image_corpus.load(config)
    with mock.patch.object(preparation, "read_images", side_effect=AssertionError):
      again = image_corpus.load(config)
    self.assertEqual(again.notes, expected.notes)
    self.assertIsInstance(again.splits["train"].images, np.memmap)
    script = (
        "import sys; from du_vae_tf import config; from du_vae_tf.data import image_corpus;"
        f"made = image_corpus.load(config.RunConfig(**{config.to_dict()!r})); print(made.digest);"
        "assert 'tensorflow_datasets' not in sys.modules")
    output = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))})
    self.assertEqual(output.stdout.strip(), expected.digest)

  def test_lost_arrays_are_made_from_the_prepared_examples(self):
    config = self._own()
    first = image_corpus.load(config)
    images = np.array(first.splits["valid"].images)
    (self.cache / "images").rename(self.cache / "lost")
    with mock.patch.object(image_splits, "finish", side_effect=AssertionError):
      again = image_corpus.load(config)
    np.testing.assert_array_equal(again.splits["valid"].images, images)
    self.assertEqual(again.notes, first.notes)

  def test_changed_files_are_read_again(self):
    first = image_corpus.load(self._own())
    second = image_corpus.load(
        self._config(**own_images.write_arrays(self.folder, side=9)))
    self.assertNotEqual(first.digest, second.digest)
    self.assertEqual(second.sizes, {"side": 9})

  def test_seeds_are_in_the_metadata(self):
    image_corpus.load(self._own())
    folder = next((self.cache / "tfds").rglob("dataset_info.json")).parent
    builder = tfds.builder_from_directory(str(folder))
    self.assertEqual(builder.name, "du_vae_images")
    self.assertEqual(dict(builder.info.metadata), {
        "held_out": False, "split_seed": image_splits.SPLIT_SEED,
        "binarization_seeds": image_splits.BINARIZATION_SEEDS})

  @parameterized.named_parameters(
      ("few_rows", {"rows": 15}, r"train\.npz: has 15 training images; training needs at least 16"),
      ("small", {"side": 7}, r"train\.npz has images of 7 x 7 pixels; expected a side from 8"))
  def test_mistakes_reach_the_user_in_one_line(self, options, message):
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      image_corpus.load(self._config(**own_images.write_arrays(self.folder, **options)))
    self.assertNotIn("\n", str(raised.exception))

  def test_nothing_is_printed(self):
    with mock.patch("sys.stdout") as out:
      image_corpus.load(self._own())
    out.write.assert_not_called()

  def test_a_builder_without_files_says_what_it_needs(self):
    builder = image_files.DuVaeImages(data_dir=self.folder)
    with self.assertRaisesRegex(ValueError, "must be an ImageFilesConfig"):
      builder.download_and_prepare()


class OmniglotTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path
    self.config = config_lib.resolve({
        "dataset": "omniglot", "method": "vae", "manual_dir": self.folder,
        "data_dir": f"{self.folder}/cache"}, {})

  def test_images_are_upright_with_alphabet_and_character(self):
    own_images.write_chardata(self.folder, rows=90)
    corpus = image_corpus.load(self.config)
    self.assertEqual(
        {name: split.num_examples for name, split in corpus.splits.items()},
        {"train": 83, "valid": 7, "test": 20})
    self.assertEqual(corpus.sizes, {"side": 28})
    images, alphabets = own_images.draw(90, 28, 5)
    train, valid = corpus.splits["train"], corpus.splits["valid"]
    self.assertEqual(sorted([*train.indices, *valid.indices]), list(range(90)))
    np.testing.assert_array_equal(train.images[..., 0], images[train.indices])
    for split in (train, valid):
      np.testing.assert_array_equal(split.labels, alphabets[split.indices])
      np.testing.assert_array_equal(split.fine_labels, 1 + split.indices % 7)
    self.assertEqual(set(np.unique(valid.images)), {0.0, 1.0})
    builder = tfds.builder_from_directory(str(next(
        (pathlib.Path(self.folder) / "cache" / "tfds").rglob("dataset_info.json")).parent))
    self.assertEqual(builder.name, "du_vae_omniglot")

  def test_a_file_of_the_full_size(self):
    # Blank but for one pixel that tells the image: cheap to write and to keep.
    arrays = {}
    for prefix, count in (("", 24_345), ("test", 8_070)):
      data = np.zeros((784, count), np.float32)
      data[np.arange(count) % 784, np.arange(count)] = 1.0
      alphabets = np.zeros((50, count), np.uint8)
      alphabets[np.arange(count) % 50, np.arange(count)] = 1
      arrays |= {f"{prefix}data": data, f"{prefix}target": alphabets,
                 f"{prefix}targetchar": 1.0 + np.arange(count)[None, :] % 20}
    own_images.write_chardata(self.folder, arrays)
    corpus = image_corpus.load(self.config)
    self.assertEqual(
        [corpus.splits[name].num_examples for name in ("train", "valid", "test")],
        [22_345, 2_000, 8_070])
    for split in corpus.splits.values():
      pixel = split.indices % 784
      np.testing.assert_array_equal(
          split.images[np.arange(split.num_examples), pixel % 28, pixel // 28, 0], 1.0)
      np.testing.assert_array_equal(split.labels, split.indices % 50)

  def test_a_truncated_file_is_one_line(self):
    path = own_images.write_chardata(self.folder)
    path.write_bytes(path.read_bytes()[:-2_000])
    with self.assertRaisesRegex(errors.UserError, r"chardata\.mat: ") as raised:
      image_corpus.load(self.config)
    self.assertNotIn("\n", str(raised.exception))


if __name__ == "__main__":
  absltest.main()
