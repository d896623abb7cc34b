"""Tests of the embedding."""

import numpy as np
import tensorflow as tf

from du_vae_tf.layers import embedding


class EmbeddingTest(tf.test.TestCase):

  def test_rows_are_looked_up(self) -> None:
    layer = embedding.Embedding(5, 3)
    result = layer(tf.constant([[4, 0], [1, 4]]))
    self.assertAllEqual(result, layer.table.numpy()[[[4, 0], [1, 4]]])

  def test_gradient_is_sparse_and_lists_every_look_up(self) -> None:
    layer = embedding.Embedding(5, 2)
    layer.build((None,))
    weight = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    with tf.GradientTape() as tape:
      total = tf.reduce_sum(weight * layer(tf.constant([3, 1, 3])))
    gradient, = tape.gradient(total, layer.trainable_variables)
    self.assertIsInstance(gradient, tf.IndexedSlices)
    self.assertLen(gradient.indices, 3)
    self.assertAllEqual(
        tf.convert_to_tensor(gradient), [[0, 0], [3, 4], [0, 0], [6, 8], [0, 0]])


if __name__ == "__main__":
  tf.test.main()
