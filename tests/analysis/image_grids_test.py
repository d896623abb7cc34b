"""Picture grids: every pixel is at its place."""

import numpy as np
from absl.testing import absltest

from du_vae_tf.analysis import image_grids


class ImageGridsTest(absltest.TestCase):

  def test_every_pixel_is_at_its_place(self):
    first = np.array([[0.0, 1.0]])
    second = np.array([[0.4, 0.6]])  # 102 and 153 of 255.
    third = np.array([[1.0, 0.0]])
    picture = image_grids.draw(np.stack([first, second, third])[..., np.newaxis], columns=2)
    self.assertEqual(picture.dtype, np.uint8)
    gap = [96] * 16
    top = [96] * 2 + [0] * 3 + [255] * 3 + [96] * 2 + [102] * 3 + [153] * 3
    bottom = [96] * 2 + [255] * 3 + [0] * 3 + [96] * 8
    expected = [gap] * 2 + [top] * 3 + [gap] * 2 + [bottom] * 3 + [gap] * 2
    np.testing.assert_array_equal(
        picture[..., 0], [[*line[:16], *gap[:2]] for line in expected])


if __name__ == "__main__":
  absltest.main()
