"""The gated PixelCNN decoder: causality without a blind spot, likelihood, sampler, gradients."""

import numpy as np
import tensorflow as tf

from du_vae_tf.models.decoders import gated_pixel_cnn
from tests.models.decoders import pixel_conformance
from tests.models.decoders import pixel_reference
from tests.testing import tolerances

SMALL = (7, 5, 3, 3)


def make(side: int = 8, kernel_sizes: tuple[int, ...] = SMALL,
         **options: int) -> gated_pixel_cnn.GatedPixelCNNDecoder:
  """A small decoder with biases of its own."""
  decoder = gated_pixel_cnn.GatedPixelCNNDecoder(
      **{"latent_dim": 3, "side": side, "channels": 6, "kernel_sizes": kernel_sizes} | options)
  decoder.build((None, 3))
  random = np.random.default_rng(3)
  for weight in decoder.weights:
    if weight.name == "bias":
      weight.assign(random.normal(0.0, 0.2, weight.shape))
  return decoder


class GatedPixelCNNDecoderTest(
    pixel_conformance.PixelDecoderConformance, tf.test.TestCase):

  SMALL = SMALL

  def make(self, side: int = 8, kernel_sizes: tuple[int, ...] | None = None,
           **options: int) -> gated_pixel_cnn.GatedPixelCNNDecoder:
    return make(side, kernel_sizes or SMALL, **options)

  def test_first_two_layers_are_the_published_ones(self) -> None:
    decoder = make(kernel_sizes=(3, 3))
    x, z = pixel_reference.images(2, 8), pixel_reference.latents(2)
    maps = tf.reshape(decoder.latent_maps(z), [2, 8, 8, 4])

    def linear(layer: tf.Module, tensor: tf.Tensor) -> tf.Tensor:
      return tf.einsum("bhwc,cf->bhwf", tensor, layer.kernel) + (
          layer.bias if layer.use_bias else 0.0)

    def gated(tensor: tf.Tensor) -> tf.Tensor:
      return tf.tanh(tensor[..., :6]) * tf.sigmoid(tensor[..., 6:])

    v_gates = decoder.vertical[0](x) + linear(decoder.vertical_latent[0], maps)
    h_gates = (decoder.horizontal[0](x) + linear(decoder.links[0], v_gates)
               + linear(decoder.horizontal_latent[0], maps))
    v, h = gated(v_gates), linear(decoder.residuals[0], gated(h_gates))
    v_gates = decoder.vertical[1](v) + linear(decoder.vertical_latent[1], maps)
    h_gates = (decoder.horizontal[1](h) + linear(decoder.links[1], v_gates)
               + linear(decoder.horizontal_latent[1], maps))
    h = linear(decoder.residuals[1], gated(h_gates)) + h
    expected = linear(decoder.output_head, tf.nn.relu(linear(decoder.head, tf.nn.relu(h))))
    self.assertAllClose(decoder.logits(z, x), expected, rtol=1e-5, atol=1e-5)

  def test_sizes_are_the_published_ones(self) -> None:
    decoder = gated_pixel_cnn.GatedPixelCNNDecoder(32, 28)
    self.assertLen(decoder.vertical, 13)
    self.assertEqual([layer.reach for layer in decoder.vertical], [3] * 5 + [2] * 4 + [1] * 4)
    self.assertEqual({layer.filters for layer in decoder.horizontal}, {128})

  def test_every_earlier_pixel_in_reach_and_no_other_has_an_influence(self) -> None:
    # Three layers of 5 x 5: six rows above and six columns to either side.
    decoder = make(kernel_sizes=(5, 5, 5))
    influences = pixel_reference.influences(decoder, 8)
    for pixel, changed in enumerate(influences):
      row, column = divmod(pixel, 8)
      for other in range(64):
        below, right = other // 8 - row, other % 8 - column
        later = below > 0 or (below == 0 and right > 0)
        if not later:
          self.assertFalse(changed[other], (pixel, other))
        elif below <= 6 and abs(right) <= 6:
          self.assertTrue(changed[other], (pixel, other))

  def test_sampler_draws_pixels_together_as_often_as_they_are_likely(self) -> None:
    decoder = make(side=3)
    for layer in (decoder.vertical[0], decoder.horizontal[0]):
      layer.kernel.assign(10.0 * layer.kernel)
    every, z, draws = pixel_reference.all_images(3), pixel_reference.latents(1), 50_000
    probability = np.exp(decoder(np.repeat(z, len(every), axis=0), every).numpy())
    flat = every.reshape(-1, 9)
    expected = flat.T @ (probability[:, np.newaxis] * flat)
    uniform = np.random.default_rng(4).random((draws, 3, 3)).astype(np.float32)
    drawn = decoder.sample(np.repeat(z, draws, axis=0), uniform)[0].numpy().reshape(-1, 9)
    radius = tolerances.hoeffding_radius(draws)
    self.assertAllClose(drawn.T @ drawn / draws, expected, rtol=0.0, atol=radius)
    # Pixels drawn without regard to those before would be outside.
    marginal = np.diagonal(expected)
    self.assertNotAllClose(
        np.triu(np.outer(marginal, marginal), 1), np.triu(expected, 1), rtol=0.0, atol=2 * radius)

  def test_no_rows_give_no_likelihood_and_no_gradient(self) -> None:
    decoder = make()
    z, x = tf.zeros([0, 3]), tf.zeros([0, 8, 8, 1])
    with tf.GradientTape() as tape:
      likelihood = decoder(z, x, training=True)
    self.assertEqual(likelihood.shape, [0])
    for gradient in tape.gradient(likelihood, decoder.trainable_weights):
      self.assertAllEqual(gradient, tf.zeros_like(gradient))
    self.assertEqual(decoder.sample_log_likelihood(z[tf.newaxis], decoder.shared(x)).shape, [1, 0])

  def test_training_mode_is_the_same_network(self) -> None:
    decoder = make()
    x, z = pixel_reference.images(2, 8), pixel_reference.latents(2)
    self.assertAllEqual(decoder.logits(z, x, training=True), decoder.logits(z, x))


if __name__ == "__main__":
  tf.test.main()
