"""Residual encoder of images."""

from collections.abc import Mapping
from typing import Any, Self

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.layers import batch_normalization
from du_vae_tf.layers import convolution
from du_vae_tf.layers import strided_residual_block
from du_vae_tf.models import head_split
from du_vae_tf.models import initialization

_BLOCKS = 3
_CHANNELS = 64
_FEATURES = 512


@keras.saving.register_keras_serializable(package="du_vae_tf")
class ResNetEncoder(keras.layers.Layer):
  """Three residual blocks, a convolution over all that they leave, and a linear map.

  Each block halves height and width, rounding up, and has 64 channels. The convolution that follows
  covers what is left (4 x 4 of 28 x 28) and gives 512 features, which are normalized and pass an
  ELU; a linear map with a bias gives 2 n + c numbers.

  Source: code of He et al. 2019 and Shen et al. 2021 (3-layer ResNet of the paper's text).

  Args:
    latent_dim: n.
    side: height and width of the images.
    seed: of the initial weights.
    context_size: c, numbers of the context of a flow; 0 without one.

  Call arguments:
    image: float tensor [b, side, side, 1].
    training: whether batch moments normalize.

  Returns:
    mean and what the variance is made from, float32 [b, n] each, and with c > 0 the context
    [b, c], as the linear map gives them.
  """

  def __init__(self, latent_dim: int, side: int, seed: int = 0, context_size: int = 0,
               **kwargs: Any) -> None:
    # Each layer casts for itself: what is next to the latent variable stays in full precision.
    super().__init__(**({"autocast": False} | kwargs))
    self.latent_dim = latent_dim
    self.side = side
    self.seed = seed
    self.context_size = context_size

    def he_normal(kernel_size: int, filters: int, name: str) -> keras.initializers.Initializer:
      return initialization.he_normal(kernel_size, filters, seed, f"encoder/{name}")

    def block(name: str) -> strided_residual_block.StridedResidualBlock:
      return strided_residual_block.StridedResidualBlock(
          _CHANNELS, lambda size, filters, part: he_normal(size, filters, f"{name}/{part}"),
          dtype=self.dtype_policy, name=name)

    self.blocks = [block(f"block_{number}") for number in range(1, _BLOCKS + 1)]
    self.remaining = side
    for _ in range(_BLOCKS):
      self.remaining = -(-self.remaining // 2)
    self.collect = convolution.Convolution(
        _FEATURES, self.remaining, kernel_initializer=he_normal(
            self.remaining, _FEATURES, "collect"), dtype=self.dtype_policy, name="collect")
    self.collect_normalization = batch_normalization.BatchNormalization(
        dtype=self.dtype_policy, name="collect_normalization")
    numbers = 2 * latent_dim + context_size
    self.head = keras.layers.Dense(
        numbers, kernel_initializer=initialization.xavier_uniform(
            _FEATURES, numbers, seed, "encoder/head"),
        dtype=self.variable_dtype, name="head")

  @classmethod
  def create(cls, config: config_lib.RunConfig, sizes: Mapping[str, int],
             **kwargs: Any) -> Self:
    """The encoder of a run on images of `sizes["side"]`."""
    return cls(config.latent_dim, sizes["side"], seed=config.seed,
               context_size=config.context_size, name="encoder", **kwargs)

  def build(self, image_shape: Any) -> None:
    """Creates all weights."""
    shape: tuple[int | None, ...] = (None, self.side, self.side, 1)
    for block in self.blocks:
      block.build(shape)
      shape = block.compute_output_shape(shape)
    self.collect.build(shape)
    self.collect_normalization.build((None, 1, 1, _FEATURES))
    self.head.build((None, _FEATURES))

  def inputs(self, batch: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """What of a batch the encoder reads."""
    return (batch["image"],)

  def call(self, image: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
    x = image
    for block in self.blocks:
      x = block(x, training=training)
    x = tf.nn.elu(self.collect_normalization(self.collect(x), training=training))
    return head_split.split(self.head(x[:, 0, 0]), self.latent_dim, self.context_size)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "latent_dim": self.latent_dim, "side": self.side, "seed": self.seed,
        "context_size": self.context_size}
