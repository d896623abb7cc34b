"""The cuDNN path, with an operation of cuDNN's contract in its place: there is no GPU in tests."""

from typing import Any
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.layers import cudnn_lstm
from du_vae_tf.layers import lstm

BATCH, TIME, SIZE, CONSTANT, UNITS = 3, 5, 4, 2, 6


def cudnn_by_the_book(input: tf.Tensor, input_h: tf.Tensor, input_c: tf.Tensor, params: tf.Tensor,
                      sequence_lengths: tf.Tensor, **options: Any) -> tuple[tf.Tensor, ...]:
  """The operation as cuDNN's documentation has it.

  The vector holds W_i, W_f, W_c, W_o, each [h, d] by rows, then R in the same way, [h, h], then the
  eight biases b_W and b_R. Steps from the end of a row's sequence on give zeros.
  """
  assert options == {"rnn_mode": "lstm", "is_training": True, "time_major": True}
  time, rows, size = input.shape
  assert rows > 0
  units = input_h.shape[-1]
  place = 0

  def take(*shape: int) -> tf.Tensor:
    nonlocal place
    count = int(np.prod(shape))
    place += count
    return tf.reshape(params[place - count:place], shape)

  w = [take(units, size) for _ in range(4)]
  r = [take(units, units) for _ in range(4)]
  b_w = [take(units) for _ in range(4)]
  b_r = [take(units) for _ in range(4)]
  assert place == params.shape[0]
  h, c = input_h[0], input_c[0]
  results = []
  for t in range(time):
    i, f, g, o = (
        tf.matmul(input[t], w[n], transpose_b=True) + tf.matmul(h, r[n], transpose_b=True)
        + b_w[n] + b_r[n] for n in range(4))
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    h = tf.sigmoid(o) * tf.tanh(c)
    results.append(tf.where((t < sequence_lengths)[:, tf.newaxis], h, tf.zeros_like(h)))
  return tf.stack(results), h[tf.newaxis], c[tf.newaxis], tf.zeros([]), tf.zeros([])


class CudnnTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self) -> None:
    super().setUp()
    for target, name, value in (
        (cudnn_lstm, "available", mock.Mock(return_value=True)),
        (tf.raw_ops, "CudnnRNNV3", mock.Mock(side_effect=cudnn_by_the_book))):
      patch = mock.patch.object(target, name, value)
      patch.start()
      self.addCleanup(patch.stop)

  @parameterized.product(constant=(False, True), state=(False, True), rows=(BATCH, 0))
  def test_values_and_gradients_are_those_of_the_loop_with_the_same_weights(
      self, constant: bool, state: bool, rows: int) -> None:
    layer = lstm.LSTM(UNITS, CONSTANT if constant else 0, bias_initializer="random_normal")
    random = np.random.default_rng(1)

    def draw(*shape: int) -> tf.Tensor:
      return tf.constant(random.normal(size=shape), tf.float32)

    inputs = [draw(rows, TIME, SIZE)]
    inputs += [draw(rows, CONSTANT)] if constant else [None]
    inputs += [draw(rows, UNITS), draw(rows, UNITS)] if state else [None, None]
    weight = draw(rows, TIME, UNITS)
    layer(*inputs)
    watched = [value for value in inputs if value is not None]
    found = []
    for training in (False, True):
      with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = layer(*inputs, training=training)
        total = tf.reduce_sum(weight * outputs)
      found.append([outputs, *tape.gradient(total, layer.trainable_variables + watched)])
    self.assertEqual(tf.raw_ops.CudnnRNNV3.call_count, 1)
    for loop, cudnn in zip(*found, strict=True):
      self.assertAllClose(cudnn, loop, rtol=1e-5, atol=1e-6)

  def test_mixed_precision_hands_over_bfloat16(self) -> None:
    layer = lstm.LSTM(UNITS, dtype="mixed_bfloat16")
    outputs = layer(tf.ones([BATCH, TIME, SIZE]), training=True)
    given = tf.raw_ops.CudnnRNNV3.call_args.kwargs
    for name in ("input", "input_h", "input_c", "params"):
      self.assertEqual(given[name].dtype, tf.bfloat16, name)
    self.assertEqual(outputs.dtype, tf.float32)

  def test_evaluation_takes_the_loop_which_runs_everywhere(self) -> None:
    lstm.LSTM(UNITS)(tf.ones([BATCH, TIME, SIZE]))
    tf.raw_ops.CudnnRNNV3.assert_not_called()


class AvailableTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(([], False), (["GPU:0"], True))
  def test_follows_the_devices(self, gpus: list[str], expected: bool) -> None:
    with mock.patch.object(tf.config, "list_logical_devices", return_value=gpus):
      self.assertEqual(cudnn_lstm.available(), expected)


if __name__ == "__main__":
  tf.test.main()
