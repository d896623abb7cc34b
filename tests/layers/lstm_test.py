"""Tests of the LSTM."""

import functools
from typing import Any

from absl.testing import parameterized
import keras
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import lstm

BATCH, TIME, SIZE, CONSTANT, UNITS = 3, 5, 4, 2, 6
DTYPE = "float64"


def random_tensors(*shapes: tuple[int, ...], seed: int = 0) -> list[tf.Tensor]:
  random = np.random.default_rng(seed)
  return [tf.constant(random.normal(size=shape)) for shape in shapes]


def make_layer(constant_size: int = CONSTANT) -> lstm.LSTM:
  """A float64 layer whose weights, the bias included, are of order one."""
  initializer = keras.initializers.RandomNormal(stddev=0.5, seed=1)
  layer = lstm.LSTM(UNITS, constant_size, initializer,
                    keras.initializers.RandomNormal(stddev=0.5, seed=2),
                    keras.initializers.RandomNormal(stddev=0.5, seed=3), dtype=DTYPE)
  layer.build((None, None, SIZE))
  return layer


def keras_layer(layer: lstm.LSTM, inputs: tf.Tensor) -> keras.layers.LSTM:
  """Keras's own LSTM with the same weights, for inputs with the constant concatenated."""
  reference = keras.layers.LSTM(layer.units, return_sequences=True, dtype=DTYPE)
  reference.build(inputs.shape)
  reference.set_weights(layer.get_weights())
  return reference


class LSTMTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(graph=(False, True), constant=(False, True), state=(False, True))
  def test_values_and_gradients_are_those_of_keras(
      self, graph: bool, constant: bool, state: bool) -> None:
    layer = make_layer(CONSTANT if constant else 0)
    inputs, constant_input, hidden, cell, weight = random_tensors(
        (BATCH, TIME, SIZE), (BATCH, CONSTANT), (BATCH, UNITS), (BATCH, UNITS),
        (BATCH, TIME, UNITS))
    repeated = tf.repeat(constant_input[:, tf.newaxis], TIME, axis=1)
    reference = keras_layer(layer, tf.concat([inputs, repeated], -1) if constant else inputs)

    def ours() -> Any:
      return layer(inputs, **({"constant": constant_input} if constant else {}),
                   **({"hidden": hidden, "cell": cell} if state else {}))

    def theirs() -> Any:
      repeated = tf.repeat(constant_input[:, tf.newaxis], TIME, axis=1)
      return reference(
          tf.concat([inputs, repeated], -1) if constant else inputs,
          initial_state=[hidden, cell] if state else None)

    sources = [inputs] + [constant_input] * constant + [hidden, cell] * state

    def value_and_gradients(function: Any, used_layer: keras.layers.Layer) -> Any:
      with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = function()
        total = tf.reduce_sum(weight * outputs)
      return outputs, tape.gradient(total, used_layer.trainable_variables + sources)

    results = []
    for function, used_layer in ((ours, layer), (theirs, reference)):
      run = functools.partial(value_and_gradients, function, used_layer)
      results.append(tf.function(run)() if graph else run())
    (outputs, gradients), (expected, expected_gradients) = results
    self.assertAllClose(outputs, expected, rtol=0.0, atol=1e-12)
    self.assertLen(gradients, 3 + len(sources))
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
      self.assertAllClose(gradient, expected_gradient, rtol=0.0, atol=1e-11)

  def test_gradients_are_the_numerical_ones(self) -> None:
    layer = make_layer()
    tensors = random_tensors(
        (2, 3, SIZE), (2, CONSTANT), (2, UNITS), (2, UNITS), (2, 3, UNITS),
        (SIZE + CONSTANT, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,))
    weight = tensors.pop(4)

    def total(inputs: Any, constant: Any, hidden: Any, cell: Any, *weights: Any) -> tf.Tensor:
      with keras.StatelessScope(list(zip(layer.trainable_variables, weights))):
        return tf.reduce_sum(weight * layer(inputs, constant, hidden, cell))

    theoretical, numerical = tf.test.compute_gradient(total, tensors, delta=1e-5)
    for ours, expected in zip(theoretical, numerical, strict=True):
      self.assertGreater(np.abs(expected).max(), 1e-3)
      # Central differences: error of the order delta^2, and rounding / delta.
      self.assertAllClose(ours, expected, rtol=0.0, atol=1e-8)

  @parameterized.parameters(False, True)
  def test_second_derivatives_are_the_numerical_ones(self, graph: bool) -> None:
    layer = make_layer(0)
    inputs, hidden, cell = random_tensors((2, 3, SIZE), (2, UNITS), (2, UNITS))

    def first_derivative(inputs: tf.Tensor) -> tf.Tensor:
      with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(tf.sin(layer(inputs, hidden=hidden, cell=cell)))
      return tape.gradient(total, inputs)

    function = tf.function(first_derivative) if graph else first_derivative
    theoretical, numerical = tf.test.compute_gradient(function, [inputs], delta=1e-5)
    self.assertGreater(np.abs(numerical[0]).max(), 1e-3)
    self.assertAllClose(theoretical[0], numerical[0], rtol=0.0, atol=1e-8)

  def test_what_follows_the_end_changes_nothing(self) -> None:
    layer = make_layer(0)
    inputs, padding = random_tensors((BATCH, TIME, SIZE), (BATCH, 2, SIZE))
    with tf.GradientTape() as tape:
      tape.watch(padding)
      outputs = layer(tf.concat([inputs, padding], axis=1))[:, :TIME]
    self.assertAllClose(outputs, layer(inputs), rtol=0.0, atol=1e-14)
    self.assertAllEqual(tape.gradient(outputs, padding), tf.zeros_like(padding))

  def test_samples_are_separate_calls(self) -> None:
    layer = make_layer()
    inputs, constants, hidden, cell = random_tensors(
        (BATCH, TIME, SIZE), (7, BATCH, CONSTANT), (7, BATCH, UNITS), (7, BATCH, UNITS))
    expected = [layer(inputs, constants[s], hidden[s], cell[s]) for s in range(7)]
    projection = layer.projected(inputs)
    for run in (layer.sample_outputs, tf.function(layer.sample_outputs)):
      self.assertAllClose(run(projection, constants, hidden, cell), expected, rtol=0.0, atol=1e-13)

  def test_steps_are_the_call(self) -> None:
    layer = make_layer()
    inputs, constant, hidden, cell = random_tensors(
        (BATCH, TIME, SIZE), (BATCH, CONSTANT), (BATCH, UNITS), (BATCH, UNITS))
    expected = layer(inputs, constant, hidden, cell)
    offset = layer.offset(constant)
    for t in range(TIME):
      hidden, cell = layer.step(inputs[:, t], offset, hidden, cell)
      self.assertAllClose(hidden, expected[:, t], rtol=0.0, atol=1e-13)

  def test_new_lengths_and_batch_sizes_do_not_retrace(self) -> None:
    layer = make_layer(0)
    traces = []

    @tf.function(input_signature=[tf.TensorSpec([None, None, SIZE], DTYPE)])
    def gradient(inputs: tf.Tensor) -> tf.Tensor:
      traces.append(1)
      with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(inputs))
      return tape.gradient(total, layer.recurrent_kernel.value)

    for batch, time in ((1, 1), (2, 7), (5, 3), (0, 4)):
      inputs, = random_tensors((batch, time, SIZE))
      with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(inputs))
      self.assertAllClose(gradient(inputs), tape.gradient(total, layer.recurrent_kernel.value),
                          rtol=0.0, atol=1e-12)
    self.assertLen(traces, 1)

  def test_the_recurrent_gradient_is_one_product_outside_the_loop(self) -> None:
    layer = make_layer(0)

    @tf.function
    def gradient(inputs: tf.Tensor) -> tf.Tensor:
      with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(inputs))
      return tape.gradient(total, layer.recurrent_kernel.value)

    graph = gradient.get_concrete_function(*random_tensors((BATCH, TIME, SIZE))).graph
    definition = graph.as_graph_def()
    bodies = [[node.op for node in function.node_def] for function in definition.library.function
              if "body" in function.signature.name]
    self.assertLen(bodies, 2)
    for body in bodies:
      self.assertEqual(body.count("MatMul"), 1)

  @parameterized.parameters((None, CONSTANT), ("a constant", 0))
  def test_a_constant_that_does_not_fit_is_refused(
      self, constant: str | None, constant_size: int) -> None:
    layer = make_layer(constant_size)
    with self.assertRaisesRegex(ValueError, "if and only if constant_size > 0. Received:"):
      layer.offset(constant)


if __name__ == "__main__":
  tf.test.main()
