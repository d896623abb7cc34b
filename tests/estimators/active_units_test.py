"""Active units: variance of the means, and the threshold."""

from unittest import mock

import numpy as np
from absl.testing import absltest

from du_vae_tf.estimators import active_units


class ActiveUnitsTest(absltest.TestCase):

  def test_variances_are_the_unbiased_ones(self) -> None:
    means = np.random.default_rng(0).normal(size=(37, 5)) * [1e-3, 0.1, 1.0, 10.0, 0.0]
    np.testing.assert_allclose(
        active_units.mean_variances(means), np.var(means, axis=0, ddof=1), rtol=1e-12, atol=0.0)

  def test_a_large_mean_does_not_drown_a_small_variance(self) -> None:
    # E[m^2] - E[m]^2 in float32 has no digit left here.
    means = (1000.0 + np.random.default_rng(0).normal(size=(4000, 3)) * 0.11).astype(np.float32)
    np.testing.assert_allclose(
        active_units.mean_variances(means), np.var(means.astype(np.float64), axis=0, ddof=1),
        rtol=1e-9, atol=0.0)
    self.assertEqual(active_units.active_units(means), 3)

  def test_a_unit_exactly_at_the_threshold_counts(self) -> None:
    means = np.array([[-0.5, -0.499], [0.5, 0.499]])  # Variances 0.5 and a little less.
    with mock.patch.object(active_units, "THRESHOLD", 0.5):
      self.assertEqual(active_units.active_units(means), 1)

  def test_counts_dimensions(self) -> None:
    means = np.random.default_rng(0).normal(size=(5000, 6)) * [0.0, 0.09, 0.11, 0.11, 1.0, 0.05]
    self.assertEqual(active_units.active_units(means), 3)

  def test_one_example_has_no_active_unit(self) -> None:
    self.assertEqual(active_units.active_units(np.ones([1, 4])), 0)


if __name__ == "__main__":
  absltest.main()
