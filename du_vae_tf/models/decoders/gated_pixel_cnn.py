"""Gated PixelCNN decoder of images."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import causal_stacks
from du_vae_tf.layers import convolution
from du_vae_tf.layers import pointwise
from du_vae_tf.models import initialization
from du_vae_tf.models.decoders import pixel_base


@keras.saving.register_keras_serializable(package="du_vae_tf")
class GatedPixelCNNDecoder(pixel_base.PixelDecoder):
  """Two stacks of gated layers, of the rows above and of the pixels to the left.

      v'_l = V_l * v_{l-1} + A_l s,               v_l = tanh(v'_l,1) sigmoid(v'_l,2)
      h'_l = H_l * h_{l-1} + L_l v'_l + B_l s,    h_l = R_l (tanh(h'_l,1) sigmoid(h'_l,2)) + h_{l-1}

  with convolutions V of the rows above and the own row of the vertical stack, H of the pixels to
  the left and the own one, 1 x 1 convolutions A, B (with biases), L and R, and the maps s of z. The
  first layer reads the image, sees neither its own row in V nor its own pixel in H, and has no
  residual. The logits are two 1 x 1 convolutions with biases of the last h, a ReLU before each.
  Together the stacks see every earlier pixel within their reach. There is no batch normalization,
  so that the network is causal in training, too.

  Source: van den Oord et al. 2016 (Conditional image generation with PixelCNN decoders), figure 2
  and eq. (5); layers and kernel sizes as in Shen et al. 2021, section 4.1 ("13-layer Gated
  PixelCNN").
  """

  def __init__(self, *args: Any, **kwargs: Any) -> None:
    super().__init__(*args, **kwargs)
    channels, gates = self.channels, 2 * self.channels

    def he_normal(kernel_size: int, filters: int, name: str) -> keras.initializers.Initializer:
      return initialization.he_normal(kernel_size, filters, self.seed, f"decoder/{name}")

    def linear(filters: int, name: str, use_bias: bool = False) -> pointwise.Pointwise:
      return pointwise.Pointwise(
          filters, use_bias, kernel_initializer=he_normal(1, filters, name),
          dtype=self.dtype_policy, name=name)

    self.vertical: list[causal_stacks.VerticalConvolution] = []
    self.horizontal: list[causal_stacks.HorizontalConvolution] = []
    for layer, size in enumerate(self.kernel_sizes):
      self.vertical.append(causal_stacks.VerticalConvolution(
          gates, size // 2, includes_own=layer > 0,
          kernel_initializer=he_normal(size, gates, f"vertical_{layer}"),
          dtype=self.dtype_policy, name=f"vertical_{layer}"))
      self.horizontal.append(causal_stacks.HorizontalConvolution(
          gates, size // 2, includes_own=layer > 0,
          kernel_initializer=he_normal(size, gates, f"horizontal_{layer}"),
          dtype=self.dtype_policy, name=f"horizontal_{layer}"))
    layers = range(len(self.kernel_sizes))
    self.vertical_latent = [linear(gates, f"vertical_latent_{n}", use_bias=True) for n in layers]
    self.horizontal_latent = [
        linear(gates, f"horizontal_latent_{n}", use_bias=True) for n in layers]
    self.links = [linear(gates, f"link_{n}") for n in layers]
    self.residuals = [linear(channels, f"residual_{n}") for n in layers]
    self.head = linear(channels, "head", use_bias=True)
    self.output_head = linear(1, "output_head", use_bias=True)

  def build(self, z_shape: tuple[int | None, ...]) -> None:
    """Creates all weights."""
    size = (None, self.side, self.side)
    self.latent_maps.build(z_shape)
    for number in range(len(self.kernel_sizes)):
      for stack in (self.vertical, self.horizontal):
        stack[number].build((*size, self.channels if number else 1))
      for stack in (self.vertical_latent, self.horizontal_latent):
        stack[number].build((*size, pixel_base.LATENT_MAPS))
      self.links[number].build((*size, 2 * self.channels))
      self.residuals[number].build((*size, self.channels))
    self.head.build((*size, self.channels))
    self.output_head.build((*size, self.channels))

  def logits(self, z: tf.Tensor, image: tf.Tensor, training: bool = False) -> tf.Tensor:
    del training
    maps = self.maps(z)
    v = h = image
    for number in range(len(self.kernel_sizes)):
      v_gates = self.vertical[number](v) + self.vertical_latent[number](maps)
      h_gates = (self.horizontal[number](h) + self.links[number](v_gates)
                 + self.horizontal_latent[number](maps))
      v = _gated(v_gates)
      out = self.residuals[number](_gated(h_gates))
      h = out + h if number else out
    hidden = self.head(tf.nn.relu(h))
    return tf.cast(self.output_head(tf.nn.relu(hidden)), tf.float32)

  def stream(self, z: tf.Tensor) -> "GatedPixelCNNStream":
    """The decoder for given z, cut into rows and positions."""
    return GatedPixelCNNStream(self, z)


class GatedPixelCNNStream:
  """A gated PixelCNN decoder for given z; see `ancestral.Stream`.

  The vertical stack of a row needs the rows above alone and is computed when the row begins, so
  that memory holds its inputs [b, reach, w, c], and a position only goes through the horizontal
  stack, whose inputs to the left [b, reach, c] are the window.

  Args:
    decoder: with all its weights.
    z: float tensor [b, n].
  """

  def __init__(self, decoder: GatedPixelCNNDecoder, z: tf.Tensor) -> None:
    self._decoder = decoder
    maps = decoder.maps(z)
    self._vertical_latent, self._horizontal_latent = (
        [tf.transpose(layer(maps), [1, 0, 2, 3]) for layer in stack]
        for stack in (decoder.vertical_latent, decoder.horizontal_latent))
    self._above = [layer.weights_in_compute_dtype() for layer in decoder.vertical]
    self._left = [
        tf.reshape(layer.weights_in_compute_dtype(), [-1, layer.filters])
        for layer in decoder.horizontal]
    batch, width = tf.shape(z)[0], decoder.side
    sizes = [1] + [decoder.channels] * (len(decoder.kernel_sizes) - 1)
    reaches = [layer.reach for layer in decoder.vertical]
    self.memory = [tf.zeros([batch, reach, width, size])
                   for reach, size in zip(reaches, sizes, strict=True)]
    self.window = [tf.zeros([batch, reach, size])
                   for reach, size in zip(reaches, sizes, strict=True)]

  def begin_row(self, row: tf.Tensor,
                memory: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """See `ancestral.Stream`; the contributions are one tensor [w, b, all gates]."""
    image, *others = memory
    contributions, kept = [], [image]
    rows = image
    for number, kernel in enumerate(self._above):
      reach = self._decoder.vertical[number].reach
      gates = convolution.convolve(rows, kernel, width_padding=(reach, reach))
      gates = tf.squeeze(gates, axis=1) + self._vertical_latent[number][row]
      contributions.append(
          self._decoder.links[number](gates) + self._horizontal_latent[number][row])
      if number < len(others):
        rows = tf.concat([others[number], _gated(gates)[:, tf.newaxis]], axis=1)
        kept.append(rows[:, 1:])
    return tf.transpose(tf.concat(contributions, axis=-1), [1, 0, 2]), kept

  def step(self, context: tf.Tensor, window: list[tf.Tensor],
           left: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
    """See `ancestral.Stream`; later rows need nothing of a position but its pixel."""
    decoder = self._decoder
    contributions = tf.split(context, len(window), axis=-1)
    seen = tf.concat([window[0][:, 1:], left[:, tf.newaxis]], axis=1)
    windows = [seen]
    h = tf.zeros([])
    for number, kernel in enumerate(self._left):
      if number:
        seen = tf.concat([window[number], h[:, tf.newaxis]], axis=1)
        windows.append(seen[:, 1:])
      flat = tf.reshape(seen, [-1, kernel.shape[0]])
      out = decoder.residuals[number](_gated(tf.matmul(flat, kernel) + contributions[number]))
      h = out + h
    logit = decoder.output_head(tf.nn.relu(decoder.head(tf.nn.relu(h))))[:, 0]
    return logit, windows, tf.zeros_like(left)[:, :0]

  def end_row(self, memory: list[tf.Tensor], pixels: tf.Tensor,
              records: tf.Tensor) -> list[tf.Tensor]:
    """See `ancestral.Stream`."""
    del records
    image, *others = memory
    return [tf.concat([image[:, 1:], pixels[:, tf.newaxis]], axis=1), *others]


def _gated(gates: tf.Tensor) -> tf.Tensor:
  """tanh of the first half of the channels times sigmoid of the second."""
  signal, gate = tf.split(gates, 2, axis=-1)
  return tf.tanh(signal) * tf.sigmoid(gate)
