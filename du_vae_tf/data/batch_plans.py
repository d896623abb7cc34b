"""Which rows stand together in a batch, and in which order batches come.

A plan is a sequence of arrays of row numbers and depends on its arguments alone.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from du_vae_tf import datasets

# Sentences that are sorted together; bounds the work and the memory of a large corpus.
_WINDOW = 2**17
# Of the permutation's cipher. With 4, as in `tf.random.experimental.index_shuffle`, neighbours stay
# correlated (0.4); from 12 on that is gone.
_ROUNDS = 24


class NearEqual:
  """Batches of nearly equal lengths; every row once.

  The rows are permuted, sorted by length within large windows (equal lengths keep the permuted
  order) and cut, so an epoch has other batches than the next. Batches are permuted within a
  window, which is itself drawn from all rows; only one window is in memory.

  Args:
    num_rows: of the split.
    lengths_of: row numbers -> words of these rows.
    batch_size: the largest batch.
    seed: of the run.
    epoch: from 0.

  There are ceil(N / batch_size) batches, whose sizes differ by at most one.
  """

  def __init__(self, num_rows: int, lengths_of: Callable[[np.ndarray], np.ndarray],
               batch_size: int, seed: int, epoch: int):
    self._num_rows = num_rows
    self._lengths_of = lengths_of
    self._num_batches = -(-num_rows // batch_size)
    self._per_window = max(1, _WINDOW // batch_size)
    self._key = (seed, epoch)
    self._window: tuple[int, list[np.ndarray]] = (-1, [])

  def __len__(self) -> int:
    return self._num_batches

  def __getitem__(self, batch: int, /) -> np.ndarray:
    if not 0 <= batch < self._num_batches:
      raise IndexError(f"`batch` must be in [0, {self._num_batches}). Received: {batch}.")
    window, place = divmod(batch, self._per_window)
    if self._window[0] != window:
      self._window = window, self._batches(window)
    return self._window[1][place]

  def _batches(self, window: int) -> list[np.ndarray]:
    """The batches of a window, in training order."""
    first = window * self._per_window
    batches = np.arange(first, min(first + self._per_window, self._num_batches) + 1)
    bounds = batches * self._num_rows // self._num_batches
    if self._num_batches <= self._per_window:
      random = np.random.default_rng(self._key)
      rows = random.permutation(self._num_rows)
    else:
      random = np.random.default_rng((*self._key, window))
      rows = self._permuted(np.arange(bounds[0], bounds[-1]))
    rows = rows[np.argsort(self._lengths_of(rows), kind="stable")]
    cut = [rows[begin:end] for begin, end in zip(bounds - bounds[0], bounds[1:] - bounds[0])]
    return [cut[batch] for batch in random.permutation(len(cut))]

  def _permuted(self, places: np.ndarray) -> np.ndarray:
    """The rows at some places of a permutation of all rows that is nowhere written down."""
    return tf.raw_ops.RandomIndexShuffle(
        index=places.astype(np.uint64), max_index=np.uint64(self._num_rows - 1), rounds=_ROUNDS,
        seed=np.random.SeedSequence(self._key).generate_state(3)).numpy().astype(np.int64)


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
