"""Tests of the masked dense layers."""

from typing import Any

from absl.testing import parameterized
import keras
import numpy as np
import tensorflow as tf

from du_vae_tf.layers import masked_dense

DIMENSIONS, CONTEXT, ROWS = 5, 4, 3
RANDOM = np.random.default_rng(0)
Z = RANDOM.normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
CONTEXTS = RANDOM.normal(size=(ROWS, CONTEXT)).astype(np.float32)


def make_network(degrees: str = "balanced", latent_dim: int = DIMENSIONS, hidden_size: int = 40,
                 **kwargs: Any) -> masked_dense.MADE:
  network = masked_dense.MADE(latent_dim, hidden_size, CONTEXT, degrees=degrees, **kwargs)
  network.build((None, latent_dim))
  random = np.random.default_rng(1)
  for weight in network.weights:
    weight.assign(random.normal(size=weight.shape))
  return network


def jacobian(network: masked_dense.MADE, by_context: bool = False) -> np.ndarray:
  """Derivatives [2 n, inputs] of the outputs, mean absolute value over the rows."""
  z, context = tf.constant(Z), tf.constant(CONTEXTS)
  with tf.GradientTape() as tape:
    tape.watch([z, context])
    numbers = network(z, context)
  derivatives = tape.batch_jacobian(numbers, context if by_context else z)
  return np.abs(derivatives.numpy()).mean(axis=0)


def unseen(derivatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Of the two halves [n, n], the entries on and above the diagonal, and those below it."""
  halves = derivatives.reshape(2, DIMENSIONS, DIMENSIONS)
  upper = np.triu(np.ones([DIMENSIONS, DIMENSIONS], bool))
  return halves[:, upper], halves[:, ~upper]


class MaskedDenseTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(False, True)
  def test_is_the_product_with_the_masked_kernel(self, strict: bool) -> None:
    layer = masked_dense.MaskedDense([1, 2, 3], [2, 1, 3, 2], strict)
    inputs = RANDOM.normal(size=(6, 2, 3)).astype(np.float32)
    layer(inputs)
    layer.bias.assign([1.0, 2.0, 3.0, 4.0])
    kernel = layer.kernel.numpy()
    for row, input_degree in enumerate((1, 2, 3)):
      for column, output_degree in enumerate((2, 1, 3, 2)):
        if output_degree < input_degree or (strict and output_degree == input_degree):
          kernel[row, column] = 0.0
    self.assertAllClose(layer(inputs), inputs @ kernel + [1.0, 2.0, 3.0, 4.0], rtol=1e-6, atol=1e-6)

  @parameterized.parameters(keras.optimizers.SGD, keras.optimizers.Adam)
  def test_masked_weights_have_no_gradient_and_do_not_train(self, optimizer: Any) -> None:
    layer = masked_dense.MaskedDense([1, 2, 3], [1, 2, 3])
    inputs = tf.constant(Z[:, :3])
    layer(inputs)
    before = layer.kernel.numpy()
    trainer = optimizer(0.1)
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(tf.square(layer(inputs)))
    gradients = tape.gradient(loss, layer.trainable_variables)
    mask = layer.mask().numpy()
    self.assertAllEqual(mask, np.triu(np.ones([3, 3], bool)))
    # So they do not enter the norm that is clipped, either.
    self.assertAllEqual(gradients[0][~mask], np.zeros(3))
    self.assertAllGreater(np.abs(gradients[0][mask]), 0.0)
    trainer.apply_gradients(zip(gradients, layer.trainable_variables, strict=True))
    self.assertAllEqual(layer.kernel.numpy()[~mask], before[~mask])
    self.assertAllGreater(np.abs(layer.kernel.numpy() - before)[mask], 0.0)


class MADETest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters("random", "balanced")
  def test_jacobian_is_strictly_triangular(self, degrees: str) -> None:
    above, below = unseen(jacobian(make_network(degrees)))
    self.assertAllEqual(above, np.zeros_like(above))
    self.assertAllGreater(below, 0.0)

  def test_a_fault_in_one_mask_breaks_the_triangle(self) -> None:
    faults = []
    for fault in ("first", "second", "last"):
      network = make_network("random")
      layer = getattr(network, fault)
      layer.input_degrees = [1] * len(layer.input_degrees)
      above, _ = unseen(jacobian(network))
      faults.append(above.max())
    network = make_network("random")
    network.last.strict = False
    faults.append(unseen(jacobian(network))[0].max())
    self.assertAllGreater(faults, 0.01)

  def test_balanced_degrees_let_the_context_reach_every_number(self) -> None:
    self.assertAllGreater(jacobian(make_network("balanced"), by_context=True), 0.0)

  def test_smallest_balanced_network_still_sees_the_context_everywhere(self) -> None:
    for size in (1, 2, 7):
      first, second = masked_dense.hidden_degrees(size, size, "balanced", 3)
      self.assertAllEqual(np.sort(first), np.arange(size))
      self.assertAllEqual(np.sort(second), np.arange(size))

  def test_random_degrees_leave_the_first_dimension_constant(self) -> None:
    network = make_network("random")
    derivatives = jacobian(network, by_context=True)
    first = [0, DIMENSIONS]
    self.assertAllEqual(derivatives[first], np.zeros([2, CONTEXT]))
    self.assertAllGreater(np.delete(derivatives, first, axis=0).max(axis=1), 0.0)
    numbers = network(Z, CONTEXTS).numpy()[:, first]
    self.assertAllEqual(numbers, np.tile(network.last.bias.numpy()[first], [ROWS, 1]))

  def test_a_single_dimension_sees_the_context_alone(self) -> None:
    for degrees in masked_dense.DEGREES:
      network = make_network(degrees, latent_dim=1)
      self.assertAllEqual(network(Z[:, :1], CONTEXTS), network(Z[:, 1:2], CONTEXTS))
      self.assertNotAllClose(network(Z[:, :1], CONTEXTS), network(Z[:, :1], 2.0 * CONTEXTS))

  def test_unmasked_weights_of_the_published_sizes(self) -> None:
    first, second = masked_dense.hidden_degrees(32, 1920, "random", 0)
    dimensions = np.arange(1, 33)
    self.assertEqual((first[np.newaxis] >= dimensions[:, np.newaxis]).sum(), 30_257)
    self.assertEqual((second[np.newaxis] >= first[:, np.newaxis]).sum(), 1_980_276)
    self.assertEqual(
        (np.tile(dimensions, 2)[np.newaxis] > second[:, np.newaxis]).sum(), 59_860)
    self.assertEqual((min(first), max(first)), (1, 31))

  def test_seeds_give_masks_of_their_own(self) -> None:
    for degrees in masked_dense.DEGREES:
      first, second, again = (
          masked_dense.hidden_degrees(8, 64, degrees, seed) for seed in (1, 2, 1))
      self.assertAllEqual(first, again)
      self.assertNotAllEqual(first[0], second[0])
      self.assertNotAllEqual(first[0], first[1])

  def test_gradients_reach_every_unmasked_weight(self) -> None:
    network = make_network("balanced", hidden_size=10, offset=2.0)
    for layer in (network.first, network.second):
      layer.bias.assign(tf.fill(layer.bias.shape, 3.0))  # No unit is off for all inputs.
    random = np.random.default_rng(2)
    z = tf.constant(random.normal(size=(500, DIMENSIONS)), tf.float32)
    context = tf.constant(random.normal(size=(500, CONTEXT)), tf.float32)
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(tf.sin(network(z, context)))
    weights = network.trainable_variables
    gradients = dict(zip((weight.path for weight in weights),
                         tape.gradient(loss, weights), strict=True))
    self.assertLen(gradients, 8)
    for layer in (network.first, network.second, network.last):
      gradient = np.abs(gradients[layer.kernel.path].numpy())
      self.assertAllEqual(gradient > 0.0, layer.mask())
      self.assertAllGreater(np.abs(gradients[layer.bias.path]), 0.0)
    self.assertAllGreater(np.abs(gradients[network.context_kernel.path]), 0.0)
    self.assertAllGreater(np.abs(gradients[network.bias.path]), 0.0)

  def test_bias_of_the_second_numbers(self) -> None:
    network = make_network(offset=2.0)
    network.bias.assign(tf.zeros([DIMENSIONS]))
    without = network(Z, CONTEXTS).numpy()
    network.bias.assign(tf.range(DIMENSIONS, dtype=tf.float32))
    self.assertAllClose(network(Z, CONTEXTS) - without,
                        np.tile([0.0] * DIMENSIONS + list(range(DIMENSIONS)), [ROWS, 1]),
                        rtol=1e-5, atol=1e-5)
    fresh = masked_dense.MADE(DIMENSIONS, 8, CONTEXT, offset=2.0)
    fresh.build((None, DIMENSIONS))
    self.assertAllEqual(fresh.bias, np.full([DIMENSIONS], 2.0))

  def test_samples_share_the_context_of_their_row(self) -> None:
    network = make_network()
    z = RANDOM.normal(size=(6, ROWS, DIMENSIONS)).astype(np.float32)
    for sample, expected in zip(network(z, CONTEXTS), z, strict=True):
      self.assertAllClose(sample, network(expected, CONTEXTS), rtol=1e-5, atol=1e-5)

  def test_other_degrees_are_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "degrees=even"):
      masked_dense.MADE(3, 4, 2, degrees="even")


if __name__ == "__main__":
  tf.test.main()
