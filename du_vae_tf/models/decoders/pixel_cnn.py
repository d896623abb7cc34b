"""PixelCNN decoder of images."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import batch_normalization
from du_vae_tf.layers import convolution
from du_vae_tf.layers import masked_convolution
from du_vae_tf.layers import masked_residual_block
from du_vae_tf.layers import pointwise
from du_vae_tf.models import initialization
from du_vae_tf.models.decoders import pixel_base

# A layer also takes what the layer so many before its input gave, through a block of its own.
_SKIP = 2


@keras.saving.register_keras_serializable(package="du_vae_tf")
class PixelCNNDecoder(pixel_base.PixelDecoder):
  """Masked convolutions in residual blocks, with long-range shortcuts and without gates.

  The first layer is a convolution of the image, which does not see its own pixel, plus one of the
  maps of z, which sees everything. A residual block follows for each further kernel size. From the
  fourth layer on, a layer's input is the output of the layer before plus the output of the layer
  three before it, passed through a block of its own with the kernel size of the layer after that;
  the head's input is made in the same way. Two 1 x 1 convolutions end in the logits.

  In training mode the batch moments see all pixels, so that the network is causal in evaluation
  mode only.

  Source: code of He et al. 2019 and Shen et al. 2021; the paper's text names a gated network.
  """

  def __init__(self, *args: Any, **kwargs: Any) -> None:
    super().__init__(*args, **kwargs)
    first, *others = self.kernel_sizes

    def he_normal(kernel_size: int, filters: int, name: str) -> keras.initializers.Initializer:
      return initialization.he_normal(kernel_size, filters, self.seed, f"decoder/{name}")

    def block(kernel_size: int, name: str) -> masked_residual_block.MaskedResidualBlock:
      return masked_residual_block.MaskedResidualBlock(
          self.channels, kernel_size,
          lambda size, filters, part: he_normal(size, filters, f"{name}/{part}"),
          dtype=self.dtype_policy, name=name)

    def normalization(name: str) -> batch_normalization.BatchNormalization:
      return batch_normalization.BatchNormalization(dtype=self.dtype_policy, name=name)

    def head(filters: int, name: str) -> pointwise.Pointwise:
      return pointwise.Pointwise(
          filters, kernel_initializer=initialization.uniform(
              self.channels**-0.5, self.seed, f"decoder/{name}"),
          dtype=self.dtype_policy, name=name)

    self.image_convolution = masked_convolution.MaskedConvolution(
        self.channels, first, includes_center=False,
        kernel_initializer=he_normal(first, self.channels, "image_convolution"),
        dtype=self.dtype_policy, name="image_convolution")
    self.latent_convolution = convolution.Convolution(
        self.channels, first, padding=first // 2,
        kernel_initializer=he_normal(first, self.channels, "latent_convolution"),
        dtype=self.dtype_policy, name="latent_convolution")
    self.first_normalization = normalization("first_normalization")
    self.blocks = [block(size, f"block_{number}") for number, size in enumerate(others, start=1)]
    self.shortcuts = [block(size, f"shortcut_{number}")
                      for number, size in enumerate(others[:-_SKIP + 1])]
    self.head = head(self.channels, "head")
    self.head_normalization = normalization("head_normalization")
    self.output_head = head(1, "output_head")

  def build(self, z_shape: tuple[int | None, ...]) -> None:
    """Creates all weights."""
    features = (None, self.side, self.side, self.channels)
    self.latent_maps.build(z_shape)
    self.image_convolution.build((None, self.side, self.side, 1))
    self.latent_convolution.build((None, self.side, self.side, pixel_base.LATENT_MAPS))
    layers: list[keras.layers.Layer] = [
        self.first_normalization, *self.blocks, *self.shortcuts, self.head,
        self.head_normalization, self.output_head]
    for layer in layers:
      layer.build(features)

  def logits(self, z: tf.Tensor, image: tf.Tensor, training: bool = False) -> tf.Tensor:
    first = self.image_convolution(image) + self.latent_convolution(self.maps(z))
    outputs = [tf.nn.elu(self.first_normalization(first, training=training))]
    for number, block in enumerate(self.blocks):
      outputs.append(block(self._input(outputs, number, training), training=training))
    x = self._input(outputs, len(self.blocks), training)
    x = tf.nn.elu(self.head_normalization(self.head(x), training=training))
    return tf.cast(self.output_head(x), tf.float32)

  def _input(self, outputs: list[tf.Tensor], number: int, training: bool) -> tf.Tensor:
    """The input of the block of that number, from the outputs of the layers before it."""
    x = outputs[number]
    if number < _SKIP:
      return x
    skipped = number - _SKIP
    return x + self.shortcuts[skipped](outputs[skipped], training=training)

  def stream(self, z: tf.Tensor) -> "PixelCNNStream":
    """The decoder in evaluation mode for given z, cut into rows and positions."""
    return PixelCNNStream(self, z)


class PixelCNNStream:
  """A PixelCNN decoder in evaluation mode for given z; see `ancestral.Stream`.

  Memory and window hold, for the image and then for each block, what the masked convolution reads:
  of the rows above [b, reach, w, c], and of the positions to the left [b, reach, c].

  Args:
    decoder: with all its weights.
    z: float tensor [b, n].
  """

  def __init__(self, decoder: PixelCNNDecoder, z: tf.Tensor) -> None:
    self._blocks = [block.stream() for block in decoder.blocks]
    self._shortcuts = [block.stream() for block in decoder.shortcuts]
    self._streams = self._blocks + self._shortcuts
    above, left = decoder.image_convolution.parts()
    self._above, offset = masked_residual_block.folded(above, decoder.first_normalization)
    left, _ = masked_residual_block.folded(left, decoder.first_normalization)
    self._left = tf.reshape(left, [-1, decoder.channels])
    latent, _ = decoder.first_normalization.affine()
    from_z = decoder.latent_convolution(decoder.maps(z)) * latent + offset
    self._from_z = tf.transpose(from_z, [1, 0, 2, 3])
    self._head, self._head_offset = masked_residual_block.folded(
        decoder.head.kernel, decoder.head_normalization)
    self._output = tf.convert_to_tensor(decoder.output_head.kernel)
    batch = tf.shape(z)[0]
    reach, width = decoder.image_convolution.reach, decoder.side
    self.memory = [tf.zeros([batch, reach, width, 1])] + [
        tf.zeros([batch, stream.reach, width, stream.size]) for stream in self._streams]
    self.window = [tf.zeros([batch, reach, 1])] + [
        tf.zeros([batch, stream.reach, stream.size]) for stream in self._streams]

  def begin_row(self, row: tf.Tensor, memory: list[tf.Tensor]) -> tuple[tf.Tensor, Any]:
    """See `ancestral.Stream`; the contributions are one tensor [w, b, all channels]."""
    image, *rows = memory
    first = masked_convolution.contribution_of_rows_above(image, self._above) + self._from_z[row]
    parts = [first] + [stream.row(above)
                       for stream, above in zip(self._streams, rows, strict=True)]
    return tf.transpose(tf.concat(parts, axis=-1), [1, 0, 2]), memory

  def step(self, context: tf.Tensor, window: list[tf.Tensor],
           left: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
    """See `ancestral.Stream`."""
    sizes = [self._left.shape[-1]] + [stream.size for stream in self._streams]
    first, *from_above = tf.split(context, sizes, axis=-1)
    image, *windows = window
    image = tf.concat([image[:, 1:], left[:, tf.newaxis]], axis=1)
    outputs = [tf.nn.elu(tf.matmul(image[..., 0], self._left) + first)]
    records: dict[int, tf.Tensor] = {}

    def advance(number: int, x: tf.Tensor) -> tf.Tensor:
      output, windows[number], records[number] = self._streams[number].step(
          x, from_above[number], windows[number])
      return output

    for number in range(len(self._blocks) + 1):
      x = outputs[number]
      if number >= _SKIP:
        skipped = number - _SKIP
        x += advance(len(self._blocks) + skipped, outputs[skipped])
      if number < len(self._blocks):
        outputs.append(advance(number, x))
    x = tf.nn.elu(tf.matmul(x, self._head) + self._head_offset)
    record = tf.concat([records[number] for number in range(len(self._streams))], axis=-1)
    return tf.matmul(x, self._output)[:, 0], [image, *windows], record

  def end_row(self, memory: list[tf.Tensor], pixels: tf.Tensor,
              records: tf.Tensor) -> list[tf.Tensor]:
    """See `ancestral.Stream`."""
    rows = [pixels, *tf.split(records, [stream.size for stream in self._streams], axis=-1)]
    return [tf.concat([above[:, 1:], row[:, tf.newaxis]], axis=1)
            for above, row in zip(memory, rows, strict=True)]
