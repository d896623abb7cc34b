"""Convolution that sees only what comes earlier in raster order."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import convolution


@keras.saving.register_keras_serializable(package="du_vae_tf")
class MaskedConvolution(keras.layers.Layer):
  """A k x k convolution, zero padded, without bias, of the pixels before each pixel.

  A pixel sees the k // 2 rows above it and, of its own row, what is to its left, with or without
  itself. The rows below, whose weights would all be masked, are neither stored nor multiplied:
  only the own row still has masked weights, which get no gradient.

  Source: van den Oord et al. 2016 (Pixel recurrent neural networks), masks A and B.

  Args:
    filters: output channels.
    kernel_size: k, odd, at least 3.
    includes_center: whether a pixel sees itself (mask B) or not (mask A).
    kernel_initializer: of the kernel.

  Call arguments:
    inputs: float tensor [b, h, w, c].

  Returns:
    float tensor [b, h, w, filters].

  Weights: `kernel` [k // 2 + 1, k, c, filters], the upper rows of the k x k kernel.

  Raises:
    ValueError: `kernel_size` is even or below 3.
  """

  def __init__(self, filters: int, kernel_size: int, includes_center: bool,
               kernel_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
    super().__init__(**kwargs)
    if kernel_size < 3 or kernel_size % 2 == 0:
      raise ValueError(
          f"`kernel_size` must be odd and at least 3. Received: kernel_size={kernel_size}.")
    self.filters = filters
    self.kernel_size = kernel_size
    self.includes_center = includes_center
    self.kernel_initializer = keras.initializers.get(kernel_initializer)

  @property
  def reach(self) -> int:
    """Rows above, and positions to the left, that a pixel sees."""
    return self.kernel_size // 2

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates the upper rows of the kernel."""
    self.kernel = self.add_weight(
        name="kernel", initializer=self.kernel_initializer,
        shape=(self.reach + 1, self.kernel_size, inputs_shape[-1], self.filters))

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    above, left = self.parts()
    unseen = tf.zeros([self.kernel_size - left.shape[0], *left.shape[1:]], left.dtype)
    kernel = tf.concat([above, tf.concat([left, unseen], axis=0)[tf.newaxis]], axis=0)
    return convolution.convolve(tf.cast(inputs, self.compute_dtype), kernel, (self.reach, 0),
                                (self.reach, self.reach))

  def parts(self) -> tuple[tf.Tensor, tf.Tensor]:
    """The weights of the rows above [k // 2, k, c, filters] and of the own row [t, c, filters].

    t is k // 2, or k // 2 + 1 where a pixel sees itself.
    """
    kernel = tf.cast(tf.convert_to_tensor(self.kernel), self.compute_dtype)
    return kernel[:-1], kernel[-1, :self.reach + self.includes_center]

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return (*inputs_shape[:-1], self.filters)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "filters": self.filters, "kernel_size": self.kernel_size,
        "includes_center": self.includes_center,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}


def contribution_of_rows_above(rows: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """What the rows above add to a row of the output.

  Args:
    rows: the k // 2 rows above, zeros where the image ends, [b, k // 2, w, c].
    kernel: from `MaskedConvolution.parts`, [k // 2, k, c, filters].

  Returns:
    [b, w, filters].
  """
  reach = kernel.shape[1] // 2
  row = convolution.convolve(rows, kernel, width_padding=(reach, reach))
  return tf.squeeze(row, axis=1)
