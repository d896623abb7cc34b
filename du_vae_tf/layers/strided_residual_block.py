"""The residual block of the image encoder."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import batch_normalization
from du_vae_tf.layers import convolution
from du_vae_tf.layers import pointwise


@keras.saving.register_keras_serializable(package="du_vae_tf")
class StridedResidualBlock(keras.layers.Layer):
  """Two 3 x 3 convolutions, the first with stride 2, beside a 1 x 1 convolution with stride 2.

      output = elu(bn(C_2 elu(bn(C_1 x))) + bn(C_s x))

  Height and width are halved, rounding up.

  Source: He et al. 2016, with the ELU and the padding of the code of He et al. 2019.

  Args:
    channels: of the output.
    initializers: gives the initializer of a kernel from its size, its filters and its name
      ("first", "second", "shortcut").

  Call arguments:
    inputs: float tensor [b, h, w, c].
    training: whether batch moments are used.

  Returns:
    float32 [b, ceil(h / 2), ceil(w / 2), channels].
  """

  def __init__(self, channels: int,
               initializers: convolution.Initializers = convolution.glorot_uniform,
               **kwargs: Any) -> None:
    # The sum takes its input as it is; each layer casts for itself.
    super().__init__(**({"autocast": False} | kwargs))
    self.channels = channels

    def layer(stride: int, name: str) -> convolution.Convolution:
      return convolution.Convolution(
          channels, 3, stride, padding=1, kernel_initializer=initializers(3, channels, name),
          dtype=self.dtype_policy, name=name)

    def normalization(name: str) -> batch_normalization.BatchNormalization:
      return batch_normalization.BatchNormalization(dtype=self.dtype_policy, name=name)

    self.first = layer(2, "first")
    self.first_normalization = normalization("first_normalization")
    self.second = layer(1, "second")
    self.second_normalization = normalization("second_normalization")
    # A 1 x 1 convolution with stride 2 is a linear map of every other pixel. TensorFlow 2.21's own
    # corrupts memory on processors, in the gradient of images of one channel.
    self.shortcut = pointwise.Pointwise(
        channels, kernel_initializer=initializers(1, channels, "shortcut"),
        dtype=self.dtype_policy, name="shortcut")
    self.shortcut_normalization = normalization("shortcut_normalization")

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates all weights."""
    output_shape = self.compute_output_shape(inputs_shape)
    self.first.build(inputs_shape)
    self.second.build(output_shape)
    self.shortcut.build(inputs_shape)
    for normalization in (
        self.first_normalization, self.second_normalization, self.shortcut_normalization):
      normalization.build(output_shape)

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    x = tf.nn.elu(self.first_normalization(self.first(inputs), training=training))
    x = self.second_normalization(self.second(x), training=training)
    shortcut = self.shortcut(inputs[:, ::2, ::2])
    return tf.nn.elu(x + self.shortcut_normalization(shortcut, training=training))

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return self.first.compute_output_shape(inputs_shape)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"channels": self.channels}
