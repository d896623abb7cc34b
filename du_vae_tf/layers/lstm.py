"""LSTM whose backward pass is written out, which is what makes it fast on processors."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import cudnn_lstm


@keras.saving.register_keras_serializable(package="du_vae_tf")
class LSTM(keras.layers.Layer):
  """Long short-term memory over right-padded sequences, with an input that is constant in time.

      [i, f, g, o] = x_t W_x + constant W_c + h_{t-1} R + bias
      c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g)
      h_t = sigmoid(o) * tanh(c_t)

  Source: Hochreiter and Schmidhuber 1997, with forget gates; no offset on the forget gate.

  The recurrence runs forward and knows no padding: what follows a sequence's end changes nothing
  before it. The projection of the inputs is one product for all time steps, that of the constant
  one for the whole sequence, and the gradient of R one product after the backward loop. Products
  of inputs and of h are in the compute dtype; that of the constant, gates and states are float32
  (or float64) under every dtype policy.

  In training on a GPU, cuDNN runs the recurrence with the same weights, in the compute dtype
  throughout, and has first derivatives only. Elsewhere it does not, so that what is exported on a
  machine with a GPU runs on one without.

  Args:
    units: size h of the state.
    constant_size: size of the constant input, 0 for none. Concatenating the constant to the input
      of every step would give the same, at the price of projecting it at every step.
    kernel_initializer: of the rows of both inputs.
    recurrent_initializer: of R.
    bias_initializer: of the bias.

  Call arguments:
    inputs: float tensor [b, t, d], t >= 1; b may be 0.
    constant: float tensor [b, constant_size]; needed if constant_size > 0.
    hidden: h_0, float tensor [b, units]; zeros if None.
    cell: c_0, float tensor [b, units]; zeros if None.
    training: whether this is a training step.

  Returns:
    h_1 ... h_t, [b, t, units], float32 or float64.

  Weights: `kernel` [d + constant_size, 4 units], `recurrent_kernel` [units, 4 units], `bias`
  [4 units], gates in the order i, f, g, o.
  """

  def __init__(self, units: int, constant_size: int = 0,
               kernel_initializer: Any = "glorot_uniform",
               recurrent_initializer: Any = "glorot_uniform",
               bias_initializer: Any = "zeros", **kwargs: Any) -> None:
    super().__init__(**({"autocast": False} | kwargs))
    self.units = units
    self.constant_size = constant_size
    self.kernel_initializer = keras.initializers.get(kernel_initializer)
    self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
    self.bias_initializer = keras.initializers.get(bias_initializer)

  def build(self, inputs_shape: tuple[Any, ...]) -> None:
    """Creates the weights."""
    self.input_size = inputs_shape[-1]
    self.kernel = self.add_weight(
        name="kernel", shape=(self.input_size + self.constant_size, 4 * self.units),
        initializer=self.kernel_initializer)
    self.recurrent_kernel = self.add_weight(
        name="recurrent_kernel", shape=(self.units, 4 * self.units),
        initializer=self.recurrent_initializer)
    self.bias = self.add_weight(
        name="bias", shape=(4 * self.units,), initializer=self.bias_initializer)

  def call(self, inputs: tf.Tensor, constant: tf.Tensor | None = None,
           hidden: tf.Tensor | None = None, cell: tf.Tensor | None = None,
           training: bool = False) -> tf.Tensor:
    time_major = tf.transpose(inputs, [1, 0, 2])
    zeros = tf.zeros([tf.shape(inputs)[0], self.units], self._state_dtype)
    hidden, cell = (zeros if state is None else tf.cast(state, zeros.dtype)
                    for state in (hidden, cell))
    if training and cudnn_lstm.available():
      outputs = self._by_cudnn(time_major, constant, hidden, cell)
    else:
      outputs = _recurrence(self._project(time_major) + self.offset(constant),
                            self._weight(self.recurrent_kernel), hidden, cell)
    return tf.cast(tf.transpose(outputs, [1, 0, 2]), self._state_dtype)

  def offset(self, constant: tf.Tensor | None) -> tf.Tensor:
    """What the bias and the constant input add at every step.

    Args:
      constant: float tensor [..., constant_size], or None where constant_size is 0.

    Returns:
      [..., 4 units], or [4 units] without a constant; float32 or float64.

    Raises:
      ValueError: the layer takes a constant and there is none, or the other way round.
    """
    if (constant is None) != (self.constant_size == 0):
      raise ValueError(
          "`constant` must be given if and only if constant_size > 0. Received:"
          f" constant={constant}, constant_size={self.constant_size}.")
    bias = tf.cast(tf.convert_to_tensor(self.bias), self._state_dtype)
    if constant is None:
      return bias
    rows = tf.cast(tf.convert_to_tensor(self.kernel)[self.input_size:], self._state_dtype)
    return tf.tensordot(tf.cast(constant, self._state_dtype), rows, 1) + bias

  def step(self, inputs: tf.Tensor, offset: tf.Tensor, hidden: tf.Tensor,
           cell: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One time step.

    Args:
      inputs: [b, d].
      offset: [b, 4 units], from `offset`.
      hidden: the state h before the step, [b, units].
      cell: the state c before the step, [b, units].

    Returns:
      h and c after the step.
    """
    recurrent = self._product(hidden, self._weight(self.recurrent_kernel))
    return _cell(self._project(inputs) + offset + recurrent, tf.cast(cell, self._state_dtype))

  def projected(self, inputs: tf.Tensor) -> tf.Tensor:
    """What inputs [b, t, d] add to the gates, ready for `sample_outputs`: [t, b, 4 units]."""
    return self._project(tf.transpose(inputs, [1, 0, 2]))

  def sample_outputs(self, projection: tf.Tensor, constant: tf.Tensor, hidden: tf.Tensor,
                     cell: tf.Tensor) -> tf.Tensor:
    """Runs the same inputs with several constants and initial states.

    The inputs are projected once for all samples, and nothing is kept for a backward pass.

    Args:
      projection: from `projected`, [t, b, 4 units], t >= 1.
      constant: [s, b, constant_size].
      hidden: h_0, [s, b, units].
      cell: c_0, [s, b, units].

    Returns:
      h_1 ... h_t, [s, b, t, units], in the compute dtype.
    """
    recurrent_kernel = self._weight(self.recurrent_kernel)
    offset = self.offset(constant)
    steps = tf.shape(projection)[0]
    reader = tf.TensorArray(projection.dtype, steps).unstack(projection)
    writer = tf.TensorArray(self.compute_dtype, steps, element_shape=hidden.shape)

    def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, writer: tf.TensorArray) -> Any:
      pre_activation = self._product(hidden, recurrent_kernel) + offset + reader.read(t)
      hidden, cell = _cell(pre_activation, cell)
      hidden = tf.cast(hidden, self.compute_dtype)
      return t + 1, hidden, cell, writer.write(t, hidden)

    *_, writer = tf.while_loop(lambda t, *_: t < steps, body, (
        tf.constant(0), tf.cast(hidden, self.compute_dtype), tf.cast(cell, self._state_dtype),
        writer))
    return tf.transpose(writer.stack(), [1, 2, 0, 3])

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...],
                           **unused_shapes: Any) -> tuple[int | None, ...]:
    return (*inputs_shape[:-1], self.units)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "units": self.units, "constant_size": self.constant_size,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
        "bias_initializer": keras.initializers.serialize(self.bias_initializer)}

  def _by_cudnn(self, inputs: tf.Tensor, constant: tf.Tensor | None, hidden: tf.Tensor,
                cell: tf.Tensor) -> tf.Tensor:
    """h_1 ... h_t [t, b, units] of inputs [t, b, d], the constant repeated at every step."""
    if constant is not None:
      repeated = tf.repeat(constant[tf.newaxis], tf.shape(inputs)[0], axis=0)
      inputs = tf.concat([inputs, tf.cast(repeated, inputs.dtype)], axis=-1)
    weights = (self._weight(variable)
               for variable in (self.kernel, self.recurrent_kernel, self.bias))
    return cudnn_lstm.outputs(
        tf.cast(inputs, self.compute_dtype), *weights,
        *(tf.cast(state, self.compute_dtype) for state in (hidden, cell)))

  @property
  def _state_dtype(self) -> str:
    """Of gates and states."""
    return "float64" if self.compute_dtype == "float64" else "float32"

  def _project(self, inputs: tf.Tensor) -> tf.Tensor:
    """x W_x for inputs [..., d]."""
    return self._product(inputs, self._weight(self.kernel)[:self.input_size])

  def _product(self, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """left [..., k] times right [k, l], given back in the dtype of the states."""
    return tf.cast(tf.tensordot(tf.cast(left, self.compute_dtype), right, 1), self._state_dtype)

  def _weight(self, variable: keras.Variable) -> tf.Tensor:
    """The value in the compute dtype, also outside `__call__`, where Keras does not cast it."""
    return tf.cast(tf.convert_to_tensor(variable), self.compute_dtype)


def _cell(pre_activation: tf.Tensor, cell: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """h and c after a step with gates [..., 4 units] before their activation."""
  i, f, g, o = tf.split(pre_activation, 4, axis=-1)
  cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
  return tf.sigmoid(o) * tf.tanh(cell), cell


@tf.custom_gradient
def _recurrence(projection: tf.Tensor, recurrent_kernel: tf.Tensor, hidden: tf.Tensor,
                cell: tf.Tensor) -> Any:
  """The loop over time.

  Args:
    projection: what inputs, constant and bias add to the gates, [t, b, 4h].
    recurrent_kernel: [h, 4h]; its dtype is that of the products.
    hidden: h_0, [b, h].
    cell: c_0, [b, h].

  Returns:
    h_1 ... h_t, [t, b, h], and the gradient function.
  """
  steps = tf.shape(projection)[0]
  dtype = projection.dtype
  reader = tf.TensorArray(dtype, steps).unstack(projection)
  gates = tf.TensorArray(dtype, steps, element_shape=projection.shape[1:])
  cells = tf.TensorArray(dtype, steps, element_shape=cell.shape)

  def body(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, gates: tf.TensorArray,
           cells: tf.TensorArray) -> Any:
    product = tf.matmul(tf.cast(hidden, recurrent_kernel.dtype), recurrent_kernel)
    pre_activation = reader.read(t) + tf.cast(product, dtype)
    hidden, cell = _cell(pre_activation, cell)
    return t + 1, hidden, cell, gates.write(t, pre_activation), cells.write(t, cell)

  *_, gates, cells = tf.while_loop(
      lambda t, *_: t < steps, body, (tf.constant(0), hidden, cell, gates, cells))

  # Everything that needs no order in time is done for all steps at once: few large operations.
  all_cells = cells.stack()
  i, f, g, o = tf.split(gates.stack(), 4, axis=-1)
  i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
  squashed = tf.tanh(all_cells)
  outputs = o * squashed

  def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
    previous_cells = tf.concat([cell[tf.newaxis], all_cells[:-1]], axis=0)
    previous_hidden = tf.concat([hidden[tf.newaxis], outputs[:-1]], axis=0)
    hidden_to_cell = o * (1.0 - tf.square(squashed))
    state_to_gates = tf.concat([
        g * i * (1.0 - i), previous_cells * f * (1.0 - f), i * (1.0 - tf.square(g)),
        squashed * o * (1.0 - o)], axis=-1)
    d_gates, d_hidden, d_cell = _backward_loop(
        upstream, hidden_to_cell, state_to_gates, f, recurrent_kernel)
    units = recurrent_kernel.shape[0]
    d_recurrent = tf.matmul(
        tf.cast(tf.reshape(previous_hidden, [-1, units]), recurrent_kernel.dtype),
        tf.cast(tf.reshape(d_gates, [-1, 4 * units]), recurrent_kernel.dtype), transpose_a=True)
    return d_gates, d_recurrent, d_hidden, d_cell

  return outputs, gradient


def _backward_loop(upstream: tf.Tensor, hidden_to_cell: tf.Tensor, state_to_gates: tf.Tensor,
                   forget: tf.Tensor,
                   recurrent_kernel: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Back-propagation through time.

  Args:
    upstream: gradient of h_1 ... h_t as outputs, [t, b, h].
    hidden_to_cell: d h_t / d c_t, [t, b, h].
    state_to_gates: derivative of c_t by the gates i, f, g and of h_t by the gate o before their
      activation, [t, b, 4h].
    forget: d c_t / d c_{t-1}, [t, b, h].
    recurrent_kernel: [h, 4h], in the dtype of the products.

  Returns:
    the gradients of the gates before their activation [t, b, 4h], of h_0 and of c_0 [b, h].
  """
  steps = tf.shape(upstream)[0]
  dtype = upstream.dtype
  upstream_reader, cell_reader, gates_reader, forget_reader = (
      tf.TensorArray(dtype, steps).unstack(tensor)
      for tensor in (upstream, hidden_to_cell, state_to_gates, forget))
  writer = tf.TensorArray(dtype, steps, element_shape=state_to_gates.shape[1:])
  # A product with `transpose_b` in the loop would rearrange R at every step, at four times the
  # price of the product itself.
  transposed_kernel = tf.transpose(recurrent_kernel)

  def body(t: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor, writer: tf.TensorArray) -> Any:
    d_hidden += upstream_reader.read(t)
    d_cell += d_hidden * cell_reader.read(t)
    d_gates = tf.concat([d_cell, d_cell, d_cell, d_hidden], axis=-1) * gates_reader.read(t)
    product = tf.matmul(tf.cast(d_gates, recurrent_kernel.dtype), transposed_kernel)
    d_hidden = tf.cast(product, dtype)
    return t - 1, d_hidden, d_cell * forget_reader.read(t), writer.write(t, d_gates)

  zeros = tf.zeros_like(upstream[0])
  _, d_hidden, d_cell, writer = tf.while_loop(
      lambda t, *_: t >= 0, body, (steps - 1, zeros, zeros, writer))
  return writer.stack(), d_hidden, d_cell
