"""Proposition 1 of Shen et al. 2021 and the steps of its proof, as numerical facts.

Statements are cited by the paper's equation numbers. Where eq. (3) and (S20) print a final -1
that belongs inside the sum over dimensions, the corrected form is tested.
"""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.estimators import conditional_entropy
from du_vae_tf.estimators import posterior_divergence
from du_vae_tf.layers import variance_dropout
from du_vae_tf.posteriors import gaussian

FLOOR = variance_dropout.ZERO_ENTROPY_VARIANCE
KEEP_PROBS = (0.999, 0.9, 0.8, 0.5, 0.1, 0.01)

# A seeded mean is this many standard errors away with a probability of 2e-9.
SIX = 6.0


def drop(variance: np.ndarray, keep_prob: float, uniform: np.ndarray) -> np.ndarray:
  """Variances after the project's dropout; kept where the draw is below keep_prob."""
  layer = variance_dropout.VarianceDropout(keep_prob, dtype="float64")
  return layer(variance - FLOOR, uniform=uniform, training=True).numpy()


def many_drops(variance: np.ndarray, keep_prob: float, count: int) -> np.ndarray:
  """Independent seeded outcomes, [count, *variance.shape]."""
  uniform = np.random.default_rng(1).random((count, *variance.shape))
  return drop(np.tile(variance, (count, 1, 1)), keep_prob, uniform)


def expectation(function: Callable[[np.ndarray], np.ndarray], variance: np.ndarray,
                keep_prob: float) -> np.ndarray:
  """E[function(dropped variance)], exactly: every variance has two outcomes."""
  kept = drop(variance, keep_prob, np.zeros_like(variance))
  dropped = drop(variance, keep_prob, np.ones_like(variance))
  return keep_prob * function(kept) + (1.0 - keep_prob) * function(dropped)


def expected_inverse(variance: np.ndarray, keep_prob: float) -> np.ndarray:
  """E[1 / dropped variance], eq. (S14b)."""
  lost = 1.0 - keep_prob
  return keep_prob**2 / (variance - lost * FLOOR) + lost / FLOOR


def expected_log(variance: np.ndarray, keep_prob: float) -> np.ndarray:
  """E[ln dropped variance], eq. (S14c)."""
  kept = (variance - (1.0 - keep_prob) * FLOOR) / (keep_prob * FLOOR)
  return keep_prob * np.log(kept) + math.log(FLOOR)


def divergence_with_dropout(means: np.ndarray, variances: np.ndarray, keep_prob: float) -> float:
  """MPD under dropout, eq. (S20) with -n: the two members of a pair have masks of their own."""
  inverse = expected_inverse(variances, keep_prob)
  squares = np.square(means[:, np.newaxis] - means).mean(axis=0)  # Of each example to the others.
  ratio = variances.mean(axis=0) * inverse.mean(axis=0)
  return float(0.5 * np.sum((squares * inverse).mean(axis=0) + ratio - 1.0))


def entropy_with_dropout(variances: np.ndarray, keep_prob: float) -> float:
  """CE under dropout, eq. (S16): the entropy given the mask, averaged over masks."""
  logs = expected_log(variances, keep_prob).sum(axis=1).mean()
  return float(0.5 * (variances.shape[1] * math.log(2.0 * math.pi * math.e) + logs))


def posteriors(seed: int, count: int = 40, dims: int = 6) -> tuple[np.ndarray, np.ndarray]:
  """Random means and variances above the floor."""
  random = np.random.default_rng(seed)
  return (random.normal(size=(count, dims)) * random.uniform(0.1, 1.0, dims),
          FLOOR + random.exponential(random.uniform(0.05, 2.0, dims), (count, dims)))


class MomentsTest(tf.test.TestCase, parameterized.TestCase):
  """(S14) and (S15): what dropout does to one variance."""

  def setUp(self) -> None:
    super().setUp()
    self.variance = FLOOR * np.geomspace(1.0001, 100.0, 1000)

  @parameterized.parameters(*KEEP_PROBS)
  def test_mean_is_preserved(self, keep_prob: float) -> None:
    self.assertAllClose(expectation(lambda v: v, self.variance, keep_prob), self.variance,
                        rtol=1e-12, atol=0.0)

  @parameterized.parameters(*KEEP_PROBS)
  def test_mean_inverse(self, keep_prob: float) -> None:
    self.assertAllClose(expectation(np.reciprocal, self.variance, keep_prob),
                        expected_inverse(self.variance, keep_prob), rtol=1e-12, atol=0.0)

  @parameterized.parameters(*KEEP_PROBS)
  def test_mean_logarithm(self, keep_prob: float) -> None:
    self.assertAllClose(expectation(np.log, self.variance, keep_prob),
                        expected_log(self.variance, keep_prob), rtol=1e-12, atol=1e-14)

  def test_inverse_falls_and_logarithm_rises_with_the_keep_probability(self) -> None:
    for variance in FLOOR * np.array([1.0001, 1.1, 2.0, 10.0, 100.0]):
      probs = np.linspace(0.001, 0.999, 1000)
      self.assertTrue(np.all(np.diff([expected_inverse(variance, p) for p in probs]) < 0.0))
      self.assertTrue(np.all(np.diff([expected_log(variance, p) for p in probs]) > 0.0))

  @parameterized.parameters(*KEEP_PROBS)
  def test_both_lie_between_the_variance_and_the_floor(self, keep_prob: float) -> None:
    inverse = expected_inverse(self.variance, keep_prob)
    self.assertTrue(np.all((1.0 / self.variance < inverse) & (inverse < 1.0 / FLOOR)))
    log = expected_log(self.variance, keep_prob)
    self.assertTrue(np.all((math.log(FLOOR) < log) & (log < np.log(self.variance))))


class DivergenceTest(tf.test.TestCase, parameterized.TestCase):
  """(7b) and (8): dropout raises the divergence of posteriors."""

  @parameterized.parameters(0.8, 0.5)
  def test_closed_form_is_the_mean_over_masks(self, keep_prob: float) -> None:
    means, variances = posteriors(0, count=12, dims=4)
    draws = np.array([
        posterior_divergence.mean_posterior_divergence(means, dropped)
        for dropped in many_drops(variances, keep_prob, 4000)])
    # One mask an example: an example's pair with itself has no divergence, where two masks would
    # give it half of v E[1/v'] - 1 in every dimension.
    inverse = expected_inverse(variances, keep_prob)
    own_pairs = 0.5 * np.sum(variances * inverse - 1.0, axis=1).mean() / len(means)
    expected = divergence_with_dropout(means, variances, keep_prob) - own_pairs
    error = draws.std(ddof=1) / math.sqrt(len(draws))
    self.assertAllClose(draws.mean(), expected, rtol=0.0, atol=SIX * error)
    # The bound is tight enough to tell the corrected constant from the printed one.
    self.assertLess(SIX * error, (means.shape[1] - 1) / 2.0)

  @parameterized.parameters(range(10))
  def test_it_grows_as_fewer_variances_are_kept(self, seed: int) -> None:
    means, variances = posteriors(seed)
    values = [posterior_divergence.mean_posterior_divergence(means, variances)]
    values += [divergence_with_dropout(means, variances, keep_prob) for keep_prob in KEEP_PROBS]
    self.assertTrue(np.all(np.diff(values) > 0.0), values)

  @parameterized.parameters(range(10))
  def test_it_exceeds_the_spread_of_the_means_over_the_floor(self, seed: int) -> None:
    means, variances = posteriors(seed)
    for keep_prob in KEEP_PROBS:
      self.assertGreater(divergence_with_dropout(means, variances, keep_prob),
                         (1.0 - keep_prob) / FLOOR * np.sum(np.var(means, axis=0)))

  @parameterized.parameters(*KEEP_PROBS)
  def test_part_of_the_means_lies_between_its_bounds(self, keep_prob: float) -> None:
    # Eq. (S19a) and (S19b), per dimension.
    means, variances = posteriors(0)
    squares = np.square(means[:, np.newaxis] - means).mean(axis=0)
    part = (squares * expected_inverse(variances, keep_prob)).mean(axis=0)
    self.assertTrue(np.all(part < 2.0 / FLOOR * np.var(means, axis=0)))
    self.assertTrue(np.all(part > (squares / variances).mean(axis=0)))

  def test_limit_where_nothing_is_kept(self) -> None:
    means, variances = posteriors(0)
    limit = np.sum(np.var(means, axis=0) + 0.5 * variances.mean(axis=0) - 0.5 * FLOOR) / FLOOR
    # The inverse differs from 1 / floor by a part of the order of keep_prob.
    self.assertAllClose(
        divergence_with_dropout(means, variances, 1e-9), limit, rtol=1e-7, atol=0.0)


class EntropyTest(tf.test.TestCase, parameterized.TestCase):
  """(7c): dropout lowers the conditional entropy."""

  @parameterized.parameters(0.8, 0.5)
  def test_closed_form_is_the_mean_over_masks(self, keep_prob: float) -> None:
    _, variances = posteriors(0)
    draws = np.array([
        conditional_entropy.conditional_entropy(dropped)
        for dropped in many_drops(variances, keep_prob, 1000)])
    error = draws.std(ddof=1) / math.sqrt(len(draws))
    expected = entropy_with_dropout(variances, keep_prob)
    self.assertAllClose(draws.mean(), expected, rtol=0.0, atol=SIX * error)
    self.assertGreater(
        conditional_entropy.conditional_entropy(variances) - expected, SIX * error)

  @parameterized.parameters(range(10))
  def test_it_falls_as_fewer_variances_are_kept_and_stays_above_zero(self, seed: int) -> None:
    _, variances = posteriors(seed)
    values = [conditional_entropy.conditional_entropy(variances)]
    values += [entropy_with_dropout(variances, keep_prob) for keep_prob in KEEP_PROBS]
    self.assertTrue(np.all(np.diff(values) < 0.0), values)
    self.assertGreater(values[-1], 0.0)

  def test_limit_where_nothing_is_kept_is_zero(self) -> None:
    _, variances = posteriors(0)
    # p ln(1 / p), 2e-8, for each of six dimensions.
    self.assertAllClose(entropy_with_dropout(variances, 1e-9), 0.0, rtol=0.0, atol=1e-6)

  @parameterized.parameters(*KEEP_PROBS)
  def test_training_kl_exceeds_evaluation_kl_by_the_entropy_lost(self, keep_prob: float) -> None:
    means, variances = posteriors(0)

    def kl(variance: np.ndarray) -> np.ndarray:
      return gaussian.GaussianPosterior(
          tf.constant(means), tf.constant(variance)).kl_per_dimension().numpy()

    excess = expectation(kl, variances, keep_prob) - kl(variances)
    lost = (conditional_entropy.conditional_entropy(variances)
            - entropy_with_dropout(variances, keep_prob))
    self.assertAllClose(excess.sum(axis=1).mean(), lost, rtol=1e-10, atol=0.0)

  def test_a_dropped_dimension_adds_a_constant_to_the_kl(self) -> None:
    at_floor = gaussian.GaussianPosterior(
        tf.zeros([1, 1], tf.float64), tf.constant([[FLOOR]], tf.float64))
    self.assertAllClose(at_floor.kl_per_dimension()[:, 0], [0.948213], rtol=0.0, atol=1e-6)


if __name__ == "__main__":
  tf.test.main()
