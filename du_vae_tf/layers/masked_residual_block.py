"""The residual block of the PixelCNN decoder."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import batch_normalization
from du_vae_tf.layers import convolution
from du_vae_tf.layers import masked_convolution
from du_vae_tf.layers import pointwise


@keras.saving.register_keras_serializable(package="du_vae_tf")
class MaskedResidualBlock(keras.layers.Layer):
  """Half the channels, a masked convolution that sees its own pixel, all channels, and a sum.

      output = elu(x + bn(W_3 elu(bn(masked elu(bn(W_1 x))))))

  Source: code of He et al. 2019, which the authors of Shen et al. 2021 use.

  Args:
    channels: of input and output, even.
    kernel_size: of the masked convolution.
    initializers: gives the initializer of a kernel from its size, its filters and its name
      ("reduce", "masked", "expand").

  Call arguments:
    inputs: float tensor [b, h, w, channels].
    training: whether batch moments are used.

  Returns:
    float32 [b, h, w, channels].
  """

  def __init__(self, channels: int, kernel_size: int,
               initializers: convolution.Initializers = convolution.glorot_uniform,
               **kwargs: Any) -> None:
    # The sum takes its input as it is; each layer casts for itself.
    super().__init__(**({"autocast": False} | kwargs))
    self.channels = channels
    self.kernel_size = kernel_size
    half = channels // 2

    def normalization(name: str) -> batch_normalization.BatchNormalization:
      return batch_normalization.BatchNormalization(dtype=self.dtype_policy, name=name)

    self.reduce = pointwise.Pointwise(
        half, kernel_initializer=initializers(1, half, "reduce"), dtype=self.dtype_policy,
        name="reduce")
    self.reduce_normalization = normalization("reduce_normalization")
    self.masked = masked_convolution.MaskedConvolution(
        half, kernel_size, includes_center=True,
        kernel_initializer=initializers(kernel_size, half, "masked"),
        dtype=self.dtype_policy, name="masked")
    self.masked_normalization = normalization("masked_normalization")
    self.expand = pointwise.Pointwise(
        channels, kernel_initializer=initializers(1, channels, "expand"),
        dtype=self.dtype_policy, name="expand")
    self.expand_normalization = normalization("expand_normalization")

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates all weights."""
    half = (*inputs_shape[:-1], self.channels // 2)
    self.reduce.build(inputs_shape)
    self.masked.build(half)
    self.expand.build(half)
    self.reduce_normalization.build(half)
    self.masked_normalization.build(half)
    self.expand_normalization.build(inputs_shape)

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    x = tf.nn.elu(self.reduce_normalization(self.reduce(inputs), training=training))
    x = tf.nn.elu(self.masked_normalization(self.masked(x), training=training))
    x = self.expand_normalization(self.expand(x), training=training)
    return tf.nn.elu(x + tf.cast(inputs, tf.float32))

  def stream(self) -> "BlockStream":
    """The block in evaluation mode, for one position at a time."""
    return BlockStream(self)

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return inputs_shape

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"channels": self.channels, "kernel_size": self.kernel_size}


class BlockStream:
  """A block in evaluation mode, its normalizations folded into its kernels.

  Args:
    block: with all its weights.

  Attributes:
    reach: rows above, and positions to the left, that a position sees.
    size: channels of the masked convolution.
  """

  def __init__(self, block: MaskedResidualBlock) -> None:
    self.reach = block.masked.reach
    self.size = block.channels // 2
    self._reduce, self._reduce_offset = folded(block.reduce.kernel, block.reduce_normalization)
    above, left = block.masked.parts()
    self._above, self._masked_offset = folded(above, block.masked_normalization)
    left, _ = folded(left, block.masked_normalization)
    self._left = tf.reshape(left, [-1, self.size])
    self._expand, self._expand_offset = folded(block.expand.kernel, block.expand_normalization)

  def row(self, rows: tf.Tensor) -> tf.Tensor:
    """What the rows above [b, reach, w, size] add before the second activation: [b, w, size]."""
    above = masked_convolution.contribution_of_rows_above(rows, self._above)
    return above + self._masked_offset

  def step(self, x: tf.Tensor, from_above: tf.Tensor,
           window: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One position.

    Args:
      x: the block's input, [b, channels].
      from_above: of `row`, at this position, [b, size].
      window: of the positions to the left, [b, reach, size].

    Returns:
      the block's output [b, channels], the window with this position, and what rows below need of
      it, [b, size].
    """
    reduced = tf.nn.elu(tf.matmul(x, self._reduce) + self._reduce_offset)
    seen = tf.concat([window, reduced[:, tf.newaxis]], axis=1)
    flat = tf.reshape(seen, [-1, (self.reach + 1) * self.size])
    masked = tf.nn.elu(tf.matmul(flat, self._left) + from_above)
    output = tf.nn.elu(tf.matmul(masked, self._expand) + self._expand_offset + x)
    return output, seen[:, 1:], reduced


def folded(kernel: Any, normalization: batch_normalization.BatchNormalization
           ) -> tuple[tf.Tensor, tf.Tensor]:
  """A kernel [..., filters] and an offset [filters] that do what kernel and normalization do."""
  factor, offset = normalization.affine()
  return tf.convert_to_tensor(kernel) * factor, offset
