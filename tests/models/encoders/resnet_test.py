"""The image encoder against a written-out computation; its sizes, weights and initialization."""

import math

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import batch_normalization
from du_vae_tf.layers import strided_residual_block
from du_vae_tf.models.encoders import resnet

LATENT_DIM = 3


def make_encoder(side: int = 8, latent_dim: int = LATENT_DIM,
                 seed: int = 1) -> resnet.ResNetEncoder:
  encoder = resnet.ResNetEncoder(latent_dim, side, seed=seed)
  encoder.build(None)
  return encoder


def make_lively_encoder(side: int) -> resnet.ResNetEncoder:
  """One whose normalizations and biases do something of their own outside training, too."""
  encoder = make_encoder(side)
  random = np.random.default_rng(side)
  for weight in encoder.weights:
    if weight.name in ("scale", "moving_variance"):
      weight.assign(random.uniform(0.5, 1.5, weight.shape))
    elif weight.name in ("shift", "moving_mean", "bias"):
      weight.assign(random.normal(0.0, 0.3, weight.shape))
  return encoder


def make_images(rows: int, side: int, seed: int = 0) -> np.ndarray:
  return np.random.default_rng(seed).integers(0, 2, (rows, side, side, 1)).astype(np.float32)


def blocks_of(encoder: resnet.ResNetEncoder) -> list[strided_residual_block.StridedResidualBlock]:
  return encoder.blocks


def convolve(x: np.ndarray, kernel: np.ndarray, stride: int, padding: int) -> np.ndarray:
  """A convolution as the sum of the shifted images, in float64."""
  size = kernel.shape[0]
  x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
  height, width = ((length - size) // stride + 1 for length in x.shape[1:3])
  return sum(
      x[:, row:row + stride * height:stride, column:column + stride * width:stride]
      @ kernel[row, column]
      for row in range(size) for column in range(size))


def normalize(x: np.ndarray, layer: batch_normalization.BatchNormalization,
              training: bool) -> np.ndarray:
  scale, shift, mean, variance = (
      weight.numpy().astype(np.float64)
      for weight in (layer.scale, layer.shift, layer.moving_mean, layer.moving_variance))
  if training:
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
  return scale * (x - mean) / np.sqrt(variance + 1e-5) + shift


def elu(x: np.ndarray) -> np.ndarray:
  return np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))


def kernel_of(layer: tf.Module) -> np.ndarray:
  return layer.kernel.numpy().astype(np.float64)


def encode(encoder: resnet.ResNetEncoder, images: np.ndarray, training: bool) -> np.ndarray:
  """Mean and log-variance side by side, float64 [b, 2 n], from the encoder's weights alone."""
  x = images.astype(np.float64)
  for block in blocks_of(encoder):
    y = convolve(x, kernel_of(block.first), stride=2, padding=1)
    y = elu(normalize(y, block.first_normalization, training))
    y = convolve(y, kernel_of(block.second), stride=1, padding=1)
    y = normalize(y, block.second_normalization, training)
    shortcut = convolve(x, kernel_of(block.shortcut)[np.newaxis, np.newaxis], stride=2, padding=0)
    x = elu(y + normalize(shortcut, block.shortcut_normalization, training))
  x = convolve(x, kernel_of(encoder.collect), stride=1, padding=0)
  x = elu(normalize(x, encoder.collect_normalization, training))
  return x[:, 0, 0] @ kernel_of(encoder.head) + encoder.head.bias.numpy()


def count(*layers: tf.Module) -> int:
  return sum(math.prod(weight.shape) for layer in layers for weight in layer.trainable_weights)


class ResNetEncoderTest(tf.test.TestCase, parameterized.TestCase):

  # The side, and what three halvings leave of it.
  @parameterized.parameters((8, 1), (25, 4), (28, 4), (32, 4), (64, 8))
  def test_shapes(self, side: int, remaining: int) -> None:
    encoder = make_encoder(side)
    mean, log_variance = encoder(make_images(2, side))
    for output in (mean, log_variance):
      self.assertEqual(output.shape, (2, LATENT_DIM))
      self.assertEqual(output.dtype, tf.float32)
    self.assertEqual(encoder.collect.kernel.shape, (remaining, remaining, 64, 512))

  def test_parameters_are_the_published_ones(self) -> None:
    encoder = make_encoder(28, latent_dim=32)
    self.assertEqual([count(block) for block in blocks_of(encoder)], [37_888, 78_208, 78_208])
    self.assertEqual(count(encoder.collect, encoder.collect_normalization), 525_312)
    self.assertEqual(count(encoder.head), 32_832)
    self.assertEqual(count(encoder), 752_448)

  # Even and odd sides; only at even ones does TensorFlow's padding differ from the symmetric one.
  @parameterized.product(side=(8, 13), training=(False, True))
  def test_output_equals_the_written_out_computation(self, side: int, training: bool) -> None:
    encoder = make_lively_encoder(side)
    images = make_images(6, side)
    expected = encode(encoder, images, training)
    moments = encoder(images, training=training)
    # Float32 against float64, through eleven normalized layers; outputs are of the order of 1.
    self.assertAllClose(tf.concat(moments, axis=-1), expected, rtol=1e-4, atol=1e-4)
    self.assertGreater(np.std(expected, axis=0).min(), 0.01)

  def test_modes_differ(self) -> None:
    encoder = make_lively_encoder(8)
    images = make_images(6, 8)
    self.assertNotAllClose(
        encode(encoder, images, True), encode(encoder, images, False), rtol=0.0, atol=0.1)

  def test_training_moves_every_running_moment_and_evaluation_none(self) -> None:
    encoder = make_encoder()
    before = [weight.numpy() for weight in encoder.non_trainable_weights]
    self.assertLen(before, 2 * (3 * 3 + 1))
    encoder(make_images(6, 8))
    self.assertAllEqual(
        np.concatenate(before), np.concatenate([w.numpy() for w in encoder.non_trainable_weights]))
    encoder(make_images(6, 8), training=True)
    for old, weight in zip(before, encoder.non_trainable_weights, strict=True):
      self.assertNotAllClose(old, weight, rtol=0.0, atol=1e-4)

  def test_padding_is_symmetric(self) -> None:
    images = make_images(2, 8)
    layer = make_encoder().blocks[0].first
    output = layer(images)
    self.assertAllClose(output, convolve(images, kernel_of(layer), 2, 1), rtol=1e-5, atol=1e-6)
    # What it must not be: TensorFlow pads even sides below and to the right alone.
    self.assertNotAllClose(
        output, tf.nn.conv2d(images, tf.constant(layer.kernel), 2, "SAME"), rtol=0.0, atol=0.1)

  def test_initial_kernels_have_the_fan_out_deviation(self) -> None:
    encoder = make_encoder(28)
    kernels = [(encoder.collect, 4, 512)]
    for block in blocks_of(encoder):
      kernels += [(block.first, 3, 64), (block.second, 3, 64), (block.shortcut, 1, 64)]
    for layer, size, filters in kernels:
      kernel = kernel_of(layer)
      expected = math.sqrt(2.0 / (size**2 * filters))
      # Six standard errors of the deviation, and of the mean, of normal numbers.
      error = 6.0 / math.sqrt(2.0 * kernel.size)
      self.assertAllClose(kernel.std(), expected, rtol=error, atol=0.0, msg=layer.path)
      self.assertLess(abs(kernel.mean()), 6.0 * expected / math.sqrt(kernel.size), layer.path)

  def test_initial_head_is_uniform_with_the_xavier_bound(self) -> None:
    head = make_encoder(latent_dim=32).head
    bound = math.sqrt(6.0 / (512 + 64))
    kernel = kernel_of(head)
    self.assertAllInRange(kernel, -bound, bound)
    # Largest of 32 768 uniform numbers; below this with probability 0.999^32768 = 6e-15.
    self.assertGreater(np.abs(kernel).max(), 0.999 * bound)
    # Six standard errors of the deviation of uniform numbers: its square has a relative standard
    # deviation of sqrt(0.8 / N), it itself half of that.
    self.assertAllClose(
        kernel.std(), bound / math.sqrt(3.0), rtol=6.0 * math.sqrt(0.2 / kernel.size), atol=0.0)
    self.assertAllEqual(head.bias, np.zeros(64))

  def test_kernels_of_equal_shape_differ(self) -> None:
    _, second, third = blocks_of(make_encoder())
    kernels = [layer.kernel for block in (second, third) for layer in (block.first, block.second)]
    for number, kernel in enumerate(kernels):
      for other in kernels[:number]:
        self.assertNotAllClose(kernel, other, rtol=0.0, atol=0.01)

  def test_gradients_reach_every_weight(self) -> None:
    encoder = make_lively_encoder(8)
    with tf.GradientTape() as tape:
      mean, log_variance = encoder(make_images(6, 8), training=True)
      loss = tf.reduce_sum(mean**2 + tf.exp(log_variance))
    variables = encoder.trainable_variables
    self.assertLen(variables, 3 * 3 * 3 + 3 + 2)
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
      self.assertIsNotNone(gradient, variable.path)
      self.assertTrue(np.all(np.isfinite(gradient)), variable.path)
      # Far above the rounding of terms that cancel.
      self.assertGreater(np.abs(gradient).max(), 1e-3, variable.path)

  def test_batches_of_no_row_and_of_one(self) -> None:
    encoder = make_lively_encoder(8)
    images = make_images(4, 8)
    self.assertEqual([output.shape for output in encoder(images[:0])], [(0, LATENT_DIM)] * 2)
    self.assertAllClose(encoder(images[2:3]), [row[2:3] for row in encoder(images)], rtol=1e-5,
                        atol=1e-5)
    # One image of side 8 leaves one position, whose variance is 0.
    for output in encoder(images[:1], training=True):
      self.assertTrue(np.all(np.isfinite(output)))

  def test_weights_belong_to_the_seed(self) -> None:
    first, again, other = (make_encoder(seed=seed) for seed in (1, 1, 2))
    for ours, same, different in zip(
        first.weights, again.weights, other.weights, strict=True):
      self.assertAllEqual(ours, same)
      if ours.name == "kernel":
        self.assertNotAllClose(ours, different, rtol=0.0, atol=0.01)

  def test_configuration_round_trip(self) -> None:
    encoder = make_encoder(13, seed=3)
    clone = resnet.ResNetEncoder.from_config(encoder.get_config())
    self.assertEqual(clone.get_config(), encoder.get_config())
    images = make_images(2, 13)
    self.assertAllEqual(clone(images), encoder(images))

  def test_it_reads_the_image_of_a_batch(self) -> None:
    image = tf.constant(make_images(2, 8))
    inputs = make_encoder().inputs({"image": image, "row": tf.range(2)})
    self.assertLen(inputs, 1)
    self.assertIs(inputs[0], image)


if __name__ == "__main__":
  tf.test.main()
