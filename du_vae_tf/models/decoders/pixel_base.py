"""What the decoders of images share: the Bernoulli likelihood, the maps of z, sampling."""

import abc
from collections.abc import Mapping
from typing import Any, Self

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.models import initialization
from du_vae_tf.models.decoders import ancestral

LATENT_MAPS = 4


class PixelDecoder(keras.layers.Layer, abc.ABC):
  """p(x | z) of binary images, one pixel after the other in raster order.

  A linear map turns z into four feature maps of the size of the image. All likelihoods are from
  logits. There is no dropout.

  Args:
    latent_dim: n.
    side: height and width of the images.
    channels: of the hidden layers.
    kernel_sizes: of the masked convolutions, one a layer, odd.
    seed: of the initial weights.

  Call arguments:
    z: float tensor [b, n].
    image: float tensor [b, side, side, 1], 0 or 1.
    training: whether batch moments are used, where the network normalizes.
    dropout_seed: without effect.

  Returns:
    log p(x | z), float32 [b], nats: the sum over all pixels.
  """

  def __init__(self, latent_dim: int, side: int, channels: int = 64,
               kernel_sizes: tuple[int, ...] = (7, 7, 7, 7, 7, 5, 5, 5, 5, 3, 3, 3, 3),
               seed: int = 0, **kwargs: Any) -> None:
    # Each layer casts for itself: what is next to the latent variable stays in full precision.
    super().__init__(**({"autocast": False} | kwargs))
    self.latent_dim = latent_dim
    self.side = side
    self.channels = channels
    self.kernel_sizes = tuple(kernel_sizes)
    self.seed = seed
    map_entries = LATENT_MAPS * side * side
    self.latent_maps = keras.layers.Dense(
        map_entries, kernel_initializer=initialization.xavier_uniform(
            latent_dim, map_entries, seed, "decoder/latent_maps"),
        dtype=self.variable_dtype, name="latent_maps")

  @classmethod
  def create(cls, config: config_lib.RunConfig, sizes: Mapping[str, int],
             **kwargs: Any) -> Self:
    """The decoder of a run on images of `sizes["side"]`."""
    return cls(config.latent_dim, sizes["side"], seed=config.seed, name="decoder", **kwargs)

  def inputs(self, batch: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """What of a batch the decoder reads besides z."""
    return (batch["image"],)

  def tokens(self, batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Predicted pixels of each image, int32 [b]."""
    return tf.fill(tf.shape(batch["image"])[:1], self.side * self.side)

  @abc.abstractmethod
  def logits(self, z: tf.Tensor, image: tf.Tensor, training: bool = False) -> tf.Tensor:
    """Logits of every pixel given those before it and z: float32 [b, side, side, 1]."""

  @abc.abstractmethod
  def stream(self, z: tf.Tensor) -> ancestral.Stream:
    """The decoder in evaluation mode for given z [b, n], cut into rows and positions."""

  def call(self, z: tf.Tensor, image: tf.Tensor, training: bool = False,
           dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
    del dropout_seed
    losses = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.cast(image, tf.float32), logits=self.logits(z, image, training))
    return -tf.reduce_sum(losses, axis=[1, 2, 3])

  def shared(self, image: tf.Tensor) -> tf.Tensor:
    """What all samples of z of an image share: the image alone, since z enters the first layer."""
    return image

  def sample_log_likelihood(self, z: tf.Tensor, shared: tf.Tensor) -> tf.Tensor:
    """log p(x | z) of several z per image, in evaluation mode.

    Memory grows with s * b: callers bound s.

    Args:
      z: float tensor [s, b, n].
      shared: from `shared`, [b, side, side, 1].

    Returns:
      float32 [s, b], nats.
    """
    samples, rows = tf.shape(z)[0], tf.shape(z)[1]
    likelihood = self.call(
        tf.reshape(z, [samples * rows, self.latent_dim]), tf.tile(shared, [samples, 1, 1, 1]))
    return tf.reshape(likelihood, [samples, rows])

  def sample(self, z: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws images from p(x | z) at the cost of about one pass.

    Args:
      z: float tensor [b, n].
      uniform: float32 [b, side, side], draws from [0, 1): a pixel is 1 where its draw is below
        its probability.

    Returns:
      images, 0 or 1, and the logits of their pixels given those before: float32
      [b, side, side, 1].

    Raises:
      ValueError: the decoder computes in less than float32.
    """
    if self.compute_dtype != "float32":
      raise ValueError(
          "Images are drawn by a decoder of float32; take over the weights into one. Received:"
          f" compute_dtype={self.compute_dtype}.")
    return ancestral.sample(self.stream(z), uniform)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "latent_dim": self.latent_dim, "side": self.side, "channels": self.channels,
        "kernel_sizes": self.kernel_sizes, "seed": self.seed}

  def maps(self, z: tf.Tensor) -> tf.Tensor:
    """The maps of z [b, n]: [b, side, side, 4]."""
    return tf.reshape(self.latent_maps(z), [-1, self.side, self.side, LATENT_MAPS])
