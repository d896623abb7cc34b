"""Mean posterior divergence: the closed form against all pairs."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from du_vae_tf.estimators import posterior_divergence

tfd = tfp.distributions


def posteriors(count: int, dims: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
  random = np.random.default_rng(seed)
  return random.normal(size=(count, dims)), 0.06 + random.exponential(size=(count, dims))


def pairwise(means: np.ndarray, variances: np.ndarray) -> np.ndarray:
  """Symmetric KL of all ordered pairs by TFP, [N, N]: half the sum of both directions."""
  first = tfd.MultivariateNormalDiag(means[:, np.newaxis], np.sqrt(variances)[:, np.newaxis])
  second = tfd.MultivariateNormalDiag(means, np.sqrt(variances))
  directed = tfd.kl_divergence(first, second).numpy()
  return 0.5 * (directed + directed.T)


def printed_form(means: np.ndarray, variances: np.ndarray) -> float:
  """Eq. (3) of the paper to the letter: 1 is subtracted once, after the sum over dimensions."""
  squares = np.square(means[:, np.newaxis] - means) / variances[:, np.newaxis]
  ratios = variances.mean(axis=0) * (1.0 / variances).mean(axis=0)
  return 0.5 * (squares.mean(axis=(0, 1)).sum() + ratios.sum() - 1.0)


class MeanPosteriorDivergenceTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(dims=(1, 2, 32), count=(2, 60))
  def test_equals_the_mean_over_all_pairs(self, dims: int, count: int) -> None:
    means, variances = posteriors(count, dims)
    self.assertAllClose(
        posterior_divergence.mean_posterior_divergence(means, variances),
        pairwise(means, variances).mean(), rtol=1e-10, atol=0.0)

  def test_takes_float32(self) -> None:
    means, variances = posteriors(60, 32)
    self.assertAllClose(
        posterior_divergence.mean_posterior_divergence(
            means.astype(np.float32), variances.astype(np.float32)),
        pairwise(means, variances).mean(), rtol=1e-4, atol=0.0)

  @parameterized.parameters(1, 2, 32)
  def test_printed_equation_is_too_large_by_half_of_all_dimensions_but_one(
      self, dims: int) -> None:
    means, variances = posteriors(60, dims)
    excess = (printed_form(means, variances)
              - posterior_divergence.mean_posterior_divergence(means, variances))
    self.assertAllClose(excess, (dims - 1) / 2.0, rtol=0.0, atol=1e-10)

  def test_symmetric_divergence_of_a_pair(self) -> None:
    # Eq. (S11), to be read per dimension and summed.
    means, variances = posteriors(2, 5)
    (v1, v2), squares = variances, np.square(means[0] - means[1])
    expected = 0.25 * np.sum(squares * (1.0 / v1 + 1.0 / v2) + v1 / v2 + v2 / v1 - 2.0)
    self.assertAllClose(pairwise(means, variances)[0, 1], expected, rtol=1e-12, atol=0.0)
    # Of the four pairs of two examples two are an example with itself.
    self.assertAllClose(posterior_divergence.mean_posterior_divergence(means, variances),
                        expected / 2.0, rtol=1e-12, atol=0.0)

  def test_identical_posteriors_do_not_diverge(self) -> None:
    mean, variance = np.full([40, 6], 3.7), np.full([40, 6], 0.2)
    self.assertAllClose(
        posterior_divergence.mean_posterior_divergence(mean, variance), 0.0, atol=1e-12)

  def test_a_shift_of_all_means_cancels_no_digits(self) -> None:
    means, variances = posteriors(60, 4)
    shifted = posterior_divergence.mean_posterior_divergence(means + 1e6, variances)
    # The shift itself rounds the means to 1e-10.
    self.assertAllClose(
        shifted, posterior_divergence.mean_posterior_divergence(means, variances), rtol=1e-8)

  @parameterized.parameters(range(5))
  def test_is_at_least_the_variance_of_the_means_over_the_largest_variance(
      self, seed: int) -> None:
    # Ineq. (S13), with one bound for all dimensions and with one of each.
    means, variances = posteriors(30, 3, seed)
    spread = np.var(means, axis=0)
    divergence = posterior_divergence.mean_posterior_divergence(means, variances)
    self.assertGreater(divergence, np.sum(spread) / variances.max())
    self.assertGreater(divergence, np.sum(spread / variances.max(axis=0)))

  def test_depends_on_the_distribution_alone_and_takes_many_examples(self) -> None:
    # All pairs of so many would be 4e10.
    means, variances = posteriors(20, 2)
    many = [np.tile(array, (10_000, 1)) for array in (means, variances)]
    self.assertAllClose(posterior_divergence.mean_posterior_divergence(*many),
                        pairwise(means, variances).mean(), rtol=1e-10, atol=0.0)


if __name__ == "__main__":
  tf.test.main()
