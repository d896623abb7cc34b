"""The recurrence of an LSTM by NVIDIA's cuDNN, which is far faster on a GPU than a loop."""

import tensorflow as tf


def available() -> bool:
  """Whether there is a GPU to run it on."""
  return bool(tf.config.list_logical_devices("GPU"))


def outputs(inputs: tf.Tensor, kernel: tf.Tensor, recurrent_kernel: tf.Tensor, bias: tf.Tensor,
            hidden: tf.Tensor, cell: tf.Tensor) -> tf.Tensor:
  """h_1 ... h_t of an LSTM, differentiable once.

  The weights are those of `lstm.LSTM`, its constant input being part of the inputs: cuDNN takes all
  of them in one vector, the gates' matrices transposed one after the other, and has a second bias,
  which stays 0.

  Args:
    inputs: [t, b, d], float32 or bfloat16; t >= 1.
    kernel: [d, 4h], gates in the order i, f, g, o.
    recurrent_kernel: [h, 4h].
    bias: [4h].
    hidden: h_0, [b, h].
    cell: c_0, [b, h].

  Returns:
    [t, b, h].
  """
  # cuDNN takes no empty batch: a row of zeros is added, and taken away again.
  rows = tf.shape(inputs)[1]
  extra = tf.cast(rows == 0, tf.int32)
  inputs = tf.pad(inputs, [[0, 0], [0, extra], [0, 0]])
  hidden, cell = (tf.pad(state, [[0, extra], [0, 0]])[tf.newaxis] for state in (hidden, cell))
  steps = tf.shape(inputs)[0]
  result, *_ = tf.raw_ops.CudnnRNNV3(
      input=inputs, input_h=hidden, input_c=cell,
      params=packed(kernel, recurrent_kernel, bias),
      sequence_lengths=tf.fill([rows + extra], steps), rnn_mode="lstm", is_training=True,
      time_major=True)
  return result[:, :rows]


def packed(kernel: tf.Tensor, recurrent_kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
  """All weights in cuDNN's order, one vector."""
  matrices = tf.split(kernel, 4, axis=1) + tf.split(recurrent_kernel, 4, axis=1)
  flat = [tf.reshape(tf.transpose(matrix), [-1]) for matrix in matrices]
  return tf.concat([*flat, bias, tf.zeros_like(bias)], axis=0)
