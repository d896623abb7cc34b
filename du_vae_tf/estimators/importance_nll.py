"""Importance-weighted estimate of -log p(x)."""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.models import vae

# Bounds memory: at 1 024 units the states of an LSTM at so many positions take 128 MiB.
MAX_POSITIONS = 32768

Batch = dict[str, tf.Tensor]
LogWeights = Callable[[Batch, tf.Tensor, tf.Tensor], tf.Tensor]


class Progress(Protocol):
  """What shows a caller how far the work is."""

  def start(self, total: int, expected_seconds: float) -> None:
    """Called once, when the first examples have been timed.

    Args:
      total: number of examples.
      expected_seconds: estimate for all of them.
    """

  def update(self, count: int) -> None:
    """Called when `count` more examples are done; may raise to interrupt."""


@dataclasses.dataclass(frozen=True)
class Weighted:
  """The estimates, in the order in which the data set gives the examples.

  Attributes:
    nll: float64 [N], nats.
    rows: int64 [N], the examples' numbers in their split.
  """

  nll: np.ndarray
  rows: np.ndarray


class ImportanceNLL:
  """Estimates -log p(x) = log K - logsumexp_k(log p(x|z_k) + log p(z_k) - log q(z_k|x)).

  Source: Burda et al. 2016. The K samples of an example depend on the seed and the example's
  number alone, so neither batches nor chunks nor padding change the estimate.

  Args:
    model: built; used in evaluation mode.
    num_samples: K.
    seed: of the run.
    max_positions: most examples * samples * positions in one pass of the decoder; a position is
      a token of a sentence, padding included, or a pixel of an image.
  """

  def __init__(self, model: vae.VAE, num_samples: int, seed: int,
               max_positions: int = MAX_POSITIONS):
    self._model = model
    self._num_samples = num_samples
    self._seed = seed
    self._max_positions = max_positions
    self._graph: LogWeights | None = None

  def estimate(self, dataset: tf.data.Dataset, progress: Progress) -> Weighted:
    """Passes over the data set, each example once.

    Args:
      dataset: of batches that the model takes, with `row`.
      progress: told of every piece.

    Raises:
      ValueError: the data set is empty.
    """
    examples, positions = _size(dataset)
    if not examples:
      raise ValueError("`dataset` must hold at least one example. Received an empty one.")
    if self._graph is None:
      self._graph = self._make_graph(dataset.element_spec)
    log_weights = self._graph
    nll: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    for batch in dataset:
      for piece in self._pieces(batch):
        noise = self._noise(piece["row"])
        if not nll:
          # Traces, which is no part of the expected time.
          log_weights(piece, noise[:1], tf.constant(1))
        begin = time.monotonic()
        nll.append(self._nll(piece, noise, log_weights))
        if not rows:
          seconds = time.monotonic() - begin
          progress.start(examples, seconds * positions / _positions(piece))
        rows.append(piece["row"].numpy())
        progress.update(len(rows[-1]))
    return Weighted(np.concatenate(nll), np.concatenate(rows))

  def _make_graph(self, element_spec: dict[str, tf.TensorSpec]) -> LogWeights:
    """The model's log-weights as one graph for any number of rows and samples."""
    batch_spec = {name: tf.TensorSpec([None, *spec.shape[1:]], spec.dtype)
                  for name, spec in element_spec.items()}
    noise_spec = tf.TensorSpec([None, None, self._model.latent_dim], tf.float32)
    return tf.function(self._model.log_weights, input_signature=(
        batch_spec, noise_spec, tf.TensorSpec([], tf.int32)), autograph=False)

  def _pieces(self, batch: Batch) -> list[Batch]:
    """Cuts a batch into as many examples as bounded memory allows."""
    count = batch["row"].shape[0]
    size = max(1, self._max_positions * count // (_positions(batch) * self._num_samples))
    return [{name: value[first:first + size] for name, value in batch.items()}
            for first in range(0, count, size)]

  def _nll(self, piece: Batch, noise: tf.Tensor, log_weights: LogWeights) -> np.ndarray:
    """The estimates of a few examples, [b], from their noise [K, b, n]."""
    samples_at_once = max(1, self._max_positions // _positions(piece))
    weights = log_weights(piece, noise, tf.constant(samples_at_once)).numpy()
    total = np.logaddexp.reduce(weights.astype(np.float64), axis=0)
    return math.log(self._num_samples) - total

  @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
  def _noise(self, row: tf.Tensor) -> tf.Tensor:
    """Standard normals [K, b, n]."""
    noise = seeds.row_normals(
        self._seed, "importance_weights", row, [self._num_samples, self._model.latent_dim])
    return tf.transpose(noise, [1, 0, 2])


def _positions(batch: Batch) -> int:
  """Positions of a batch, padding included."""
  symbols = batch["image"] if "image" in batch else batch["ids"]
  return int(symbols.shape.num_elements())


def _size(dataset: tf.data.Dataset) -> tuple[int, int]:
  """Examples and positions of a data set."""
  examples = positions = 0
  for batch in dataset:
    examples += batch["row"].shape[0]
    positions += _positions(batch)
  return examples, positions
