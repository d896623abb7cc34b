"""Entropy of the latent variable given the example."""

import math

import numpy as np


def entropies(variances: np.ndarray) -> np.ndarray:
  """Entropy of each of N diagonal Gaussians from its variances [N, n]: float64 [N], nats."""
  log_variance = np.log(np.asarray(variances, np.float64)).sum(axis=1)
  return 0.5 * (variances.shape[1] * math.log(2.0 * math.pi * math.e) + log_variance)


def conditional_entropy(variances: np.ndarray) -> float:
  """Mean entropy of diagonal Gaussian posteriors, nats.

  Source: Shen et al. 2021, eq. (5): n/2 ln(2 pi e) + 1/2 sum_d E[ln v_d].

  Args:
    variances: [N, n], > 0.
  """
  return float(entropies(variances).mean())
