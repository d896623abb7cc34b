"""Conditional entropy against the entropies of TFP."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from du_vae_tf.estimators import conditional_entropy
from du_vae_tf.layers import variance_dropout

tfd = tfp.distributions


class ConditionalEntropyTest(tf.test.TestCase):

  def test_is_the_mean_entropy_of_the_posteriors(self) -> None:
    variances = np.random.default_rng(0).exponential(size=(50, 7))
    entropies = tfd.MultivariateNormalDiag(np.zeros((50, 7)), np.sqrt(variances)).entropy()
    self.assertAllClose(conditional_entropy.conditional_entropy(variances),
                        np.mean(entropies), rtol=1e-12, atol=0.0)

  def test_standard_normals(self) -> None:
    expected = 16.0 * math.log(2.0 * math.pi * math.e)
    self.assertAlmostEqual(
        conditional_entropy.conditional_entropy(np.ones([3, 32])), expected, places=12)
    self.assertAlmostEqual(expected, 45.406, places=3)

  def test_is_zero_at_the_floor_of_the_variance_and_never_below(self) -> None:
    floor = variance_dropout.ZERO_ENTROPY_VARIANCE
    self.assertAlmostEqual(
        conditional_entropy.conditional_entropy(np.full([9, 32], floor)), 0.0, places=12)
    excess = np.random.default_rng(0).exponential(1e-6, size=(9, 32))
    self.assertGreater(conditional_entropy.conditional_entropy(floor + excess), 0.0)


if __name__ == "__main__":
  tf.test.main()
