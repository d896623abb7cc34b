"""Mutual information of example and latent variable under q."""

import math

import numpy as np

# Pairs of examples whose densities are held at a time: 64 MiB of float64.
_PAIRS_AT_ONCE = 2**23


def mutual_information(means: np.ndarray, variances: np.ndarray, samples: np.ndarray) -> float:
  """I_q(x; z) = E_x E_q(z|x)[ln q(z | x)] - E_q(z)[ln q(z)], nats.

  The first term is closed, the second an average over one sample per example, with the aggregate
  posterior q(z) = 1/N sum_n q(z | x_n) over the whole set. At most about ln N; noise can make it
  slightly negative where posteriors do not differ.

  Source: Alemi et al. 2018 (the decomposition of Hoffman and Johnson 2016).

  Args:
    means: [N, n].
    variances: [N, n], > 0.
    samples: [N, n], one sample of each posterior.
  """
  mean, variance, z = (np.asarray(array, np.float64) for array in (means, variances, samples))
  center = mean.mean(axis=0)  # Densities do not see the shift; the squares below cancel less.
  mean, z = mean - center, z - center
  rows = max(1, _PAIRS_AT_ONCE // len(mean))
  log_aggregate = np.concatenate([
      _log_aggregate(z[first:first + rows], mean, variance) for first in range(0, len(z), rows)])
  entropy = 0.5 * np.sum(np.log(2.0 * math.pi * math.e * variance), axis=1)
  return float(-entropy.mean() - log_aggregate.mean())


def minibatch_mutual_information(means: np.ndarray, variances: np.ndarray, samples: np.ndarray,
                                 batch_size: int) -> float:
  """The mean over minibatches of `mutual_information` within each, nats; at most ln batch_size.

  Source: He et al. 2019; some rows of published tables were made with it.
  """
  starts = range(0, len(means), batch_size)
  batches = [slice(start, start + batch_size) for start in starts]
  values = [mutual_information(means[batch], variances[batch], samples[batch])
            for batch in batches]
  return float(np.average(values, weights=[len(means[batch]) for batch in batches]))


def _log_aggregate(z: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
  """ln q(z) of samples [r, n] under the mixture of N posteriors: [r].

  The squared distances are expanded, so that all pairs take one matrix product; float64 leaves
  room for the cancellation.
  """
  precision = 1.0 / variance
  weights = np.concatenate([-0.5 * precision, mean * precision], axis=1)
  constant = -0.5 * np.sum(mean**2 * precision + np.log(2.0 * math.pi * variance), axis=1)
  log_density = np.concatenate([z**2, z], axis=1) @ weights.T
  log_density += constant
  largest = log_density.max(axis=1)
  log_density -= largest[:, np.newaxis]
  density = np.exp(log_density, out=log_density)  # In place: this is the one large array.
  return largest + np.log(density.mean(axis=1))
