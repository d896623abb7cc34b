"""Examples to latent vectors and back, with a trained model."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from du_vae_tf.analysis import representations
from du_vae_tf.analysis import word_choice
from du_vae_tf.models import vae

_BATCH = 64


class Medium(Protocol):
  """How examples of one kind come in and go out; an item is a sentence or an image."""

  def given(self, value: str, flag: str) -> Any:
    """The item that a user wrote or named on the command line.

    Raises:
      errors.UserError: it is none.
    """

  def items(self, values: Any, place: str) -> list[Any]:
    """The items among what a user of the library hands over.

    Raises:
      errors.UserError: it is something else.
    """

  def joined(self, items: Sequence[Any]) -> Any:
    """Items as a user of the library gets them."""

  def dataset(self, items: Sequence[Any]) -> tf.data.Dataset:
    """Batches of items as the model reads them, with their places among `items` as `row`."""

  def decode(self, z: tf.Tensor, seed: tf.Tensor, choice: word_choice.WordChoice) -> list[Any]:
    """An item for each z [b, n]; what is random in it depends on its seed, int64 [b], alone."""


class Codec:
  """Encodes and decodes items.

  Args:
    model: with its weights.
    medium: of its examples.
    seed: of the run, for the samples that `encode` draws.
  """

  def __init__(self, model: vae.VAE, medium: Medium, seed: int):
    self._latent_dim = model.latent_dim
    self._medium = medium
    self._encoder = representations.Encoder(model, seed)

  def encode(self, items: Sequence[Any]) -> Mapping[str, np.ndarray]:
    """The parts of `representations.Encoding` by name; at least one item."""
    return self._encoder.encode(self._medium.dataset(items))

  def centers(self, items: Sequence[Any]) -> np.ndarray:
    """z that stand for the items, float32 [len(items), n]."""
    return (self.encode(items)["center"] if items
            else np.zeros([0, self._latent_dim], np.float32))

  def decode(self, z: np.ndarray, streams: np.ndarray, seed: int,
             choice: word_choice.WordChoice) -> list[Any]:
    """An item for each z.

    Args:
      z: float32 [m, n].
      streams: int [m]; rows of one number share what is random.
      seed: of all draws.
      choice: of the words of sentences.
    """
    seeds = streams.astype(np.int64) + (seed << 20)
    return [item for start in range(0, len(z), _BATCH) for item in self._medium.decode(
        tf.constant(z[start:start + _BATCH]), tf.constant(seeds[start:start + _BATCH]), choice)]

  def prior(self, count: int, seed: int) -> np.ndarray:
    """z drawn from the prior, float32 [count, n]."""
    return generator(seed, "prior").standard_normal([count, self._latent_dim]).astype(np.float32)

  def paths(self, pairs: Sequence[tuple[Any, Any]], steps: int, seed: int,
            choice: word_choice.WordChoice) -> list[list[Any]]:
    """Items on the straight lines between the centers of two items each, both ends included."""
    if not pairs:
      return []
    weights = np.linspace(0.0, 1.0, steps, dtype=np.float32)[:, np.newaxis]
    first, last = (self.centers([pair[end] for pair in pairs]) for end in (0, 1))
    z = [(1.0 - weights) * begin + weights * end for begin, end in zip(first, last, strict=True)]
    # A path shares what is random, so that its items differ by z alone.
    items = self.decode(np.concatenate(z), np.repeat(np.arange(len(pairs)), steps), seed, choice)
    return [items[number * steps:(number + 1) * steps] for number in range(len(pairs))]


def generator(seed: int, purpose: str) -> np.random.Generator:
  """The stream of numbers of a purpose."""
  return np.random.default_rng([seed, *purpose.encode()])
