"""Entropy of the latent variable given the example."""

import math

import numpy as np


def conditional_entropy(variances: np.ndarray) -> float:
  """Mean entropy of diagonal Gaussian posteriors, nats.

  Source: Shen et al. 2021, eq. (5): n/2 ln(2 pi e) + 1/2 sum_d E[ln v_d].

  Args:
    variances: [N, n], > 0.
  """
  log_variance = np.log(np.asarray(variances, np.float64)).sum(axis=1).mean()
  return float(0.5 * (variances.shape[1] * math.log(2.0 * math.pi * math.e) + log_variance))
