"""What a trained decoder makes of latent vectors: prior samples, reconstructions, paths, analogies.

Source: Shen et al. 2021, Tables S3 and S4, Figure S1.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from du_vae_tf.analysis import codec as codec_lib
from du_vae_tf.analysis import word_choice


@dataclasses.dataclass(frozen=True)
class Examples:
  """The examples that items are drawn from.

  Attributes:
    labels: int [N], -1 where there is none.
    item: the item of a row.
  """

  labels: np.ndarray
  item: Callable[[int], Any]


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
    codec: of the model.
    examples: of the split that items are drawn from.
    seed: of all draws.
    choice: of the words of sentences.
  """

  def __init__(self, codec: codec_lib.Codec, examples: Examples, seed: int,
               choice: word_choice.WordChoice = word_choice.WordChoice()):
    self._codec = codec
    self._examples = examples
    self._seed = seed
    self._choice = choice

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
    drawn = self._items("reconstructions", reconstructions)
    pairs = [between] if between else list(zip(
        self._items("sources", paths), self._items("targets", paths), strict=True))
    return Generated(
        self._decode(self._codec.prior(samples, self._seed)),
        list(zip(drawn, self._decode(self._codec.centers(drawn)), strict=True)),
        [Path(*pair, items) for pair, items in zip(
            pairs, self._codec.paths(pairs, steps, self._seed, self._choice), strict=True)],
        self._analogies([analogy] if analogy else self._triples(analogies)))

  def _decode(self, z: np.ndarray) -> list[Any]:
    return self._codec.decode(z, np.arange(len(z)), self._seed, self._choice)

  def _items(self, purpose: str, count: int, label: int | None = None) -> list[Any]:
    """Items of distinct rows, of one label if it is given."""
    labels = self._examples.labels
    rows = np.arange(len(labels)) if label is None else np.flatnonzero(labels == label)
    chosen = codec_lib.generator(self._seed, purpose).choice(
        rows, min(count, len(rows)), replace=False)
    return [self._examples.item(int(row)) for row in chosen]

  def _triples(self, count: int) -> list[tuple[Any, Any, Any]]:
    labels = self._examples.labels
    labels, counts = np.unique(labels[labels >= 0], return_counts=True)
    if len(labels) < 2:
      return []
    common, other = labels[np.argsort(-counts, kind="stable")[:2]]
    alike = self._items("analogies", 2 * count, common)
    return list(zip(alike[::2], self._items("analogies", count, other), alike[1::2], strict=False))

  def _analogies(self, triples: Sequence[tuple[Any, Any, Any]]) -> list[Analogy]:
    if not triples:
      return []
    first, second, third = (
        self._codec.centers(list(items)) for items in zip(*triples, strict=True))
    answers = self._decode(second - first + third)
    return [Analogy(*items, answer) for items, answer in zip(triples, answers, strict=True)]
