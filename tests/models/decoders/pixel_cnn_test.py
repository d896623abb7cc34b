"""The PixelCNN decoder: wiring, causality, likelihood, and the sampler against full passes."""

import numpy as np
import tensorflow as tf

from du_vae_tf.layers import batch_normalization
from du_vae_tf.models.decoders import pixel_cnn
from tests.models.decoders import pixel_conformance
from tests.models.decoders import pixel_reference

SMALL = (7, 5, 3, 3, 5, 3)


def make(side: int = 8, kernel_sizes: tuple[int, ...] = SMALL,
         **options: int) -> pixel_cnn.PixelCNNDecoder:
  """A small decoder whose normalizations have scales, shifts and fitting moments of their own."""
  decoder = pixel_cnn.PixelCNNDecoder(
      **{"latent_dim": 3, "side": side, "channels": 6, "kernel_sizes": kernel_sizes} | options)
  decoder.build((None, decoder.latent_dim))
  random = np.random.default_rng(3)
  for weight in decoder.weights:
    if weight.name == "scale":
      weight.assign(random.uniform(0.5, 1.5, weight.shape))
    elif weight.name == "shift":
      weight.assign(random.normal(0.0, 0.5, weight.shape))
  normalizations = [layer for layer in decoder._flatten_layers()
                    if isinstance(layer, batch_normalization.BatchNormalization)]
  for layer in normalizations:
    layer.momentum = 0.0  # So that one pass sets the moments.
  z = random.normal(size=(16, decoder.latent_dim))
  decoder(z, pixel_reference.images(16, side), training=True)
  return decoder


class PixelCNNDecoderTest(
    pixel_conformance.PixelDecoderConformance, tf.test.TestCase):

  SMALL = SMALL

  def make(self, side: int = 8, kernel_sizes: tuple[int, ...] | None = None,
           **options: int) -> pixel_cnn.PixelCNNDecoder:
    return make(side, kernel_sizes or SMALL, **options)

  def test_parameters_are_the_published_ones_less_the_rows_that_are_not_stored(self) -> None:
    decoder = pixel_cnn.PixelCNNDecoder(32, 28)
    decoder.build((None, 32))

    def count(layer: tf.Module) -> int:
      return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)

    def rows_below(size: int, inputs: int, filters: int) -> int:
      return size // 2 * size * inputs * filters

    first = sum(map(count, (decoder.image_convolution, decoder.latent_convolution,
                            decoder.first_normalization)))
    self.assertEqual(first + rows_below(7, 1, 64), 15_808)
    dense = {7: 54_528, 5: 29_952, 3: 13_568}
    main, extra = (7,) * 4 + (5,) * 4 + (3,) * 4, (7,) * 4 + (5,) * 4 + (3,) * 3
    for blocks, sizes in ((decoder.blocks, main), (decoder.shortcuts, extra)):
      self.assertEqual([block.kernel_size for block in blocks], list(sizes))
      for block, size in zip(blocks, sizes, strict=True):
        self.assertEqual(count(block) + rows_below(size, 32, 32), dense[size])
    head = sum(map(count, (decoder.head, decoder.head_normalization, decoder.output_head)))
    self.assertEqual(head, 4_288)
    self.assertEqual(count(decoder.latent_maps), 103_488)
    dropped = rows_below(7, 1, 64) + sum(rows_below(size, 32, 32) for size in main + extra)
    self.assertEqual(count(decoder) + dropped, 894_400)
    # Of the stored rows, the own row still has masked weights: to the right, and for the image
    # the center.
    masked = 4 * 1 * 64 + sum(size // 2 * 32 * 32 for size in main + extra)
    self.assertEqual(count(decoder) - masked, 569_216)

  def test_wiring_is_that_of_blocks_and_shortcuts(self) -> None:
    decoder = make()
    x = pixel_reference.images(2, 8)
    z = pixel_reference.latents(2)
    maps = tf.reshape(decoder.latent_maps(z), [2, 8, 8, 4])
    first = decoder.image_convolution(x) + decoder.latent_convolution(maps)
    out = [tf.nn.elu(decoder.first_normalization(first))]
    for layer in range(1, 6):
      previous = out[layer - 1]
      if layer >= 3:
        previous += decoder.shortcuts[layer - 3](out[layer - 3])
      out.append(decoder.blocks[layer - 1](previous))
    last = out[5] + decoder.shortcuts[3](out[3])
    hidden = tf.nn.elu(decoder.head_normalization(decoder.head(last)))
    expected = decoder.output_head(hidden)
    self.assertLen(decoder.shortcuts, 4)
    self.assertAllClose(decoder.logits(z, x), expected, rtol=1e-5, atol=1e-5)

  def test_a_pixel_changes_no_logit_at_or_before_it_and_some_after_it(self) -> None:
    decoder = make()
    influences = pixel_reference.influences(decoder, 8)
    for pixel, changed in enumerate(influences):
      self.assertFalse(changed[:pixel + 1].any(), pixel)
      row, column = divmod(pixel, 8)
      if column < 7:
        self.assertTrue(changed[pixel + 1], pixel)
      if row < 7:
        self.assertTrue(changed[pixel + 8], pixel)

  def test_in_training_mode_batch_moments_see_all_pixels(self) -> None:
    decoder = make()
    x, z = pixel_reference.images(2, 8), pixel_reference.latents(2)
    changed = x.copy()
    changed[0, 7, 6, 0] = 1.0 - changed[0, 7, 6, 0]
    self.assertNotAllClose(
        decoder.logits(z, x, training=True)[0, 0], decoder.logits(z, changed, training=True)[0, 0],
        rtol=0.0, atol=1e-6)

  def test_extreme_logits_give_finite_likelihoods(self) -> None:
    decoder = make()
    decoder.output_head.kernel.assign(1e6 * tf.ones_like(decoder.output_head.kernel))
    likelihood = decoder(pixel_reference.latents(4), pixel_reference.images(4, 8))
    self.assertAllInRange(likelihood, -1e12, 0.0)

  def test_initial_spreads(self) -> None:
    decoder = pixel_cnn.PixelCNNDecoder(32, 28)
    decoder.build((None, 32))
    block = decoder.blocks[0]
    for kernel, size, filters in ((block.masked.kernel, 7, 32), (block.reduce.kernel, 1, 32),
                                  (block.expand.kernel, 1, 64),
                                  (decoder.latent_convolution.kernel, 7, 64)):
      # The deviation of 2 048 or more draws is within 8 % with a probability above 1 - 1e-6.
      self.assertAllClose(np.std(kernel), np.sqrt(2.0 / (size**2 * filters)), rtol=0.08)
    self.assertAllInRange(decoder.head.kernel.numpy(), -0.125, 0.125)
    self.assertGreater(np.abs(decoder.head.kernel.numpy()).max(), 0.12)
    self.assertAllInRange(decoder.latent_maps.kernel.numpy(), -0.0436, 0.0436)


if __name__ == "__main__":
  tf.test.main()
