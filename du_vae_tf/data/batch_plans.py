"""Which rows stand together in a batch, and in which order batches come. Plain NumPy.

A plan is a list of arrays of row numbers and depends on its arguments alone.
"""

import numpy as np

from du_vae_tf import datasets

# Sentences that are sorted together; bounds the work of one sort for a large corpus.
_WINDOW = 2**17


def near_equal(
    lengths: np.ndarray, batch_size: int, seed: int, epoch: int
) -> list[np.ndarray]:
  """Batches of nearly equal lengths; every row once.

  The rows are permuted, sorted by length within large windows (equal lengths keep the permuted
  order) and cut, so an epoch has other batches than the next.

  Args:
    lengths: words of each row.
    batch_size: the largest batch.
    seed: of the run.
    epoch: from 0.

  Returns:
    ceil(N / batch_size) batches in training order; sizes differ by at most one.
  """
  rng = np.random.default_rng([seed, epoch])
  num_rows = len(lengths)
  num_batches = -(-num_rows // batch_size)
  bounds = np.arange(num_batches + 1) * num_rows // num_batches
  per_window = max(1, _WINDOW // batch_size)
  rows = rng.permutation(num_rows)
  for first in range(0, num_batches, per_window):
    begin, end = bounds[first], bounds[min(first + per_window, num_batches)]
    window = rows[begin:end]
    rows[begin:end] = window[np.argsort(lengths[window], kind="stable")]
  return [rows[bounds[batch]:bounds[batch + 1]] for batch in rng.permutation(num_batches)]


def equal_length(lengths: np.ndarray, batch_size: int) -> list[np.ndarray]:
  """The authors' batches: one length in a batch, the same batches in every epoch.

  Batches with fewer rows than `datasets.MIN_TRAINING_ROWS` are left out, so their rows are never
  trained on.

  Source: code of Shen et al. 2021 (sorted by length, runs of equal length cut into chunks; small
  batches skipped).
  """
  order = np.argsort(lengths, kind="stable")
  runs = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
  chunks = (run[first:first + batch_size] for run in runs
            for first in range(0, len(run), batch_size))
  return [chunk for chunk in chunks if len(chunk) >= datasets.MIN_TRAINING_ROWS]


def evaluation(
    lengths: np.ndarray, batch_size: int, max_examples: int | None = None
) -> list[np.ndarray]:
  """Every row once (of the first `max_examples`), shortest first."""
  order = np.argsort(lengths[:max_examples], kind="stable")
  return [order[first:first + batch_size] for first in range(0, len(order), batch_size)]
