"""How many latent dimensions carry information."""

import numpy as np

# Source: Burda et al. 2016.
THRESHOLD = 0.01


def mean_variances(means: np.ndarray) -> np.ndarray:
  """Unbiased variance over examples of the posterior means [N, n]: float64 [n]; 0 if N = 1."""
  centred = np.asarray(means, np.float64) - np.mean(means, axis=0, dtype=np.float64)
  return np.square(centred).sum(axis=0) / max(len(centred) - 1, 1)


def active_units(means: np.ndarray) -> int:
  """Dimensions whose posterior mean has a variance over examples of at least 0.01."""
  return int(np.count_nonzero(mean_variances(means) >= THRESHOLD))
