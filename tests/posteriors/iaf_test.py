"""Tests of the posterior made by inverse autoregressive flow."""

import math
from typing import Any

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from du_vae_tf.layers import masked_dense
from du_vae_tf.posteriors import iaf

DIMENSIONS, ROWS, CONTEXT = 4, 3, 5
RANDOM = np.random.default_rng(0)
MEAN = RANDOM.normal(size=(ROWS, DIMENSIONS))
VARIANCE = RANDOM.gamma(2.0, size=(ROWS, DIMENSIONS))
CONTEXTS = RANDOM.normal(size=(ROWS, CONTEXT))
NOISE = RANDOM.normal(size=(6, ROWS, DIMENSIONS))


class Counting:
  """A network that counts its calls."""

  def __init__(self, network: masked_dense.MADE) -> None:
    self.network = network
    self.calls = 0

  def __call__(self, z: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
    self.calls += 1
    return self.network(z, context)


def make_networks(depth: int = 2, degrees: str = "balanced") -> list[masked_dense.MADE]:
  networks = []
  for number in range(depth):
    network = masked_dense.MADE(
        DIMENSIONS, 24, CONTEXT, degrees=degrees, mask_seed=number, offset=1.0,
        dtype="float64")
    network.build((None, DIMENSIONS))
    random = np.random.default_rng(10 + number)
    for weight in network.weights:
      weight.assign(0.25 * random.normal(size=weight.shape))
    networks.append(network)
  return networks


def make_posterior(depth: int = 2, networks: Any = None, context: Any = CONTEXTS) -> Any:
  return iaf.IAF(networks or make_networks(depth)).posterior(
      tf.constant(MEAN), tf.constant(VARIANCE), tf.constant(context))


def reference(noise: np.ndarray, networks: list[masked_dense.MADE]) -> tuple[np.ndarray, Any]:
  """z^T and the log-determinant of a sample [b, n], one dimension after the other in NumPy."""
  z = MEAN + np.sqrt(VARIANCE) * noise
  log_determinant = np.zeros(ROWS)
  for network in networks:
    numbers = network(z, CONTEXTS).numpy()
    following = np.zeros_like(z)
    for d in range(DIMENSIONS):
      shift, logit = numbers[:, d], numbers[:, DIMENSIONS + d]
      gate = 1.0 / (1.0 + np.exp(-logit))
      following[:, d] = gate * z[:, d] + (1.0 - gate) * shift
      log_determinant += np.log(gate)
    z = following[:, ::-1]
  return z, log_determinant


class IAFPosteriorTest(tf.test.TestCase, parameterized.TestCase):

  def test_is_a_transformed_distribution_of_tfp(self) -> None:
    distribution = make_posterior().distribution
    self.assertIn("TransformedDistribution", type(distribution).__name__)
    self.assertIsInstance(distribution.distribution, tfp.distributions.MultivariateNormalDiag)
    self.assertIsInstance(
        distribution.bijector.bijectors[-1].bijector, tfp.bijectors.MaskedAutoregressiveFlow)
    self.assertEqual(distribution.batch_shape, [ROWS])
    self.assertEqual(distribution.event_shape, [DIMENSIONS])

  @parameterized.parameters(1, 2, 3)
  def test_sample_is_the_gated_steps_with_reversals(self, depth: int) -> None:
    networks = make_networks(depth)
    posterior = make_posterior(networks=networks)
    z, log_prob = posterior.sample_and_log_prob(tf.constant(NOISE))
    for sample, noise, density in zip(z, NOISE, log_prob, strict=True):
      expected, log_determinant = reference(noise, networks)
      self.assertAllClose(sample, expected, rtol=1e-9, atol=1e-9)
      base = -0.5 * np.sum(np.log(2.0 * math.pi * VARIANCE) + noise**2, axis=-1)
      self.assertAllClose(density, base - log_determinant, rtol=1e-9, atol=1e-9)

  @parameterized.parameters(1, 2, 3)
  def test_density_of_a_sample_is_that_of_the_change_of_variables(self, depth: int) -> None:
    posterior = make_posterior(depth)
    z, log_prob = posterior.sample_and_log_prob(tf.constant(NOISE))
    # From z alone, through the inverse, dimension by dimension.
    self.assertAllClose(posterior.log_prob(tf.identity(z)), log_prob, rtol=1e-9, atol=1e-9)
    bijector = posterior.distribution.bijector
    base = MEAN + np.sqrt(VARIANCE) * NOISE
    expected = (posterior.base.log_prob(base)
                - bijector.forward_log_det_jacobian(tf.constant(base), event_ndims=1))
    self.assertAllClose(log_prob, expected, rtol=1e-9, atol=1e-9)

  def test_log_determinant_is_that_of_the_derivatives(self) -> None:
    posterior = make_posterior()
    base = tf.constant(MEAN)
    with tf.GradientTape() as tape:
      tape.watch(base)
      z = posterior.distribution.bijector.forward(base)
    _, expected = np.linalg.slogdet(tape.batch_jacobian(z, base).numpy())
    self.assertAllClose(
        posterior.distribution.bijector.forward_log_det_jacobian(base, event_ndims=1), expected,
        rtol=1e-9, atol=1e-9)

  def test_inverse_round_trip(self) -> None:
    bijector = make_posterior().distribution.bijector
    base = tf.constant(MEAN)
    z = tf.identity(bijector.forward(base))
    self.assertAllClose(bijector.inverse(z), base, rtol=1e-9, atol=1e-9)

  @parameterized.parameters(False, True)
  def test_each_network_runs_once_for_sample_and_density(self, graph: bool) -> None:
    networks = [Counting(network) for network in make_networks()]

    def run() -> Any:
      return make_posterior(networks=networks).sample_and_log_prob(tf.constant(NOISE))

    (tf.function(run) if graph else run)()
    self.assertEqual([network.calls for network in networks], [1, 1])
    for network in networks:
      network.calls = 0

    def terms() -> Any:
      return make_posterior(networks=networks).terms(tf.constant(NOISE))

    (tf.function(terms) if graph else terms)()
    self.assertEqual([network.calls for network in networks], [1, 1])

  @parameterized.parameters(False, True)
  def test_each_network_runs_once_for_a_sample_of_tfp(self, graph: bool) -> None:
    networks = [Counting(network) for network in make_networks()]

    def run() -> Any:
      distribution = make_posterior(networks=networks).distribution
      return distribution.experimental_sample_and_log_prob([7], seed=[1, 2])

    (tf.function(run) if graph else run)()
    self.assertEqual([network.calls for network in networks], [1, 1])

  @parameterized.parameters(1, 2, 3)
  def test_parts_of_the_kl_belong_to_their_dimensions(self, depth: int) -> None:
    networks = make_networks(depth)
    terms = make_posterior(networks=networks).terms(tf.constant(NOISE))
    expected = np.zeros([ROWS, DIMENSIONS])
    for noise in NOISE:
      z = MEAN + np.sqrt(VARIANCE) * noise
      log_density = -0.5 * (np.log(2.0 * math.pi * VARIANCE) + noise**2)
      for network in networks:
        numbers = network(z, CONTEXTS).numpy()
        shift, logit = numbers[:, :DIMENSIONS], numbers[:, DIMENSIONS:]
        gate = 1.0 / (1.0 + np.exp(-logit))
        z = (gate * z + (1.0 - gate) * shift)[:, ::-1]
        log_density = (log_density - np.log(gate))[:, ::-1]
      expected += (log_density + 0.5 * (np.log(2.0 * math.pi) + z**2)) / len(NOISE)
    self.assertAllClose(terms["kl_per_dimension"], expected, rtol=1e-9, atol=1e-9)
    z, log_prob = make_posterior(networks=networks).sample_and_log_prob(tf.constant(NOISE))
    prior = tfp.distributions.MultivariateNormalDiag(tf.zeros([DIMENSIONS], tf.float64))
    self.assertAllClose(tf.reduce_sum(terms["kl_per_dimension"], axis=-1),
                        tf.reduce_mean(log_prob - prior.log_prob(z), axis=0), rtol=1e-9, atol=1e-9)

  def test_floor_of_one_dimension_is_not_moved_to_its_mirror_image(self) -> None:
    # A flow near the identity leaves the KL of each dimension where the Gaussian has it.
    networks = make_networks()
    for network in networks:
      for weight in network.weights:
        weight.assign(tf.zeros_like(weight))
      network.bias.assign(tf.fill([DIMENSIONS], 30.0))
    mean = np.zeros([1, DIMENSIONS])
    mean[0, 0] = 8.0
    posterior = iaf.IAF(networks).posterior(
        tf.constant(mean), tf.ones([1, DIMENSIONS], tf.float64), tf.constant(CONTEXTS[:1]))
    kl = posterior.terms(tf.constant(NOISE[:, :1]))["kl_per_dimension"][0]
    # ln q - ln p = 8 e + 32 in the first dimension, 0 in the others.
    self.assertAllClose(kl, [32.0 + 8.0 * NOISE[:, 0, 0].mean(), 0.0, 0.0, 0.0], atol=1e-9)

  def test_terms_of_the_first_noise_and_means_over_all(self) -> None:
    networks = make_networks()
    terms = make_posterior(networks=networks).terms(tf.constant(NOISE))
    expected, _ = reference(NOISE[0], networks)
    self.assertAllClose(terms["sample"], expected, rtol=1e-9, atol=1e-9)
    self.assertAllClose(terms["base_sample"], MEAN + np.sqrt(VARIANCE) * NOISE[0], rtol=1e-12)
    determinants = [reference(noise, networks)[1] for noise in NOISE]
    self.assertAllClose(terms["log_determinant"], np.mean(determinants, axis=0), rtol=1e-9,
                        atol=1e-9)

  def test_entropy_falls(self) -> None:
    # S23 to S25: H(z^T) = H(z^0) + E[log-determinant] < H(z^0).
    posterior = make_posterior()
    noise = np.random.default_rng(3).normal(size=(4000, ROWS, DIMENSIONS))
    _, log_prob = posterior.sample_and_log_prob(tf.constant(noise))
    base_entropy = posterior.base.distribution.entropy()
    determinant = posterior.terms(tf.constant(noise))["log_determinant"]
    self.assertAllLess(determinant, 0.0)
    entropy = -tf.reduce_mean(log_prob, axis=0)
    # Six standard errors: the density of a sample varies as half a chi-square of n degrees.
    bound = 6.0 * np.std(log_prob, axis=0).max() / math.sqrt(4000)
    self.assertAllClose(entropy, base_entropy + determinant, rtol=0.0, atol=bound)
    self.assertAllLess(entropy + bound - base_entropy, 0.0)

  def test_divergences_do_not_see_a_flow_without_context(self) -> None:
    # S26 to S28, at every point: both densities change by the same determinant.
    networks = make_networks()
    for network in networks:
      network.context_kernel.assign(tf.zeros_like(network.context_kernel))
    posterior = make_posterior(networks=networks)
    base = tf.constant(MEAN + np.sqrt(VARIANCE) * NOISE)
    z = tf.identity(posterior.distribution.bijector.forward(base))[:, :, np.newaxis]
    after = posterior.log_prob(z)
    before = posterior.base.log_prob(base[:, :, np.newaxis])
    for first, second in ((0, 1), (1, 2)):
      self.assertAllClose(after[..., first] - after[..., second],
                          before[..., first] - before[..., second], rtol=1e-9, atol=1e-9)
    with_context = make_posterior()
    z = tf.identity(with_context.distribution.bijector.forward(base))[:, :, np.newaxis]
    after = with_context.log_prob(z)
    self.assertNotAllClose(after[..., 0] - after[..., 1], before[..., 0] - before[..., 1],
                           rtol=1e-2, atol=1e-2)

  def test_center_is_the_sample_of_no_noise_and_stands_in_the_representation(self) -> None:
    posterior = make_posterior()
    z, _ = posterior.sample_and_log_prob(tf.zeros([ROWS, DIMENSIONS], tf.float64))
    self.assertAllClose(posterior.center, z, rtol=1e-9, atol=1e-9)
    self.assertAllEqual(posterior.representation(), tf.concat([MEAN, posterior.center], axis=-1))

  @parameterized.parameters(-1e4, -60.0, 60.0, 1e4)
  def test_extreme_gates_give_finite_values_and_gradients(self, logit: float) -> None:
    networks = make_networks()
    for network in networks:
      network.bias.assign(tf.fill([DIMENSIONS], logit))
    with tf.GradientTape() as tape:
      z, log_prob = make_posterior(networks=networks).sample_and_log_prob(tf.constant(NOISE))
      total = tf.reduce_sum(z) + tf.reduce_sum(log_prob)
    self.assertTrue(np.all(np.isfinite(z)))
    self.assertTrue(np.all(np.isfinite(log_prob)))
    for gradient in tape.gradient(total, networks[0].trainable_variables):
      self.assertTrue(np.all(np.isfinite(gradient)))

  def test_samples_are_reparameterized(self) -> None:
    mean, variance, context = (tf.constant(value) for value in (MEAN, VARIANCE, CONTEXTS))
    networks = make_networks()
    with tf.GradientTape() as tape:
      tape.watch([mean, variance, context])
      posterior = iaf.IAF(networks).posterior(mean, variance, context)
      z, _ = posterior.sample_and_log_prob(tf.constant(NOISE[0]))
      total = tf.reduce_sum(tf.sin(z))
    weights = [weight for network in networks for weight in network.trainable_variables]
    for gradient in tape.gradient(total, [mean, variance, context, *weights]):
      self.assertAllGreater(np.abs(gradient).max(), 0.0)


class FamilyTest(tf.test.TestCase, parameterized.TestCase):

  def test_variance_is_the_square_of_softplus(self) -> None:
    argument = np.linspace(-8.0, 20.0, 50)
    expected = np.log1p(np.exp(argument))**2
    self.assertAllClose(iaf.IAF([]).variance(tf.constant(argument)), expected, rtol=1e-9,
                        atol=0.0)

  @parameterized.parameters((-1e4, 2.06e-9), (1e4, 22_500.0))
  def test_variance_stays_in_the_range_of_the_gaussian_one(
      self, argument: float, expected: float) -> None:
    self.assertAllClose(
        iaf.IAF([]).variance(tf.constant([argument])), [expected], rtol=1e-2, atol=0.0)


if __name__ == "__main__":
  tf.test.main()
