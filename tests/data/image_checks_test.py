"""Arrays that are taken as images and labels, and those that are refused."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import image_checks
from tests.data import own_images

GREY = own_images.draw(5, 8, seed=1)[0]


class ToGreyTest(parameterized.TestCase):

  @parameterized.parameters(np.float16, np.float32, np.float64)
  def test_floats_stay_as_they_are(self, dtype):
    made = image_checks.to_grey(GREY.astype(dtype), "here")
    self.assertEqual((made.shape, made.dtype), ((5, 8, 8, 1), np.float32))
    np.testing.assert_array_equal(made[..., 0], GREY.astype(dtype).astype(np.float32))

  @parameterized.parameters(np.uint8, np.int16, np.int64, np.uint64)
  def test_integers_are_parts_of_255(self, dtype):
    images = np.round(GREY * 255.0).astype(dtype)
    made = image_checks.to_grey(images, "here")
    self.assertEqual(made.dtype, np.float32)
    np.testing.assert_allclose(made[..., 0], images / 255.0, rtol=1e-6)
    self.assertEqual(made.max(), 1.0)

  def test_truth_is_ink(self):
    made = image_checks.to_grey(GREY > 0.5, "here")
    np.testing.assert_array_equal(made[..., 0], np.where(GREY > 0.5, 1.0, 0.0))

  def test_one_channel_may_be_an_axis(self):
    np.testing.assert_array_equal(
        image_checks.to_grey(GREY[..., None], "here"), image_checks.to_grey(GREY, "here"))

  @parameterized.parameters(8, 64)
  def test_the_smallest_and_the_largest_side_are_taken(self, side):
    self.assertEqual(
        image_checks.to_grey(np.zeros((2, side, side)), "here").shape, (2, side, side, 1))

  @parameterized.named_parameters(
      ("too_small", np.zeros((2, 7, 7)), "7 x 7 pixels; expected a side from 8 to 64"),
      ("too_large", np.zeros((2, 65, 65)), "65 x 65 pixels; expected a side from 8 to 64"),
      ("not_square", np.zeros((2, 8, 9)), "8 x 9 pixels; expected square"),
      ("colour", np.zeros((2, 8, 8, 3)), "3 channels; expected greyscale, one channel"),
      ("channels_first", np.zeros((2, 1, 8, 8)), "8 channels; expected greyscale"),
      ("flat", np.zeros((2, 64)), r"shape 2 x 64; expected \[n, side, side\] or"),
      ("single", np.float32(0.5), r"shape \(\); expected"),
      ("none", np.zeros((0, 8, 8)), "shape 0 x 8 x 8; expected"),
      ("complex", np.zeros((2, 8, 8), np.complex64), "type complex64; expected bool"),
      ("words", np.full((2, 8, 8), "a"), "type <U1; expected bool"),
      ("below", GREY - 0.25, "values from -0.25 to 0.75; expected floats in"),
      ("above", GREY * 255.0, "values from 0 to 255; expected floats in"),
      ("slightly_above", GREY * 1.001, "values from 0 to 1.001; expected"),
      ("nan", np.where(GREY > 0.9, np.nan, GREY), "NaN or infinite; expected"),
      ("infinite", np.where(GREY > 0.9, np.inf, GREY), "NaN or infinite; expected"),
      ("integers_above", np.full((2, 8, 8), 256), "integers from 256 to 256; expected 0 to 255"),
      ("integers_below", np.full((2, 8, 8), -1), "integers from -1 to -1; expected 0 to 255"),
      ("zero_and_one", np.eye(8, dtype=np.uint8)[None], "up to 1 only, while 255 is full ink"))
  def test_refused(self, images, message):
    with self.assertRaisesRegex(errors.UserError, f"^here has .*{message}") as raised:
      image_checks.to_grey(images, "here")
    self.assertNotIn("\n", str(raised.exception))


class ToLabelsTest(parameterized.TestCase):

  @parameterized.parameters(
      ([3, 0, -1],), ([[3, 0, -1]],), ([[3], [0], [-1]],), ([3.0, 0.0, -1.0],))
  def test_integers_in_a_row_or_a_column(self, labels):
    made = image_checks.to_labels(np.array(labels), 3, "here")
    self.assertEqual((made.tolist(), made.dtype), ([3, 0, -1], np.int32))

  @parameterized.named_parameters(
      ("too_few", [1, 2], "shape 2; expected a label for each of 3 images"),
      ("one_hot", np.eye(3), "shape 3 x 3; expected a label for each"),
      ("single", 1, r"shape \(\); expected a label for each"),
      ("fraction", [1.0, 0.5, 2.0], r"has 0\.5 for image 1 \(from 0\); expected integers"),
      ("nan", [1.0, 2.0, np.nan], "has nan for image 2"),
      ("below", [-2, 0, 0], "has -2 for image 0"),
      ("too_large", [0, 0, 2**31], "has 2147483648 for image 2"),
      ("words", ["a", "b", "c"], "type <U1; expected integers"))
  def test_refused(self, labels, message):
    with self.assertRaisesRegex(errors.UserError, f"^here .*{message}"):
      image_checks.to_labels(np.array(labels), 3, "here")


if __name__ == "__main__":
  absltest.main()
