"""What every decoder of images must do."""

from typing import Any

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tests.models.decoders import pixel_reference

PUBLISHED_SIZES = (7,) * 5 + (5,) * 4 + (3,) * 4


class PixelDecoderConformance(parameterized.TestCase):
  """Tests for a class that is a `tf.test.TestCase`, too, and says how to make a small decoder."""

  SMALL: tuple[int, ...]

  def make(self, side: int = 8, kernel_sizes: tuple[int, ...] | None = None,
           **options: int) -> Any:
    """A decoder with weights that let every part show; latent_dim 3 and SMALL by default."""
    raise NotImplementedError

  def test_likelihood_is_the_sum_of_bernoulli_log_probabilities(self) -> None:
    decoder = self.make()
    x, z = pixel_reference.images(3, 8), pixel_reference.latents(3)
    logits = decoder.logits(z, x).numpy().astype(np.float64)
    probability = 1.0 / (1.0 + np.exp(-logits))
    expected = np.log(np.where(x == 1.0, probability, 1.0 - probability)).sum(axis=(1, 2, 3))
    self.assertAllClose(decoder(z, x), expected, rtol=1e-5)
    self.assertAllEqual(decoder.tokens({"image": x}), [64] * 3)

  def test_probabilities_of_all_images_sum_to_one(self) -> None:
    every = pixel_reference.all_images(3)
    z = np.repeat(pixel_reference.latents(1), len(every), axis=0)
    likelihood = self.make(side=3)(z, every)
    self.assertAllClose(tf.reduce_sum(tf.exp(likelihood)), 1.0, rtol=1e-5)

  def test_several_samples_equal_one_at_a_time(self) -> None:
    decoder = self.make()
    x = pixel_reference.images(2, 8)
    z = np.stack([pixel_reference.latents(2, seed) for seed in range(3)])
    expected = [decoder(sample, x) for sample in z]
    found = decoder.sample_log_likelihood(z, decoder.shared(x))
    self.assertAllClose(found, expected, rtol=1e-5, atol=1e-4)

  def test_every_pixel_depends_on_z(self) -> None:
    decoder = self.make()
    x = pixel_reference.images(1, 8)
    difference = (decoder.logits(pixel_reference.latents(1, 1), x)
                  - decoder.logits(pixel_reference.latents(1, 2), x))
    self.assertAllGreater(tf.abs(difference), 0.0)

  @parameterized.parameters((8, None), (11, (3, 7, 5)), (8, PUBLISHED_SIZES))
  def test_sampler_draws_what_full_passes_draw(
      self, side: int, kernel_sizes: tuple[int, ...] | None) -> None:
    decoder = self.make(side, kernel_sizes)
    z = pixel_reference.latents(2)
    uniform = np.random.default_rng(1).random((2, side, side)).astype(np.float32)
    image, logits = tf.function(decoder.sample)(z, uniform)
    naive, naive_logits = pixel_reference.naive_sample(decoder, z, uniform)
    self.assertAllEqual(image, naive)
    self.assertBetween(np.mean(naive), 0.05, 0.95)
    self.assertAllClose(logits, naive_logits, rtol=0.0, atol=1e-5)

  def test_sampler_at_full_size(self) -> None:
    decoder = self.make(side=28, channels=64, kernel_sizes=PUBLISHED_SIZES)
    z = pixel_reference.latents(2)
    uniform = np.random.default_rng(1).random((2, 28, 28)).astype(np.float32)
    image, logits = tf.function(decoder.sample)(z, uniform)
    self.assertAllClose(logits, decoder.logits(z, image), rtol=0.0, atol=1e-5)
    self.assertAllEqual(image[..., 0], uniform < tf.sigmoid(logits)[..., 0])

  def test_sampler_in_one_graph_takes_any_number_of_rows(self) -> None:
    decoder = self.make()
    graph = tf.function(decoder.sample, input_signature=[
        tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([None, 8, 8], tf.float32)])
    z = pixel_reference.latents(4)
    uniform = np.random.default_rng(2).random((4, 8, 8)).astype(np.float32)
    image, _ = graph(z, uniform)
    for rows in (0, 1, 3):
      self.assertAllEqual(graph(z[:rows], uniform[:rows])[0], image[:rows])

  def test_gradients_reach_every_weight(self) -> None:
    decoder = self.make()
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(decoder(
          pixel_reference.latents(4), pixel_reference.images(4, 8), training=True))
    for weight, gradient in zip(decoder.trainable_weights,
                                tape.gradient(loss, decoder.trainable_weights), strict=True):
      self.assertGreater(np.abs(gradient.numpy()).max(), 0.0, weight.path)

  def test_initial_weights_follow_from_the_seed(self) -> None:
    kind = type(self.make())

    def weights(seed: int) -> list[np.ndarray]:
      decoder = kind(3, 8, channels=6, kernel_sizes=self.SMALL, seed=seed)
      decoder.build((None, 3))
      return [weight.numpy() for weight in decoder.trainable_weights if weight.name == "kernel"]

    for first, again, other in zip(weights(1), weights(1), weights(2), strict=True):
      self.assertAllEqual(first, again)
      self.assertNotAllEqual(first, other)

  def test_configuration_round_trip(self) -> None:
    decoder = self.make()
    clone = type(decoder).from_config(decoder.get_config())
    clone.build((None, 3))
    clone.set_weights(decoder.get_weights())
    z, x = pixel_reference.latents(2), pixel_reference.images(2, 8)
    self.assertAllEqual(clone(z, x), decoder(z, x))
