"""Tests of the cross-entropy with a vocabulary."""

from typing import Any
from unittest import mock

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import cross_entropy

BATCH, TIME, SIZE, VOCABULARY = 4, 6, 3, 11
COUNT = np.array([6, 1, 0, 4], np.int32)


def make_layer(dtype: str = "float64", block_rows: int = 2048) -> cross_entropy.CrossEntropy:
  layer = cross_entropy.CrossEntropy(VOCABULARY, "random_normal", block_rows, dtype=dtype)
  layer.build((None, None, SIZE))
  layer.kernel.assign(np.random.default_rng(5).normal(size=(SIZE, VOCABULARY)))
  return layer


def random_inputs(time: int = TIME) -> tuple[np.ndarray, np.ndarray]:
  random = np.random.default_rng(7)
  hidden = random.normal(size=(BATCH, TIME, SIZE))
  targets = random.integers(0, VOCABULARY, (BATCH, TIME)).astype(np.int32)
  padding = [(0, 0), (0, time - TIME)]
  return np.pad(hidden, [*padding, (0, 0)], constant_values=1e3), np.pad(targets, padding)


def brute_force(hidden: np.ndarray, targets: np.ndarray, kernel: np.ndarray) -> list[float]:
  """One position after the other."""
  totals = []
  for row, count in enumerate(COUNT):
    total = 0.0
    for t in range(count):
      logits = hidden[row, t] @ kernel
      total += np.log(np.sum(np.exp(logits))) - logits[targets[row, t]]
    totals.append(total)
  return totals


class CrossEntropyTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(block_rows=(1, 3, 4, 11, 50), training=(False, True))
  def test_value_is_the_definition(self, block_rows: int, training: bool) -> None:
    layer = make_layer(block_rows=block_rows)
    hidden, targets = random_inputs()
    expected = brute_force(hidden, targets, layer.kernel.numpy())
    self.assertAllClose(layer(hidden, targets, COUNT, training=training), expected,
                        rtol=1e-12, atol=1e-12)

  @parameterized.product(
      block_rows=(50, 3), training=(False, True), weight=((1.0, -2.0, 3.0, 0.5), (0.7,) * 4))
  def test_gradients_are_the_numerical_ones(
      self, block_rows: int, training: bool, weight: tuple[float, ...]) -> None:
    layer = make_layer(block_rows=block_rows)
    hidden, targets = random_inputs()

    def by_hidden(hidden: tf.Tensor) -> tf.Tensor:
      losses = layer(hidden, targets, COUNT, training=training)
      return tf.reduce_sum(tf.constant(weight, tf.float64) * losses)

    theoretical, numerical = tf.test.compute_gradient(
        by_hidden, [tf.constant(hidden)], delta=1e-5)
    self.assertAllClose(theoretical[0], numerical[0], rtol=0.0, atol=1e-8)

    with tf.GradientTape() as tape:
      total = by_hidden(tf.constant(hidden))
    gradient, = tape.gradient(total, layer.trainable_variables)
    kernel = layer.kernel.numpy()
    for index in np.ndindex(kernel.shape):
      moved = []
      for delta in (1e-5, -1e-5):
        shifted = kernel.copy()
        shifted[index] += delta
        moved.append(np.dot(weight, brute_force(hidden, targets, shifted)))
      self.assertAllClose(gradient[index], (moved[0] - moved[1]) / 2e-5, rtol=0.0, atol=1e-8)

  @parameterized.parameters(2048, 3)
  def test_second_derivatives_are_those_of_the_definition(self, block_rows: int) -> None:
    layer = make_layer(block_rows=block_rows)
    hidden, targets = (tf.constant(value) for value in random_inputs())
    kernel = tf.constant(layer.kernel.numpy())
    weight = tf.constant([1.0, -2.0, 3.0, 0.5], tf.float64)
    along = tf.constant(np.random.default_rng(9).normal(size=hidden.shape))

    def plain(hidden: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
      losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, hidden @ kernel)
      return tf.reduce_sum(tf.where(tf.sequence_mask(COUNT, TIME), losses, 0.0), axis=1)

    def ours(hidden: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
      with mock.patch.object(layer, "kernel", kernel):
        return layer(hidden, targets, COUNT)

    @tf.function
    def derivatives(losses_of: Any) -> list[tf.Tensor]:
      with tf.GradientTape() as outer:
        outer.watch([hidden, kernel, weight])
        with tf.GradientTape() as inner:
          inner.watch(hidden)
          total = tf.reduce_sum(weight * losses_of(hidden, kernel))
        slope = tf.reduce_sum(along * inner.gradient(total, hidden))
      return outer.gradient(slope, [hidden, kernel, weight])

    for actual, expected in zip(derivatives(ours), derivatives(plain), strict=True):
      self.assertAllClose(actual, expected, rtol=1e-10, atol=1e-10)

  @parameterized.parameters((0.7,) * 4, (1.0, -2.0, 3.0, 0.5))
  def test_only_unequal_weights_cost_a_second_projection(self, *weight: float) -> None:
    layer = make_layer()
    hidden, targets = random_inputs()
    with mock.patch.object(cross_entropy, "_logits", wraps=cross_entropy._logits) as logits:
      with tf.GradientTape() as tape:
        total = tf.reduce_sum(weight * layer(hidden, targets, COUNT, training=True))
      tape.gradient(total, layer.trainable_variables)
    self.assertEqual(logits.call_count, 1 if len(set(weight)) == 1 else 2)

  def test_large_logits_do_not_overflow_and_faults_are_not_hidden(self) -> None:
    layer = make_layer("float32")
    hidden = np.full((1, 1, SIZE), 1e4, np.float32)
    target, count = np.array([[2]]), np.array([1])
    for training in (False, True):
      losses = layer(hidden, target, count, training=training)
      logits = hidden[0, 0] @ layer.kernel.numpy()
      self.assertAllClose(losses, [logits.max() - logits[2]], rtol=1e-5)
      self.assertAllEqual(
          np.isnan(layer(hidden * np.nan, target, count, training=training)), [True])

  def test_padding_changes_nothing(self) -> None:
    layer = make_layer()
    results = []
    for time in (TIME, TIME + 5):
      hidden, targets = (tf.constant(value) for value in random_inputs(time))
      with tf.GradientTape() as tape:
        tape.watch(hidden)
        losses = layer(hidden, targets, COUNT)
      by_hidden, by_kernel = tape.gradient(losses, [hidden, layer.kernel.value])
      self.assertAllEqual(by_hidden[:, TIME:], tf.zeros_like(by_hidden[:, TIME:]))
      results.append((losses, by_hidden[:, :TIME], by_kernel))
    for first, second in zip(*results, strict=True):
      self.assertAllEqual(first, second)

  @parameterized.product(
      case=((11, [11]), (4, [4, 4, 3]), (6, [6, 5]), (20, [11])), training=(False, True))
  def test_only_counted_positions_are_projected_a_block_at_a_time(
      self, case: tuple[int, list[int]], training: bool) -> None:
    block_rows, expected = case
    layer = make_layer(block_rows=block_rows)
    with mock.patch.object(cross_entropy, "_logits", wraps=cross_entropy._logits) as logits:
      layer(*random_inputs(), COUNT, training=training)
    self.assertEqual([call.args[0].shape[0] for call in logits.call_args_list], expected)

  @parameterized.parameters(False, True)
  def test_nothing_that_counts_gives_zero(self, training: bool) -> None:
    losses = make_layer()(*random_inputs(), np.zeros_like(COUNT), training=training)
    self.assertAllEqual(losses, np.zeros(BATCH))

  def test_log_sum_exp_is_float32_in_mixed_precision(self) -> None:
    layer = make_layer("mixed_bfloat16")
    layer.kernel.assign(tf.zeros_like(layer.kernel))
    hidden, targets = random_inputs()
    losses = layer(hidden, targets, COUNT)
    self.assertEqual(losses.dtype, tf.float32)
    self.assertAllClose(losses, COUNT * np.log(VOCABULARY), rtol=1e-6, atol=0.0)

  def test_logits_are_the_product(self) -> None:
    layer = make_layer()
    hidden = random_inputs()[0][:, 0]
    self.assertAllClose(layer.logits(hidden), hidden @ layer.kernel.numpy(),
                        rtol=1e-12, atol=1e-12)


if __name__ == "__main__":
  tf.test.main()
