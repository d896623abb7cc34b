"""What every layer must do, checked for every layer of the package."""

import functools
import importlib
import inspect
import os
import pkgutil
from typing import Any

from absl.testing import parameterized
import keras
import numpy as np
import tensorflow as tf

from tests.testing import descriptors
from tests.testing import tolerances

ROWS = 6
CASES = tuple((descriptor.name, descriptor) for descriptor in descriptors.DESCRIPTORS)


def setUpModule() -> None:
  cpu = tf.config.list_physical_devices("CPU")[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def call(layer: keras.layers.Layer, descriptor: descriptors.Descriptor, tensors: Any) -> Any:
  """The layer's result for tensors by argument name."""
  first, *rest = tensors
  return layer(tensors[first], **{name: tensors[name] for name in rest}, **descriptor.arguments)


def functional_model(layer: keras.layers.Layer,
                     descriptor: descriptors.Descriptor) -> keras.Model:
  """A model of the layer alone."""
  inputs = {name: keras.Input(value.shape[1:], dtype=value.dtype.name, name=name)
            for name, value in descriptor.tensors(1).items()}
  return keras.Model(inputs, call(layer, descriptor, inputs))


@functools.cache
def two_replicas() -> tf.distribute.Strategy:
  """One strategy for all tests: each new one would number its collectives from the start again."""
  return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


class ConformanceTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.named_parameters(*CASES)
  def test_graph_equals_eager_at_any_batch_size_with_one_trace(
      self, descriptor: descriptors.Descriptor) -> None:
    layer = descriptor.make()
    traces = []

    def function(tensors: Any) -> Any:
      traces.append(1)
      return call(layer, descriptor, tensors)

    signature = {name: tf.TensorSpec([None, *value.shape[1:]], value.dtype)
                 for name, value in descriptor.tensors(1).items()}
    graph = tf.function(function, input_signature=[signature])
    for rows in (ROWS, 1, 3):
      tensors = descriptor.tensors(rows)
      eager = call(layer, descriptor, {k: tf.constant(v) for k, v in tensors.items()})
      self.assertEqual(eager.shape[0], rows)
      self.assertAllClose(graph(tensors), eager, rtol=1e-6, atol=1e-6)
    self.assertLen(traces, 1)

  @parameterized.named_parameters(*CASES)
  def test_zero_rows_give_an_empty_result_and_finite_gradients(
      self, descriptor: descriptors.Descriptor) -> None:
    layer = descriptor.make()
    call(layer, descriptor, descriptor.tensors(ROWS))
    before = [weight.numpy() for weight in layer.non_trainable_weights]
    tensors = {name: tf.constant(value[:0]) for name, value in descriptor.tensors(1).items()}

    def function(tensors: Any) -> Any:
      return call(layer, descriptor, tensors)

    for run in (function, tf.function(function)):
      with tf.GradientTape() as tape:
        result = run(tensors)
        total = tf.reduce_sum(result)
      self.assertEqual(result.shape[0], 0)
      self.assertEqual(total.numpy(), 0.0)
      for gradient in tape.gradient(total, layer.trainable_variables):
        self.assertAllEqual(tf.convert_to_tensor(gradient), np.zeros(gradient.shape))
    for weight, value in zip(layer.non_trainable_weights, before):
      self.assertAllEqual(weight, value)

  @parameterized.named_parameters(*CASES)
  def test_mixed_precision_is_close_and_keeps_float32_weights(
      self, descriptor: descriptors.Descriptor) -> None:
    full = descriptor.make()
    mixed = descriptor.make(dtype="mixed_bfloat16")
    tensors = {name: tf.constant(value) for name, value in descriptor.tensors(ROWS).items()}
    expected = call(full, descriptor, tensors)
    call(mixed, descriptor, tensors)
    mixed.set_weights(full.get_weights())
    result = call(mixed, descriptor, tensors)
    self.assertTrue(all(weight.dtype == "float32" for weight in mixed.weights))
    # A few dozen roundings of values of order one.
    self.assertAllClose(tf.cast(result, tf.float32), expected, rtol=0.0,
                        atol=8 * tolerances.BFLOAT16_EPSILON)

  @parameterized.named_parameters(*CASES)
  def test_configuration_round_trip(self, descriptor: descriptors.Descriptor) -> None:
    layer = descriptor.make(name="a_name")
    clone = type(layer).from_config(layer.get_config())
    self.assertEqual(clone.get_config(), layer.get_config())
    tensors = descriptor.tensors(ROWS)
    expected = call(layer, descriptor, tensors)
    call(clone, descriptor, tensors)
    clone.set_weights(layer.get_weights())
    self.assertAllEqual(call(clone, descriptor, tensors), expected)

  @parameterized.named_parameters(*CASES)
  def test_static_shape_is_the_computed_one(self, descriptor: descriptors.Descriptor) -> None:
    model = functional_model(descriptor.make(), descriptor)
    result = model(descriptor.tensors(ROWS))
    self.assertEqual(model.output.shape, (None, *result.shape[1:]))

  @parameterized.named_parameters(*CASES)
  def test_keras_file_round_trip(self, descriptor: descriptors.Descriptor) -> None:
    model = functional_model(descriptor.make(), descriptor)
    tensors = descriptor.tensors(ROWS)
    path = os.path.join(self.create_tempdir().full_path, "model.keras")
    model.save(path)
    loaded = keras.saving.load_model(path)
    self.assertAllEqual(loaded(tensors), model(tensors))

  @parameterized.named_parameters(*CASES)
  def test_saved_model_round_trip(self, descriptor: descriptors.Descriptor) -> None:
    layer = descriptor.make()
    tensors = descriptor.tensors(ROWS)
    expected = call(layer, descriptor, tensors)
    module = tf.Module()
    module.layer = layer
    module.call = tf.function(
        lambda tensors: call(layer, descriptor, tensors),
        input_signature=[{name: tf.TensorSpec([None, *value.shape[1:]], value.dtype)
                          for name, value in tensors.items()}])
    path = self.create_tempdir().full_path
    tf.saved_model.save(module, path)
    loaded = tf.saved_model.load(path)
    result = loaded.call({name: tf.constant(value) for name, value in tensors.items()})
    self.assertAllClose(result, expected, rtol=1e-6, atol=1e-6)

  @parameterized.named_parameters(*CASES)
  def test_two_replicas_with_uneven_rows_equal_one_device(
      self, descriptor: descriptors.Descriptor) -> None:
    reference = descriptor.make()
    tensors = descriptor.tensors(ROWS)
    call(reference, descriptor, tensors)
    weights = reference.get_weights()
    expected, expected_gradients = result_and_gradients(reference, descriptor, tensors)
    expected_state = [weight.numpy() for weight in reference.non_trainable_weights]

    strategy = two_replicas()
    for first_rows in (4, 0):
      with strategy.scope():
        layer = descriptor.make()
        layer.build(next(iter(tensors.values())).shape)
      layer.set_weights(weights)
      parts = strategy.experimental_distribute_values_from_function(
          lambda context, first_rows=first_rows: {
              name: tf.constant(
                  value[:first_rows] if context.replica_id_in_sync_group == 0
                  else value[first_rows:])
              for name, value in tensors.items()})

      @tf.function
      def step(part: Any, layer: keras.layers.Layer = layer) -> Any:
        result, gradients = result_and_gradients(layer, descriptor, part)
        context = tf.distribute.get_replica_context()
        if gradients:
          gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        return result, gradients

      results, gradients = strategy.run(step, args=(parts,))
      results = tf.concat(strategy.experimental_local_results(results), axis=0)
      self.assertAllClose(results, expected, rtol=1e-6, atol=1e-6)
      for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        # Normalizations within a block subtract nearly equal sums in their gradients.
        self.assertAllClose(strategy.experimental_local_results(gradient)[0], expected_gradient,
                            rtol=1e-5, atol=1e-5)
      for weight, value in zip(layer.non_trainable_weights, expected_state, strict=True):
        for replica_value in strategy.experimental_local_results(weight.value):
          self.assertAllClose(replica_value, value, rtol=1e-6, atol=1e-7)

  @parameterized.named_parameters(*CASES)
  def test_gradients_are_finite_and_reach_weights_and_inputs(
      self, descriptor: descriptors.Descriptor) -> None:
    layer = descriptor.make()
    tensors = {name: tf.constant(value) for name, value in descriptor.tensors(ROWS).items()}
    call(layer, descriptor, tensors)
    inputs = [value for name, value in tensors.items()
              if value.dtype.is_floating and name != "uniform"]
    with tf.GradientTape() as tape:
      tape.watch(inputs)
      total = tf.reduce_sum(tf.sin(call(layer, descriptor, tensors)))
    for gradient in tape.gradient(total, layer.trainable_variables + inputs):
      gradient = tf.convert_to_tensor(gradient)  # That of an embedding is sparse.
      self.assertAllInRange(gradient, -1e3, 1e3)
      self.assertGreater(np.abs(gradient.numpy()).max(), 0.0)

  def test_every_layer_of_the_package_is_in_the_table(self) -> None:
    found = set()
    package = importlib.import_module("du_vae_tf.layers")
    for module_info in pkgutil.walk_packages(package.__path__, "du_vae_tf.layers."):
      module = importlib.import_module(module_info.name)
      found |= {value for _, value in inspect.getmembers(module, inspect.isclass)
                if issubclass(value, keras.layers.Layer) and value.__module__ == module.__name__
                and not value.__name__.startswith("_")}  # Bases that are never made.
    self.assertGreaterEqual(len(found), 5)
    self.assertEqual(found, {type(descriptor.make()) for descriptor in descriptors.DESCRIPTORS})


def result_and_gradients(layer: keras.layers.Layer, descriptor: descriptors.Descriptor,
                         tensors: Any) -> tuple[tf.Tensor, list[tf.Tensor]]:
  """The result and the gradients of a non-linear function of it by the layer's weights."""
  with tf.GradientTape() as tape:
    result = call(layer, descriptor, tensors)
    total = tf.reduce_sum(tf.sin(result))
  gradients = tape.gradient(total, layer.trainable_variables)
  return result, [tf.convert_to_tensor(gradient) for gradient in gradients]


if __name__ == "__main__":
  tf.test.main()
