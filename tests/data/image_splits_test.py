"""The validation split taken from training, and the binarisation of validation and test."""

from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import image_splits

FULL, FULL_TEST = 24_345, 8_070


def _grey(rows: int, side: int = 8, seed: int = 0) -> image_splits.ImageSplit:
  """Images whose pixels and labels all follow from the number of the image."""
  images = np.random.default_rng(seed).random((rows, side, side, 1), np.float32)
  numbers = np.arange(rows)
  images[:, 0, 0, 0] = numbers / FULL
  return image_splits.make_split(images, numbers % 50, numbers % 47)


def _finish(train: int, test: int = 5, **others) -> dict[str, image_splits.ImageSplit]:
  return image_splits.finish({"train": _grey(train), "test": _grey(test, seed=1)} | others, "here")


class HoldOutTest(parameterized.TestCase):

  def test_the_full_file_has_the_published_sizes(self):
    splits = _finish(FULL, FULL_TEST)
    self.assertEqual(
        [splits[name].num_examples for name in ("train", "valid", "test")], [22_345, 2_000, 8_070])

  @parameterized.parameters((3_630, 298), (70, 6), (17, 1), (12_172, 1_000))
  def test_smaller_files_give_the_same_share(self, rows, valid):
    splits = _finish(rows)
    self.assertEqual(splits["valid"].num_examples, valid)
    self.assertEqual(splits["train"].num_examples, rows - valid)

  def test_every_image_is_in_one_of_the_splits(self):
    train, valid = image_splits.hold_out(_grey(500))
    both = np.concatenate([train.indices, valid.indices])
    self.assertEqual(sorted(both), list(range(500)))

  def test_labels_and_numbers_stay_with_their_images(self):
    raw = _grey(500)
    for split in image_splits.hold_out(raw):
      np.testing.assert_array_equal(split.images, raw.images[split.indices])
      np.testing.assert_array_equal(split.labels, split.indices % 50)
      np.testing.assert_array_equal(split.fine_labels, split.indices % 47)
      self.assertEqual(split.indices.dtype, np.int64)

  def test_images_are_shuffled_before_the_last_are_taken(self):
    train, valid = image_splits.hold_out(_grey(5_000))
    for split in (train, valid):
      # The mean of numbers drawn without order, within six standard errors (false in 1 of 10^9).
      error = 5_000 / np.sqrt(12.0 * split.num_examples)
      self.assertLess(abs(split.indices.mean() - 2_499.5), 6.0 * error)
      self.assertFalse((np.diff(split.indices) > 0).all())

  def test_the_split_depends_on_the_seed_alone(self):
    first, again = _finish(300), _finish(300)
    with mock.patch.object(image_splits, "SPLIT_SEED", 1):
      other = _finish(300)
    np.testing.assert_array_equal(first["valid"].indices, again["valid"].indices)
    np.testing.assert_array_equal(first["train"].indices, again["train"].indices)
    self.assertNotEqual(set(first["valid"].indices), set(other["valid"].indices))

  def test_the_split_is_pinned(self):
    # Another one would be another data set under the name of the first.
    _, valid = image_splits.hold_out(_grey(70))
    self.assertEqual(valid.indices.tolist(), [7, 6, 33, 31, 30, 18])

  def test_given_validation_images_leave_training_as_it_is(self):
    splits = _finish(40, valid=_grey(9, seed=2))
    np.testing.assert_array_equal(splits["train"].indices, np.arange(40))
    np.testing.assert_array_equal(splits["valid"].indices, np.arange(9))

  def test_too_few_training_images_are_refused(self):
    self.assertEqual(_finish(16, valid=_grey(1))["train"].num_examples, 16)
    with self.assertRaisesRegex(
        errors.UserError, "^here: has 15 training images; training needs at least 16"):
      _finish(15, valid=_grey(1))
    with self.assertRaisesRegex(
        errors.UserError, r"has 15 training images \(1 more are for validation\); training needs"):
      _finish(16)


class BinarizeTest(absltest.TestCase):

  def test_training_stays_grey_and_the_others_are_zero_and_one(self):
    splits = _finish(200, 50)
    raw = _grey(200)
    np.testing.assert_array_equal(
        splits["train"].images, raw.images[splits["train"].indices])
    for name in ("valid", "test"):
      self.assertEqual(set(np.unique(splits[name].images)), {0.0, 1.0})
      self.assertEqual(splits[name].images.dtype, np.float32)

  def test_the_share_of_ones_is_the_grey_value(self):
    for grey in (0.05, 0.5, 0.9):
      images = np.full((500, 16, 16, 1), grey, np.float32)
      ones = image_splits.binarize(image_splits.make_split(images), seed=3).images
      # Six standard errors of the mean of independent draws: false in 2 of 10^9.
      self.assertLess(abs(ones.mean() - grey), 6.0 * np.sqrt(grey * (1.0 - grey) / ones.size))

  def test_pixels_and_images_are_drawn_independently(self):
    ones = image_splits.binarize(
        image_splits.make_split(np.full((500, 16, 16, 1), 0.5, np.float32)), seed=3).images
    signs = 2.0 * ones[..., 0] - 1.0
    for here, there in ((signs[1:], signs[:-1]), (signs[:, 1:], signs[:, :-1]),
                        (signs[:, :, 1:], signs[:, :, :-1])):
      self.assertLess(abs((here * there).mean()), 6.0 / np.sqrt(here.size))

  def test_white_and_black_stay_as_they_are(self):
    images = np.zeros((100, 8, 8, 1), np.float32)
    images[:, 3] = 1.0
    np.testing.assert_array_equal(
        image_splits.binarize(image_splits.make_split(images), seed=3).images, images)

  def test_the_same_pixels_every_time_and_others_for_another_seed(self):
    grey = _grey(20)
    first = image_splits.binarize(grey, 3).images
    np.testing.assert_array_equal(first, image_splits.binarize(grey, 3).images)
    self.assertFalse(np.array_equal(first, image_splits.binarize(grey, 4).images))

  def test_validation_and_test_are_different_draws(self):
    same = _grey(30, seed=9)
    splits = image_splits.finish({"train": _grey(20), "valid": same, "test": same}, "here")
    self.assertFalse(np.array_equal(splits["valid"].images, splits["test"].images))
    again = image_splits.finish({"train": _grey(20), "valid": same, "test": same}, "here")
    np.testing.assert_array_equal(splits["valid"].images, again["valid"].images)
    np.testing.assert_array_equal(splits["test"].images, again["test"].images)


if __name__ == "__main__":
  absltest.main()
