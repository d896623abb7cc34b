"""Cross-entropy of hidden states with a vocabulary."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="du_vae_tf")
class CrossEntropy(keras.layers.Layer):
  """-log softmax(hidden W)[target], summed over each sequence, in nats.

  Padded positions are left out before the projection to the vocabulary, the largest product of a
  text model: they cost nothing and cannot change the result. Logits and results are float32 (or
  float64) under every dtype policy; the products themselves are in the compute dtype.

  The logits of `block_rows` positions exist at a time, also in training, where what the gradient
  needs is summed up block by block: memory does not grow with words times vocabulary.

  Args:
    vocab_size: number of classes V.
    kernel_initializer: of W.
    block_rows: most positions of a block.

  Call arguments:
    hidden: float tensor [b, t, h].
    targets: integer tensor [b, t], entries in [0, V) where they count.
    count: integer tensor [b], the positions at the start of each row that count.
    training: whether a gradient is going to be asked for, which is then prepared on the way, and
      has no derivative of its own. It can be asked for without as well, at a higher price, and
      then differentiated again; the values are the same.

  Returns:
    float tensor [b], nats per row.

  Weights: `kernel` [h, V].
  """

  def __init__(self, vocab_size: int, kernel_initializer: Any = "glorot_uniform",
               block_rows: int = 2048, **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.vocab_size = vocab_size
    self.kernel_initializer = keras.initializers.get(kernel_initializer)
    self.block_rows = block_rows

  def build(self, hidden_shape: tuple[int | None, ...]) -> None:
    """Creates the projection to the vocabulary."""
    # Cast where it is multiplied, so that its gradient stays in full precision.
    self.kernel = self.add_weight(
        name="kernel", shape=(hidden_shape[-1], self.vocab_size),
        initializer=self.kernel_initializer, autocast=False)

  def call(self, hidden: tf.Tensor, targets: tf.Tensor, count: tf.Tensor,
           training: bool = False) -> tf.Tensor:
    positions = tf.where(tf.sequence_mask(count, tf.shape(targets)[1]))
    rows = tf.gather_nd(tf.cast(hidden, self.compute_dtype), positions)
    row_targets = tf.gather_nd(targets, positions)
    kernel = tf.convert_to_tensor(self.kernel)
    if training:
      losses = _with_gradient(rows, kernel, row_targets, self.block_rows)
    else:
      losses = _twice_differentiable(rows, kernel, row_targets, self.block_rows)
    return tf.math.unsorted_segment_sum(losses, positions[:, 0], tf.shape(targets)[0])

  def logits(self, hidden: tf.Tensor) -> tf.Tensor:
    """hidden W for hidden [b, h]: [b, V], float32 or float64."""
    kernel = tf.cast(tf.convert_to_tensor(self.kernel), self.compute_dtype)
    return _logits(tf.cast(hidden, self.compute_dtype), kernel)

  def compute_output_shape(self, hidden_shape: tuple[int | None, ...],
                           **unused_shapes: Any) -> tuple[int | None, ...]:
    return (hidden_shape[0],)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "vocab_size": self.vocab_size,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        "block_rows": self.block_rows}


def _logits(rows: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """rows W, in float32 where the product is in less."""
  product = tf.matmul(rows, kernel)
  return product if product.dtype == tf.float64 else tf.cast(product, tf.float32)


def _blocks(rows: tf.Tensor, block_rows: int) -> tuple[tf.Tensor, tf.Tensor]:
  """Into how many blocks rows are cut, at least one, and the rows of each but perhaps the last."""
  count = tf.shape(rows)[0]
  blocks = tf.maximum(1, (count + block_rows - 1) // block_rows)
  return blocks, (count + blocks - 1) // blocks


def _in_blocks(rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor,
               block_rows: int) -> tf.Tensor:
  """Cross-entropy of every row, [r]."""
  blocks, size = _blocks(rows, block_rows)
  kernel = tf.cast(kernel, rows.dtype)
  writer = tf.TensorArray(_logits_dtype(rows), blocks, infer_shape=False, element_shape=[None])

  def body(block: tf.Tensor, writer: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
    part = slice(block * size, (block + 1) * size)
    logits = _logits(rows[part], kernel)
    losses = tf.reduce_logsumexp(logits, axis=-1) - _of_targets(logits, targets[part])
    return block + 1, writer.write(block, losses)

  # One iteration at a time: parallel ones would each hold their logits.
  _, writer = tf.while_loop(
      lambda block, _: block < blocks, body, (tf.constant(0), writer), parallel_iterations=1)
  return writer.concat()


@tf.custom_gradient
def _twice_differentiable(rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor,
                          block_rows: int) -> Any:
  """The same, with first and second derivatives in closed form, nothing kept between passes.

  With softmax s, one-hot target e and upstream gradient u of a row, its gradient is u (s - e) W^T.
  That gradient's own derivative along a is taken from w = a W: by the row
  u s (w - s.w) W^T, by u (s - e).w, and by W row^T [u s (w - s.w)] + a^T [u (s - e)].
  """

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None, None]:
    return (_rows_gradient(rows, kernel, targets, upstream, block_rows),
            _kernel_gradient(rows, kernel, targets, upstream, block_rows), None, None)

  return _in_blocks(rows, kernel, targets, block_rows), gradient


@tf.custom_gradient
def _rows_gradient(rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor, upstream: tf.Tensor,
                   block_rows: int) -> Any:
  """u (s - e) W^T of every row, [r, h]."""
  blocks, size = _blocks(rows, block_rows)
  low_kernel = tf.cast(kernel, rows.dtype)
  writer = tf.TensorArray(
      rows.dtype, blocks, infer_shape=False, element_shape=[None, rows.shape[-1]])

  def body(block: tf.Tensor, writer: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
    part = slice(block * size, (block + 1) * size)
    d_logits = _logit_gradients(rows[part], low_kernel, targets[part], upstream[part])
    return block + 1, writer.write(block, tf.matmul(d_logits, low_kernel, transpose_b=True))

  _, writer = tf.while_loop(
      lambda block, _: block < blocks, body, (tf.constant(0), writer), parallel_iterations=1)

  def gradient(along: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None, tf.Tensor, None]:
    by_rows, by_kernel, by_upstream = _rows_gradient_derivatives(
        rows, kernel, targets, upstream, along, block_rows)
    return by_rows, by_kernel, None, by_upstream, None

  return writer.concat(), gradient


def _kernel_gradient(rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor, upstream: tf.Tensor,
                     block_rows: int) -> tf.Tensor:
  """row^T [u (s - e)] summed over rows, [h, V]."""
  blocks, size = _blocks(rows, block_rows)
  low_kernel = tf.cast(kernel, rows.dtype)

  def body(block: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    part = slice(block * size, (block + 1) * size)
    d_logits = _logit_gradients(rows[part], low_kernel, targets[part], upstream[part])
    more = tf.matmul(rows[part], d_logits, transpose_a=True)
    return block + 1, total + tf.cast(more, kernel.dtype)

  return tf.while_loop(lambda block, _: block < blocks, body,
                       (tf.constant(0), tf.zeros_like(kernel)), parallel_iterations=1)[1]


def _logit_gradients(rows: tf.Tensor, low_kernel: tf.Tensor, targets: tf.Tensor,
                     upstream: tf.Tensor) -> tf.Tensor:
  """u (s - e), [r, V], in the dtype of the rows."""
  _, d_logits = _losses_and_logit_gradients(_logits(rows, low_kernel), targets)
  return tf.cast(upstream[:, tf.newaxis] * d_logits, rows.dtype)


def _rows_gradient_derivatives(
    rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor, upstream: tf.Tensor, along: tf.Tensor,
    block_rows: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """The derivatives of `_rows_gradient` along [r, h]: by rows, kernel and upstream."""
  blocks, size = _blocks(rows, block_rows)
  low_kernel = tf.cast(kernel, rows.dtype)
  rows_writer = tf.TensorArray(
      rows.dtype, blocks, infer_shape=False, element_shape=[None, rows.shape[-1]])
  upstream_writer = tf.TensorArray(
      upstream.dtype, blocks, infer_shape=False, element_shape=[None])

  def body(block: tf.Tensor, rows_writer: tf.TensorArray, upstream_writer: tf.TensorArray,
           total: tf.Tensor) -> Any:
    part = slice(block * size, (block + 1) * size)
    softmax = tf.nn.softmax(_logits(rows[part], low_kernel))
    slopes = _logits(along[part], low_kernel)
    mean = tf.reduce_sum(softmax * slopes, axis=-1)
    weights = upstream[part]
    weighted = weights[:, tf.newaxis] * softmax
    numbers = tf.range(tf.shape(weights)[0])
    at_target = tf.stack([numbers, tf.cast(targets[part], tf.int32)], axis=-1)
    d_logits = tf.cast(weighted * (slopes - mean[:, tf.newaxis]), rows.dtype)
    first = tf.cast(tf.tensor_scatter_nd_sub(weighted, at_target, weights), rows.dtype)
    more = tf.matmul(tf.concat([rows[part], along[part]], axis=0),
                     tf.concat([d_logits, first], axis=0), transpose_a=True)
    return (block + 1,
            rows_writer.write(block, tf.matmul(d_logits, low_kernel, transpose_b=True)),
            upstream_writer.write(block, mean - _of_targets(slopes, targets[part])),
            total + tf.cast(more, kernel.dtype))

  _, rows_writer, upstream_writer, total = tf.while_loop(
      lambda block, *_: block < blocks, body,
      (tf.constant(0), rows_writer, upstream_writer, tf.zeros_like(kernel)),
      parallel_iterations=1)
  return rows_writer.concat(), total, upstream_writer.concat()


@tf.custom_gradient
def _with_gradient(rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor,
                   block_rows: int) -> Any:
  """The same, with the gradients for an upstream gradient of 1 computed beside the losses.

  Upstream is the same number for every row in all that is summed or averaged over examples; then
  it only multiplies the gradient of the kernel. Where it is not, the logits are computed again.
  """
  losses, d_rows, d_kernel = _losses_and_gradients(rows, kernel, targets, block_rows)

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None, None]:
    common = tf.reduce_sum(upstream[:1])
    kernel_gradient = tf.cond(
        tf.reduce_all(upstream == common), lambda: common * d_kernel,
        lambda: _kernel_gradient(rows, kernel, targets, upstream, block_rows))
    return tf.cast(upstream, rows.dtype)[:, tf.newaxis] * d_rows, kernel_gradient, None, None

  return losses, gradient


def _losses_and_gradients(
    rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor, block_rows: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Losses [r], their gradient by each row [r, h], and that of their sum by W [h, V]."""
  blocks, size = _blocks(rows, block_rows)
  low_kernel = tf.cast(kernel, rows.dtype)
  losses_writer = tf.TensorArray(
      _logits_dtype(rows), blocks, infer_shape=False, element_shape=[None])
  rows_writer = tf.TensorArray(
      rows.dtype, blocks, infer_shape=False, element_shape=[None, rows.shape[-1]])

  def block_of(block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    part = slice(block * size, (block + 1) * size)
    losses, d_logits = _losses_and_logit_gradients(
        _logits(rows[part], low_kernel), targets[part])
    d_logits = tf.cast(d_logits, rows.dtype)
    d_kernel = tf.cast(tf.matmul(rows[part], d_logits, transpose_a=True), kernel.dtype)
    return losses, tf.matmul(d_logits, low_kernel, transpose_b=True), d_kernel

  def body(block: tf.Tensor, losses_writer: tf.TensorArray, rows_writer: tf.TensorArray,
           d_kernel: tf.Tensor) -> Any:
    losses, d_rows, more = block_of(block)
    return (block + 1, losses_writer.write(block, losses), rows_writer.write(block, d_rows),
            d_kernel + more)

  # The first block stands before the loop: adding it to zeros would cost a pass over [h, V].
  losses, d_rows, d_kernel = block_of(tf.constant(0))
  _, losses_writer, rows_writer, d_kernel = tf.while_loop(
      lambda block, *_: block < blocks, body,
      (tf.constant(1), losses_writer.write(0, losses), rows_writer.write(0, d_rows), d_kernel),
      parallel_iterations=1)
  return losses_writer.concat(), rows_writer.concat(), d_kernel


def _losses_and_logit_gradients(logits: tf.Tensor,
                                targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Losses [r] and softmax less one at the target, [r, V], in a quarter of TensorFlow's time.

  The likeliest class has a probability of at least 1 / V, so that the logarithm that normalizes
  follows from it without loss.
  """
  softmax = tf.nn.softmax(logits)
  normalizer = tf.reduce_max(logits, axis=-1) - tf.math.log(tf.reduce_max(softmax, axis=-1))
  losses = normalizer - _of_targets(logits, targets)
  numbers = tf.range(tf.shape(logits)[0])
  at_target = tf.stack([numbers, tf.cast(targets, tf.int32)], axis=-1)
  return losses, tf.tensor_scatter_nd_sub(softmax, at_target, tf.ones_like(losses))


def _of_targets(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
  return tf.gather(logits, targets, axis=1, batch_dims=1)


def _logits_dtype(rows: tf.Tensor) -> tf.DType:
  return tf.float64 if rows.dtype == tf.float64 else tf.float32
