"""Mutual information: limits, brute force, the two estimators."""

import math
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from du_vae_tf.estimators import mutual_information

tfd = tfp.distributions


def draw(means: np.ndarray, variances: np.ndarray, seed: int = 1) -> np.ndarray:
  noise = np.random.default_rng(seed).standard_normal(means.shape)
  return means + np.sqrt(variances) * noise


def brute_force(means: np.ndarray, variances: np.ndarray, samples: np.ndarray) -> float:
  """By the densities and the mixture of TFP."""
  each = tfd.MultivariateNormalDiag(means, np.sqrt(variances))
  mixture = tfd.MixtureSameFamily(tfd.Categorical(logits=np.zeros(len(means))), each)
  return float(-np.mean(each.entropy()) - np.mean(mixture.log_prob(samples)))


def six_standard_errors(count: int, dims: int) -> float:
  """Of the mean of `count` log-densities of Gaussians at their own samples: each varies by n/2."""
  return 6.0 * math.sqrt(dims / 2.0 / count)


class MutualInformationTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self) -> None:
    super().setUp()
    random = np.random.default_rng(0)
    self.means = random.normal(size=(97, 5)) * [3.0, 1.0, 0.3, 0.0, 1.0]
    self.variances = 0.06 + 0.3 * random.exponential(size=(97, 5))
    self.samples = draw(self.means, self.variances)

  # Pairs at a time: all of them, blocks of uneven size, one row.
  @parameterized.parameters(2**23, 1000, 1)
  def test_equals_brute_force(self, pairs: int) -> None:
    with mock.patch.object(mutual_information, "_PAIRS_AT_ONCE", pairs):
      value = mutual_information.mutual_information(self.means, self.variances, self.samples)
    self.assertAllClose(
        value, brute_force(self.means, self.variances, self.samples), rtol=1e-10, atol=0.0)

  def test_tiny_variances_and_shifted_means(self) -> None:
    # An autoencoder's posteriors: here a float32 expansion of the squares has no digit left.
    variances = np.full_like(self.means, 1e-8)
    samples = draw(self.means, variances)
    expected = brute_force(self.means, variances, samples)
    for shift in (0.0, 100.0):
      self.assertAllClose(
          mutual_information.mutual_information(self.means + shift, variances, samples + shift),
          expected, rtol=0.0, atol=1e-5)

  def test_identical_posteriors_have_none(self) -> None:
    means, variances = np.full([2000, 3], 0.7), np.full([2000, 3], 0.5)
    value = mutual_information.mutual_information(means, variances, draw(means, variances))
    self.assertAllClose(value, 0.0, rtol=0.0, atol=six_standard_errors(2000, 3))

  def test_far_apart_posteriors_have_the_entropy_of_the_examples(self) -> None:
    means = 1000.0 * np.arange(2000.0)[:, np.newaxis] * np.ones(3)
    variances = np.full([2000, 3], 0.5)
    value = mutual_information.mutual_information(means, variances, draw(means, variances))
    self.assertAllClose(
        value, math.log(2000.0), rtol=0.0, atol=six_standard_errors(2000, 3))

  def test_minibatches_saturate_at_the_entropy_of_a_batch(self) -> None:
    means = 1000.0 * np.arange(2000.0)[:, np.newaxis] * np.ones(3)
    variances = np.full([2000, 3], 0.5)
    value = mutual_information.minibatch_mutual_information(
        means, variances, draw(means, variances), batch_size=20)
    self.assertAllClose(value, math.log(20.0), rtol=0.0, atol=six_standard_errors(2000, 3))

  def test_minibatches_count_by_their_examples(self) -> None:
    # 97 = 40 + 40 + 17.
    value = mutual_information.minibatch_mutual_information(
        self.means, self.variances, self.samples, batch_size=40)
    parts = [slice(0, 40), slice(40, 80), slice(80, 97)]
    expected = sum(
        len(self.means[part]) / 97 * brute_force(
            self.means[part], self.variances[part], self.samples[part]) for part in parts)
    self.assertAllClose(value, expected, rtol=1e-10, atol=0.0)
    self.assertLess(value, mutual_information.mutual_information(
        self.means, self.variances, self.samples))


if __name__ == "__main__":
  tf.test.main()
