"""How different the posteriors of different examples are."""

import numpy as np


def mean_posterior_divergence(means: np.ndarray, variances: np.ndarray) -> float:
  """Mean symmetric KL between the posteriors of two examples, nats.

      MPD = 1/2 sum_d (E[(m_1d - m_2d)^2 / v_1d] + E[v_d] E[1/v_d] - 1)

  Source: Shen et al. 2021, eq. (2) and (3); the sum over d includes the -1, which the printed
  eq. (3) subtracts only once. Expectations are over all pairs of the N examples, an example with
  itself included. The work is linear in N.

  Args:
    means: [N, n].
    variances: [N, n], > 0.
  """
  mean, variance = np.asarray(means, np.float64), np.asarray(variances, np.float64)
  mean = mean - mean.mean(axis=0)  # Divergences do not see the shift; the sums below cancel less.
  precision = 1.0 / variance
  squared = (np.mean(mean**2 * precision, axis=0)
             - 2.0 * mean.mean(axis=0) * np.mean(mean * precision, axis=0)
             + np.mean(mean**2, axis=0) * precision.mean(axis=0))
  ratio = variance.mean(axis=0) * precision.mean(axis=0)
  return float(0.5 * np.sum(squared + ratio - 1.0))
