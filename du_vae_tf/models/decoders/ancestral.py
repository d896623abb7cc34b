"""Ancestral sampling of images, pixel by pixel, with cached activations."""

from typing import Any, Protocol

import tensorflow as tf


class Stream(Protocol):
  """An autoregressive decoder for given z, cut into the work of rows and of positions.

  All states are nests of tensors whose shapes do not change.

  Attributes:
    memory: what is kept between rows, before the first row.
    window: what is kept between the positions of a row, before its first position.
  """

  memory: Any
  window: Any

  def begin_row(self, row: tf.Tensor, memory: Any) -> tuple[Any, Any]:
    """Everything that z and the rows above contribute to a row.

    Args:
      row: int32 scalar, from 0.
      memory: of the rows above.

    Returns:
      The contributions, a nest of tensors [w, b, ...], and the memory with what of this row does
      not depend on its pixels.
    """

  def step(self, context: Any, window: Any, left: tf.Tensor) -> tuple[tf.Tensor, Any, tf.Tensor]:
    """One position.

    Args:
      context: contributions of `begin_row` at this position, [b, ...] each.
      window: of the positions to the left.
      left: float tensor [b, 1], the pixel to the left; 0 at the border.

    Returns:
      the logit [b] of the pixel, the window with this position, and a record [b, r] of the
      activations that later rows need.
    """

  def end_row(self, memory: Any, pixels: tf.Tensor, records: tf.Tensor) -> Any:
    """The memory with a finished row, from its pixels [b, w, 1] and records [b, w, r]."""


def sample(stream: Stream, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Draws images from p(x | z), in raster order.

  Each activation is computed once, so that an image costs about as much as one pass over it. What
  comes from the rows above is computed for a row at a time, what comes from the left for a position
  at a time.

  Args:
    stream: a decoder for the z of b images.
    uniform: float32 [b, h, w] of static h and w, draws from [0, 1): a pixel is 1 where its draw is
      below its probability.

  Returns:
    The images, 0 or 1, and the logits of their pixels given those before: float32 [b, h, w, 1].
  """
  uniform = tf.transpose(uniform, [1, 2, 0])
  height = uniform.shape[0]

  def body(row: tf.Tensor, memory: Any, images: tf.TensorArray,
           logits: tf.TensorArray) -> tuple[Any, ...]:
    context, memory = stream.begin_row(row, memory)
    pixels, row_logits, records = _row(stream, context, uniform[row])
    memory = stream.end_row(
        memory, tf.transpose(pixels)[..., tf.newaxis], tf.transpose(records, [1, 0, 2]))
    return row + 1, memory, images.write(row, pixels), logits.write(row, row_logits)

  _, _, images, logits = tf.while_loop(
      lambda row, *_: row < height, body,
      (tf.constant(0), stream.memory, _array(height, 2), _array(height, 2)))
  return _batch_first(images.stack()), _batch_first(logits.stack())


def _row(stream: Stream, context: Any,
         uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Pixels and logits [w, b] and records [w, b, r] of one row."""
  width = uniform.shape[0]

  def body(column: tf.Tensor, left: tf.Tensor, window: Any, *arrays: tf.TensorArray) -> Any:
    here = tf.nest.map_structure(lambda tensor: tensor[column], context)
    logit, window, record = stream.step(here, window, left)
    pixel = tf.cast(uniform[column] < tf.sigmoid(logit), tf.float32)
    written = [array.write(column, value) for array, value in zip(
        arrays, (pixel, logit, record), strict=True)]
    return column + 1, pixel[:, tf.newaxis], window, *written

  _, _, _, *arrays = tf.while_loop(
      lambda column, *_: column < width, body,
      (tf.constant(0), tf.zeros_like(uniform[0])[:, tf.newaxis], stream.window,
       _array(width, 1), _array(width, 1), _array(width, 2)))
  pixels, logits, records = (array.stack() for array in arrays)
  return tf.ensure_shape(pixels, [width, None]), logits, tf.ensure_shape(
      records, [width, None, None])


def _array(size: int, rank: int) -> tf.TensorArray:
  """For tensors of that rank, of any shape."""
  return tf.TensorArray(tf.float32, size, element_shape=[None] * rank)


def _batch_first(rows: tf.Tensor) -> tf.Tensor:
  """[h, w, b] as [b, h, w, 1]."""
  return tf.transpose(rows, [2, 0, 1])[..., tf.newaxis]
