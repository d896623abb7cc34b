"""Word embedding."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="du_vae_tf")
class Embedding(keras.layers.Layer):
  """Looks up one row of a table per id.

  The gradient of the table is sparse, a `tf.IndexedSlices` that lists a row as often as it was
  looked up; its norm is that of `tf.math.reduce_euclidean_norm` only after equal rows are summed.

  Args:
    vocab_size: rows of the table.
    size: columns of the table.
    initializer: of the table.

  Call arguments:
    ids: integer tensor [...], entries in [0, vocab_size).

  Returns:
    float tensor [..., size].
  """

  def __init__(self, vocab_size: int, size: int, initializer: Any = "uniform",
               **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.vocab_size = vocab_size
    self.size = size
    self.initializer = keras.initializers.get(initializer)

  def build(self, ids_shape: tuple[int | None, ...]) -> None:
    """Creates the table."""
    del ids_shape
    # Rows are looked up in full precision and cast then, which is cheaper than the other order.
    self.table = self.add_weight(
        name="table", shape=(self.vocab_size, self.size), initializer=self.initializer,
        autocast=False)

  def call(self, ids: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.gather(self.table.value, ids), self.compute_dtype)

  def compute_output_shape(self, ids_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return (*ids_shape, self.size)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "vocab_size": self.vocab_size, "size": self.size,
        "initializer": keras.initializers.serialize(self.initializer)}
