"""What this machine's memory and TensorFlow's calls take, for predictions."""

import statistics
import time
from collections.abc import Callable

import tensorflow as tf

# Numbers of the tensors that are added, far beyond any cache, and repetitions.
_NUMBERS, _REPETITIONS = 2**25, 5
# Rounds of the loop of small operations, and operations of a round, those of the loop included.
_ROUNDS, _OPERATIONS = 500, 27


class Rates:
  """Functions that measure; the first call of each traces it."""

  def __init__(self) -> None:
    self._tensor = tf.zeros([_NUMBERS])
    self._add = tf.function(lambda tensor: tensor + 1.0)
    self._loop = tf.function(_small_operations)
    self.bandwidth()
    self.call()

  def bandwidth(self) -> float:
    """Of memory in an operation of TensorFlow that reads once and writes once, bytes a second."""
    return 2 * 4 * _NUMBERS / _median(lambda: self._add(self._tensor)[0].numpy())

  def call(self) -> float:
    """Seconds of an operation on few numbers within a loop."""
    return _median(lambda: self._loop().numpy()) / (_ROUNDS * _OPERATIONS)


def _small_operations() -> tf.Tensor:
  """A recurrence of the kind that an LSTM is, on four numbers."""
  reader = tf.TensorArray(tf.float32, _ROUNDS).unstack(tf.zeros([_ROUNDS, 1, 4]))
  kernel = tf.zeros([1, 4])

  def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, writer: tf.TensorArray) -> tuple[
      tf.Tensor, tf.Tensor, tf.Tensor, tf.TensorArray]:
    gates = reader.read(t) + tf.matmul(hidden, kernel)
    i, f, g, o = tf.split(gates, 4, axis=-1)
    cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
    return t + 1, tf.sigmoid(o) * tf.tanh(cell), cell, writer.write(t, gates)

  zeros = tf.zeros([1, 1])
  _, hidden, *_ = tf.while_loop(
      lambda t, *_: t < _ROUNDS, body,
      (tf.constant(0), zeros, zeros, tf.TensorArray(tf.float32, _ROUNDS)))
  return hidden


def _median(work: Callable[[], object]) -> float:
  """Seconds of one repetition."""
  seconds = []
  for _ in range(_REPETITIONS):
    begin = time.perf_counter()
    work()
    seconds.append(time.perf_counter() - begin)
  return statistics.median(seconds)
