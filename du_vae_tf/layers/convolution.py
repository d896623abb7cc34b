"""Convolution with explicit padding."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

# Gives the initializer of a kernel in a block from its size, its filters and its name there.
Initializers = Callable[[int, int, str], Any]


def glorot_uniform(kernel_size: int, filters: int, name: str) -> str:
  """The initializer of Glorot and Bengio 2010 for all kernels of a block."""
  del kernel_size, filters, name
  return "glorot_uniform"


@keras.saving.register_keras_serializable(package="du_vae_tf")
class Convolution(keras.layers.Layer):
  """A k x k convolution without bias, with the same zero padding on all four sides.

  With a stride of 2 TensorFlow's own "same" padding puts the zeros on two sides only, which shifts
  what each output sees. Empty batches keep their shape.

  Args:
    filters: output channels.
    kernel_size: k.
    stride: in both directions.
    padding: rows and columns of zeros on each side.
    kernel_initializer: of the kernel.

  Call arguments:
    inputs: float tensor [b, h, w, c].

  Returns:
    float tensor [b, h', w', filters] with h' = (h + 2 padding - k) // stride + 1.

  Weights: `kernel` [k, k, c, filters].
  """

  def __init__(self, filters: int, kernel_size: int, stride: int = 1, padding: int = 0,
               kernel_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.filters = filters
    self.kernel_size = kernel_size
    self.stride = stride
    self.padding = padding
    self.kernel_initializer = keras.initializers.get(kernel_initializer)

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates the kernel."""
    self.kernel = self.add_weight(
        name="kernel", initializer=self.kernel_initializer,
        shape=(self.kernel_size, self.kernel_size, inputs_shape[-1], self.filters))

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    side = (self.padding, self.padding)
    return convolve(tf.cast(inputs, self.compute_dtype), tf.convert_to_tensor(self.kernel),
                    side, side, self.stride)

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    batch, height, width, _ = inputs_shape
    return (batch, *(None if size is None else self._size(size) for size in (height, width)),
            self.filters)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "filters": self.filters, "kernel_size": self.kernel_size, "stride": self.stride,
        "padding": self.padding,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}

  def _size(self, size: int) -> int:
    return (size + 2 * self.padding - self.kernel_size) // self.stride + 1


def convolve(inputs: tf.Tensor, kernel: tf.Tensor, height_padding: tuple[int, int] = (0, 0),
             width_padding: tuple[int, int] = (0, 0), stride: int = 1) -> tf.Tensor:
  """Convolution with zero padding.

  TensorFlow's gives an empty batch a wrong shape, so that an empty batch gets a row of zeros, which
  is taken away again.

  Args:
    inputs: [b, h, w, c].
    kernel: [k, l, c, filters].
    height_padding: rows of zeros above and below.
    width_padding: columns of zeros to the left and right.
    stride: in both directions.

  Returns:
    [b, h', w', filters].
  """
  rows = tf.shape(inputs)[0]
  extra = tf.stack([0, tf.cast(rows == 0, tf.int32)])
  # Padding first is faster than a convolution with explicit padding.
  padded = tf.pad(inputs, tf.stack([extra, height_padding, width_padding, [0, 0]]))
  _, height, width, channels = inputs.shape
  padded = tf.ensure_shape(padded, [
      None, None if height is None else height + sum(height_padding),
      None if width is None else width + sum(width_padding), channels])
  return tf.nn.conv2d(padded, kernel, stride, "VALID")[:rows]
