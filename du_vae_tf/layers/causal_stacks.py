"""The two convolutions of a gated PixelCNN: of the rows above, and of the pixels to the left."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import convolution


class _CausalConvolution(keras.layers.Layer):
  """What both have in common.

  Args:
    filters: output channels.
    reach: rows above, or positions to the left, at least 1.
    includes_own: whether the own row, or the own position, is seen as well.
    kernel_initializer: of the kernel.
  """

  def __init__(self, filters: int, reach: int, includes_own: bool,
               kernel_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
    super().__init__(**kwargs)
    if reach < 1:
      raise ValueError(f"`reach` must be at least 1. Received: reach={reach}.")
    self.filters = filters
    self.reach = reach
    self.includes_own = includes_own
    self.kernel_initializer = keras.initializers.get(kernel_initializer)

  def _add_kernel(self, height: int, width: int, channels: Any) -> None:
    self.kernel = self.add_weight(
        name="kernel", shape=(height, width, channels, self.filters),
        initializer=self.kernel_initializer)

  def weights_in_compute_dtype(self) -> tf.Tensor:
    """The kernel, also outside `__call__`, where Keras does not cast it."""
    return tf.cast(tf.convert_to_tensor(self.kernel), self.compute_dtype)

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return (*inputs_shape[:-1], self.filters)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "filters": self.filters, "reach": self.reach, "includes_own": self.includes_own,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}


@keras.saving.register_keras_serializable(package="du_vae_tf")
class VerticalConvolution(_CausalConvolution):
  """A convolution of the `reach` rows above, 2 reach + 1 wide, zero padded, without bias.

  Source: van den Oord et al. 2016 (Conditional image generation with PixelCNN decoders), the
  vertical stack.

  Call arguments:
    inputs: float tensor [b, h, w, c].

  Returns:
    float tensor [b, h, w, filters].

  Weights: `kernel` [reach or reach + 1, 2 reach + 1, c, filters].
  """

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates the kernel."""
    self._add_kernel(self.reach + self.includes_own, 2 * self.reach + 1, inputs_shape[-1])

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    x = tf.cast(inputs, self.compute_dtype)
    # A last row that no other row sees would only lengthen the output.
    seen = x if self.includes_own else x[:, :-1]
    return convolution.convolve(seen, self.weights_in_compute_dtype(), (self.reach, 0),
                                (self.reach, self.reach))


@keras.saving.register_keras_serializable(package="du_vae_tf")
class HorizontalConvolution(_CausalConvolution):
  """A convolution of the `reach` pixels to the left in the same row, zero padded, without bias.

  Source: van den Oord et al. 2016 (Conditional image generation with PixelCNN decoders), the
  horizontal stack.

  Call arguments:
    inputs: float tensor [b, h, w, c].

  Returns:
    float tensor [b, h, w, filters].

  Weights: `kernel` [1, reach or reach + 1, c, filters].
  """

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates the kernel."""
    self._add_kernel(1, self.reach + self.includes_own, inputs_shape[-1])

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    x = tf.cast(inputs, self.compute_dtype)
    seen = x if self.includes_own else x[:, :, :-1]
    return convolution.convolve(
        seen, self.weights_in_compute_dtype(), width_padding=(self.reach, 0))
