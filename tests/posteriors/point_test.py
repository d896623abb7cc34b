"""The posteriors of autoencoders."""

import math

import numpy as np
import tensorflow as tf

from du_vae_tf.posteriors import gaussian
from du_vae_tf.posteriors import point

MEAN = tf.constant([[0.5, -2.0], [1.0, 3.0]])
RAW = tf.constant([[-50.0, 0.0], [1.0, -3.0]])
NOISE = tf.ones([3, 2, 2])


class AutoencoderPosteriorTest(tf.test.TestCase):

  def test_deterministic_one_decodes_the_mean_whatever_the_noise(self) -> None:
    family = point.Point()
    posterior = family.posterior(MEAN, family.variance(RAW))
    self.assertAllEqual(posterior.terms(NOISE)["sample"], MEAN)
    self.assertAllClose(posterior.variance, np.full([2, 2], math.exp(-10.0)))
    z, log_prob = posterior.sample_and_log_prob(NOISE)
    self.assertAllClose(z, np.broadcast_to(MEAN + math.exp(-5.0), [3, 2, 2]))
    self.assertAllClose(log_prob, posterior.log_prob(z), rtol=1e-3)

  def test_stochastic_one_has_a_least_variance(self) -> None:
    variance = gaussian.Gaussian(point.MIN_LOG_VARIANCE).variance(RAW)
    self.assertAllClose(variance, np.exp([[-10.0, 0.0], [1.0, -3.0]]), rtol=1e-6)


if __name__ == "__main__":
  tf.test.main()
