"""The masked convolution against the full kernel, its mask and its pieces."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import masked_convolution


def make(kernel_size: int, includes_center: bool, channels: int = 3, filters: int = 4
         ) -> masked_convolution.MaskedConvolution:
  layer = masked_convolution.MaskedConvolution(filters, kernel_size, includes_center)
  layer.build((None, None, None, channels))
  # Outputs of order 1.
  layer.kernel.assign(np.random.default_rng(kernel_size).normal(
      scale=1.0 / np.sqrt(channels * kernel_size**2), size=layer.kernel.shape))
  return layer


def full_kernel(layer: masked_convolution.MaskedConvolution) -> np.ndarray:
  """The k x k kernel with its mask, written out weight by weight."""
  size, reach = layer.kernel_size, layer.kernel_size // 2
  kernel = np.zeros((size, size, *layer.kernel.shape[2:]), np.float32)
  for row in range(size):
    for column in range(size):
      above = row < reach
      left = row == reach and (column < reach or (column == reach and layer.includes_center))
      if above or left:
        kernel[row, column] = layer.kernel.numpy()[row, column]
  return kernel


CASES = tuple((size, center) for size in (3, 5, 7) for center in (False, True))


class MaskedConvolutionTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*CASES)
  def test_equals_the_masked_full_kernel(self, size: int, center: bool) -> None:
    layer = make(size, center)
    inputs = tf.random.stateless_normal([2, 9, 6, 3], [1, size])
    expected = tf.nn.conv2d(inputs, full_kernel(layer), 1, "SAME")
    self.assertAllClose(layer(inputs), expected, rtol=0.0, atol=1e-6)

  @parameterized.parameters(*CASES)
  def test_in_float64_equals_it_to_the_last_digits(self, size: int, center: bool) -> None:
    layer = make(size, center)
    double = masked_convolution.MaskedConvolution(4, size, center, dtype="float64")
    double.build((None, None, None, 3))
    double.kernel.assign(layer.kernel.numpy().astype(np.float64))
    inputs = tf.random.stateless_normal([2, 9, 6, 3], [1, size], dtype=tf.float64)
    expected = tf.nn.conv2d(inputs, full_kernel(layer).astype(np.float64), 1, "SAME")
    self.assertAllClose(double(inputs), expected, rtol=0.0, atol=1e-12)

  @parameterized.parameters(*CASES)
  def test_gradient_is_that_of_the_full_kernel_and_zero_where_masked(
      self, size: int, center: bool) -> None:
    layer = make(size, center)
    inputs = tf.random.stateless_normal([2, 8, 8, 3], [2, size])
    upstream = tf.random.stateless_normal([2, 8, 8, 4], [3, size])
    full = tf.constant(full_kernel(layer))
    with tf.GradientTape(persistent=True) as tape:
      tape.watch([inputs, full])
      ours = tf.reduce_sum(layer(inputs) * upstream)
      plain = tf.reduce_sum(tf.nn.conv2d(inputs, full, 1, "SAME") * upstream)
    kernel_gradient = tape.gradient(ours, layer.kernel.value).numpy()
    reach = size // 2
    self.assertAllEqual(kernel_gradient[reach, reach + center:], 0.0 * kernel_gradient[
        reach, reach + center:])
    expected = tape.gradient(plain, full).numpy()[:reach + 1]
    expected[reach, reach + center:] = 0.0
    self.assertAllClose(kernel_gradient, expected, rtol=1e-4, atol=1e-4)
    self.assertAllClose(
        tape.gradient(ours, inputs), tape.gradient(plain, inputs), rtol=1e-5, atol=1e-4)

  @parameterized.parameters(*CASES)
  def test_rows_above_and_own_row_add_up_to_the_whole(self, size: int, center: bool) -> None:
    layer = make(size, center)
    above, left = layer.parts()
    inputs = tf.random.stateless_normal([2, 9, 6, 3], [4, size])
    row, column, reach = 4, 3, size // 2
    padded = tf.pad(inputs, [[0, 0], [reach, 0], [reach, 0], [0, 0]])
    from_above = masked_convolution.contribution_of_rows_above(
        padded[:, row:row + reach, reach:], above)
    seen = padded[:, row + reach, column:column + reach + center]
    from_left = tf.einsum("btc,tcf->bf", seen, left)
    self.assertAllClose(
        layer(inputs)[:, row, column], from_above[:, column] + from_left, rtol=1e-5, atol=1e-5)

  def test_stores_only_the_upper_rows(self) -> None:
    self.assertEqual(make(7, True, 32, 32).count_params(), 4 * 7 * 32 * 32)

  def test_keeps_an_empty_batch(self) -> None:
    layer = make(3, True)
    with tf.GradientTape() as tape:
      output = layer(tf.zeros([0, 5, 5, 3]))
    self.assertAllEqual(output.shape, [0, 5, 5, 4])
    self.assertAllEqual(
        tape.gradient(output, layer.kernel.value), np.zeros(layer.kernel.shape))

  @parameterized.parameters(1, 2, 4, -3)
  def test_refuses_other_kernel_sizes(self, size: int) -> None:
    with self.assertRaisesRegex(ValueError, f"Received: kernel_size={size}"):
      masked_convolution.MaskedConvolution(4, size, True)


if __name__ == "__main__":
  tf.test.main()
