"""What a trained decoder makes of latent vectors: prior samples, reconstructions, paths, analogies.

Source: Shen et al. 2021, Tables S3 and S4, Figure S1.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from du_vae_tf.models import vae

_BATCH = 64


class Medium(Protocol):
  """How examples of one kind come in and go out; an item is a sentence or an image."""

  def given(self, value: str, flag: str) -> Any:
    """The item that a user wrote or named.

    Raises:
      errors.UserError: it is none.
    """

  def row(self, row: int) -> Any:
    """The item of a row of the split."""

  def batch(self, items: Sequence[Any]) -> Mapping[str, tf.Tensor]:
    """Items as the model reads them."""

  def decode(self, z: tf.Tensor, seed: tf.Tensor) -> list[Any]:
    """An item for each z [b, n]; what is random in it depends on its seed, int64 [b], alone."""


@dataclasses.dataclass(frozen=True)
class Path:
  """Items on the straight line between the centers of two posteriors, both ends included."""

  source: Any
  target: Any
  steps: list[Any]


@dataclasses.dataclass(frozen=True)
class Analogy:
  """`first` is to `second` as `third` is to `answer`: decoded from z2 - z1 + z3."""

  first: Any
  second: Any
  third: Any
  answer: Any


@dataclasses.dataclass(frozen=True)
class Generated:
  """What was asked for.

  Attributes:
    samples: of z from the prior.
    reconstructions: pairs of an item and what is decoded from the center of its posterior.
    paths: see `Path`.
    analogies: see `Analogy`.
  """

  samples: list[Any]
  reconstructions: list[tuple[Any, Any]]
  paths: list[Path]
  analogies: list[Analogy]


class Generator:
  """Draws with one model; the same seed draws the same.

  Args:
    model: with its weights.
    medium: of its examples.
    labels: int [N], of the rows of the split that items are drawn from, -1 where there is none.
    seed: of all draws.
  """

  def __init__(self, model: vae.VAE, medium: Medium, labels: np.ndarray, seed: int):
    self._model = model
    self._medium = medium
    self._labels = labels
    self._seed = seed

  def generate(self, *, samples: int, reconstructions: int, paths: int, steps: int, analogies: int,
               between: tuple[Any, Any] | None = None,
               analogy: tuple[Any, Any, Any] | None = None) -> Generated:
    """Draws.

    Args:
      samples: number of prior samples.
      reconstructions: number of reconstructions, of items drawn from the split.
      paths: number of paths between two such items.
      steps: items of a path, both ends included.
      analogies: number of analogies between such items: two of one label, and one of another;
        none where there are no two labels.
      between: two items: one path between these instead.
      analogy: three items: one analogy of these instead.
    """
    z = self._normals(samples)
    drawn = self._items("reconstructions", reconstructions)
    pairs = [between] if between else list(zip(
        self._items("sources", paths), self._items("targets", paths), strict=True))
    return Generated(
        self._decode(z, np.arange(samples)),
        list(zip(drawn, self._decode(self._centers(drawn), np.arange(len(drawn))), strict=True)),
        self._paths(pairs, steps),
        self._analogies([analogy] if analogy else self._triples(analogies)))

  def _normals(self, count: int) -> np.ndarray:
    """z of the prior [count, n]."""
    random = self._random("prior")
    return random.standard_normal([count, self._model.latent_dim]).astype(np.float32)

  def _random(self, purpose: str) -> np.random.Generator:
    return np.random.default_rng([self._seed, *purpose.encode()])

  def _items(self, purpose: str, count: int, label: int | None = None) -> list[Any]:
    """Items of distinct rows, of one label if it is given."""
    rows = np.arange(len(self._labels)) if label is None else np.flatnonzero(self._labels == label)
    chosen = self._random(purpose).choice(rows, min(count, len(rows)), replace=False)
    return [self._medium.row(int(row)) for row in chosen]

  def _triples(self, count: int) -> list[tuple[Any, Any, Any]]:
    labels, counts = np.unique(self._labels[self._labels >= 0], return_counts=True)
    if len(labels) < 2:
      return []
    common, other = labels[np.argsort(-counts, kind="stable")[:2]]
    alike = self._items("analogies", 2 * count, common)
    return list(zip(alike[::2], self._items("analogies", count, other), alike[1::2], strict=False))

  def _paths(self, pairs: Sequence[tuple[Any, Any]], steps: int) -> list[Path]:
    if not pairs:
      return []
    weights = np.linspace(0.0, 1.0, steps, dtype=np.float32)[:, np.newaxis]
    first, last = (self._centers([pair[end] for pair in pairs]) for end in (0, 1))
    z = [(1.0 - weights) * begin + weights * end for begin, end in zip(first, last, strict=True)]
    # A path shares what is random, so that its items differ by z alone.
    items = self._decode(np.concatenate(z), np.repeat(np.arange(len(pairs)), steps))
    return [Path(source, target, items[number * steps:(number + 1) * steps])
            for number, (source, target) in enumerate(pairs)]

  def _analogies(self, triples: Sequence[tuple[Any, Any, Any]]) -> list[Analogy]:
    if not triples:
      return []
    first, second, third = (self._centers(list(items)) for items in zip(*triples, strict=True))
    answers = self._decode(second - first + third, np.arange(len(triples)))
    return [Analogy(*items, answer) for items, answer in zip(triples, answers, strict=True)]

  def _centers(self, items: Sequence[Any]) -> np.ndarray:
    """z that stand for the items, float32 [len(items), n]."""
    made = [self._model.posterior(self._medium.batch(items[start:start + _BATCH])).center.numpy()
            for start in range(0, len(items), _BATCH)]
    return np.concatenate(made) if made else np.zeros([0, self._model.latent_dim], np.float32)

  def _decode(self, z: np.ndarray, streams: np.ndarray) -> list[Any]:
    seeds = streams.astype(np.int64) + (self._seed << 20)
    return [item for start in range(0, len(z), _BATCH) for item in self._medium.decode(
        tf.constant(z[start:start + _BATCH]), tf.constant(seeds[start:start + _BATCH]))]
