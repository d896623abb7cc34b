"""What each of the two convolutions sees, against sums written out."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import causal_stacks


def inputs() -> np.ndarray:
  return np.random.default_rng(1).normal(size=(2, 6, 5, 3)).astype(np.float32)


class CausalStacksTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(reach=(1, 2, 3), own=(False, True))
  def test_vertical_is_the_sum_over_rows_above(self, reach: int, own: bool) -> None:
    layer = causal_stacks.VerticalConvolution(4, reach, includes_own=own)
    x = inputs()
    output = layer(x).numpy()
    kernel = layer.kernel.numpy()
    self.assertEqual(kernel.shape, (reach + own, 2 * reach + 1, 3, 4))
    padded = np.pad(x, [(0, 0), (reach, 0), (reach, reach), (0, 0)])
    for row in range(6):
      for column in range(5):
        seen = padded[:, row:row + reach + own, column:column + 2 * reach + 1]
        self.assertAllClose(
            output[:, row, column], np.einsum("brsc,rscf->bf", seen, kernel), atol=1e-5)

  @parameterized.product(reach=(1, 2, 3), own=(False, True))
  def test_horizontal_is_the_sum_over_pixels_to_the_left(self, reach: int, own: bool) -> None:
    layer = causal_stacks.HorizontalConvolution(4, reach, includes_own=own)
    x = inputs()
    output = layer(x).numpy()
    kernel = layer.kernel.numpy()
    self.assertEqual(kernel.shape, (1, reach + own, 3, 4))
    padded = np.pad(x, [(0, 0), (0, 0), (reach, 0), (0, 0)])
    for column in range(5):
      seen = padded[:, :, column:column + reach + own]
      self.assertAllClose(
          output[:, :, column], np.einsum("brsc,scf->brf", seen, kernel[0]), atol=1e-5)

  @parameterized.parameters(
      causal_stacks.VerticalConvolution, causal_stacks.HorizontalConvolution)
  def test_refuses_a_reach_of_zero(self, kind: type) -> None:
    with self.assertRaisesRegex(ValueError, "Received: reach=0"):
      kind(4, 0, includes_own=True)


if __name__ == "__main__":
  tf.test.main()
