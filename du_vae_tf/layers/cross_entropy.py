"""Cross-entropy of hidden states with a vocabulary."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="du_vae_tf")
class CrossEntropy(keras.layers.Layer):
  """-log softmax(hidden W)[target], summed over each sequence, in nats.

  Padded positions are left out before the projection to the vocabulary, the largest product of a
  text model: they cost nothing and cannot change the result. Logits and results are float32 (or
  float64) under every dtype policy; the product itself is in the compute dtype.

  Args:
    vocab_size: number of classes V.
    kernel_initializer: of W.

  Call arguments:
    hidden: float tensor [b, t, h].
    targets: integer tensor [b, t], entries in [0, V) where they count.
    count: integer tensor [b], the positions at the start of each row that count.
    block_rows: None, or the number of positions whose logits may exist at a time; bounds the
      memory of a forward pass at block_rows x V, where nothing is differentiated.

  Returns:
    float tensor [b], nats per row.

  Weights: `kernel` [h, V].
  """

  def __init__(self, vocab_size: int, kernel_initializer: Any = "glorot_uniform",
               **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.vocab_size = vocab_size
    self.kernel_initializer = keras.initializers.get(kernel_initializer)

  def build(self, hidden_shape: tuple[int | None, ...]) -> None:
    """Creates the projection to the vocabulary."""
    self.kernel = self.add_weight(
        name="kernel", shape=(hidden_shape[-1], self.vocab_size),
        initializer=self.kernel_initializer)

  def call(self, hidden: tf.Tensor, targets: tf.Tensor, count: tf.Tensor,
           block_rows: int | None = None) -> tf.Tensor:
    positions = tf.where(tf.sequence_mask(count, tf.shape(targets)[1]))
    rows = tf.gather_nd(tf.cast(hidden, self.compute_dtype), positions)
    row_targets = tf.gather_nd(targets, positions)
    kernel = self._kernel()
    if block_rows is None:
      losses = _cross_entropy(rows, kernel, row_targets)
    else:
      losses = _in_blocks(rows, kernel, row_targets, block_rows)
    return tf.math.unsorted_segment_sum(losses, positions[:, 0], tf.shape(targets)[0])

  def logits(self, hidden: tf.Tensor) -> tf.Tensor:
    """hidden W for hidden [b, h]: [b, V], float32 or float64."""
    return _logits(tf.cast(hidden, self.compute_dtype), self._kernel())

  def compute_output_shape(self, hidden_shape: tuple[int | None, ...],
                           **unused_shapes: Any) -> tuple[int | None, ...]:
    return (hidden_shape[0],)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "vocab_size": self.vocab_size,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}

  def _kernel(self) -> tf.Tensor:
    """The value in the compute dtype, also outside `__call__`, where Keras does not cast it."""
    return tf.cast(tf.convert_to_tensor(self.kernel), self.compute_dtype)


def _logits(rows: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """rows W, in float32 where the product is in less."""
  product = tf.matmul(rows, kernel)
  return product if product.dtype == tf.float64 else tf.cast(product, tf.float32)


@tf.custom_gradient
def _cross_entropy(rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor) -> Any:
  """Cross-entropy of every row, [r].

  The upstream gradient multiplies the rows [r, h], not the softmax [r, V] as in TensorFlow's own
  gradient, which saves a pass over the largest tensor of the model and its memory.
  """
  losses, softmax_less_target = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
      features=_logits(rows, kernel), labels=targets)

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None]:
    weight = tf.cast(upstream[:, tf.newaxis], rows.dtype)
    d_logits = tf.cast(softmax_less_target, rows.dtype)
    d_rows = weight * tf.matmul(d_logits, kernel, transpose_b=True)
    return d_rows, tf.matmul(weight * rows, d_logits, transpose_a=True), None

  return losses, gradient


def _in_blocks(rows: tf.Tensor, kernel: tf.Tensor, targets: tf.Tensor,
               block_rows: int) -> tf.Tensor:
  """Cross-entropy of every row, [r], from the logits of `block_rows` rows at a time."""
  # One block at least, so that there is something to concatenate.
  blocks = tf.maximum(1, (tf.shape(rows)[0] + block_rows - 1) // block_rows)
  dtype = tf.float64 if rows.dtype == tf.float64 else tf.float32
  writer = tf.TensorArray(dtype, blocks, infer_shape=False, element_shape=[None])

  def body(block: tf.Tensor, writer: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
    part = slice(block * block_rows, (block + 1) * block_rows)
    return block + 1, writer.write(block, _cross_entropy(rows[part], kernel, targets[part]))

  # One iteration at a time: parallel ones would each hold their logits.
  _, writer = tf.while_loop(
      lambda block, _: block < blocks, body, (tf.constant(0), writer), parallel_iterations=1)
  return writer.concat()
