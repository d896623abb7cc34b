"""What one does with a trained model: examples to latent vectors and back, and their likelihood."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias, Unpack

import numpy as np
import numpy.typing as npt

from du_vae_tf import errors
from du_vae_tf.analysis import codec as codec_lib
from du_vae_tf.analysis import representations
from du_vae_tf.analysis import word_choice
from du_vae_tf.data import in_memory
from du_vae_tf.estimators import importance_nll
from du_vae_tf.models import vae

# Sentences as they are answered with, or images [b, side, side, 1] of 0 and 1.
Examples: TypeAlias = list[str] | npt.NDArray[np.float32]


class Parts:
  """What a trained model is made of.

  Args:
    model: in float32.
    medium: of its examples.
    seed: of the run.

  Attributes:
    codec: of model and medium.
  """

  def __init__(self, model: vae.VAE, medium: codec_lib.Medium, seed: int):
    self.model = model
    self.medium = medium
    self.seed = seed
    self.codec = codec_lib.Codec(model, medium, seed)
    self._estimators: dict[tuple[int, int], importance_nll.ImportanceNLL] = {}

  def estimator(self, samples: int, seed: int) -> importance_nll.ImportanceNLL:
    """The estimator of likelihoods, kept because it is traced once."""
    if (samples, seed) not in self._estimators:
      self._estimators[samples, seed] = importance_nll.ImportanceNLL(self.model, samples, seed)
    return self._estimators[samples, seed]


class _Silent:
  """Shows no progress; see `importance_nll.Progress`."""

  def start(self, total: int, expected_seconds: float) -> None:
    pass

  def update(self, count: int) -> None:
    pass


class TrainedModel(abc.ABC):
  """Sentences or images to latent vectors and back.

  What is given (`Given`): sentences are strings, in a list, an array or a `tf.data.Dataset`; their
  words are what spaces separate. Words that the model does not know are read as `<unk>`, and
  sentences of more words than `max_length` are cut, as in training. Images are one array
  [b, side, side] or [b, side, side, 1] of bool, integers from 0 to 255 or floats in [0, 1], or a
  `tf.data.Dataset` of such; pixels above one half are ink.

  What is answered (`Examples`) is in the order of the examples: a list of strings, or images
  float32 [b, side, side, 1] of 0 and 1.

  Whatever is random depends on `seed` and on the place among the examples alone.

  Raises:
    UserError: an argument is not what it should be; the message says what would be right.
  """

  @abc.abstractmethod
  def _parts(self) -> Parts:
    """The model as it is now."""

  def encode(self, examples: in_memory.Given) -> representations.Encoding:
    """The posteriors of examples.

    Args:
      examples: b sentences or images.

    Returns:
      `mean`, `variance`, `center`, `sample`, `kl_per_dimension` [b, n] and `representation` [b, m];
      `center` is the z that stands for an example, what `decode` takes.
    """
    parts = self._parts()
    encoded = parts.codec.encode(parts.medium.items(examples, "examples"))
    return representations.Encoding(**{
        field.name: encoded[field.name] for field in dataclasses.fields(representations.Encoding)})

  def decode(self, z: npt.ArrayLike, *, seed: int = 0,
             **choice: Unpack[word_choice.Options]) -> Examples:
    """Sentences or images for latent vectors.

    Args:
      z: [b, n].
      seed: of the draws of words or pixels.
      **choice: of words: `decoding` "greedy" (default), "sample" (`temperature`, `top_k`) or
        "beam" (`beam_width`).
    """
    parts = self._parts()
    return _decoded(parts, _checked(z, parts.model.latent_dim), seed, choice)

  def reconstruct(self, examples: in_memory.Given, *, seed: int = 0,
                  **choice: Unpack[word_choice.Options]) -> Examples:
    """What is decoded from the centers of the posteriors of examples; see `decode`."""
    parts = self._parts()
    centers = parts.codec.centers(parts.medium.items(examples, "examples"))
    return _decoded(parts, centers, seed, choice)

  def interpolate(self, start: str | np.ndarray, end: str | np.ndarray, steps: int = 5, *,
                  seed: int = 0, **choice: Unpack[word_choice.Options]) -> Examples:
    """What is decoded on the straight line between the centers of two examples.

    Args:
      start: one sentence, or one image.
      end: another.
      steps: how many, evenly spaced, both ends included; at least 2.
      seed: the same draws for all steps, so that they differ by z alone.
      **choice: see `decode`.
    """
    parts = self._parts()
    _check_least("steps", steps, 2)
    _check_least("seed", seed, 0)
    pair = [parts.medium.items([item], place)[0] for item, place in (
        (start, "start"), (end, "end"))]
    items, = parts.codec.paths(
        [(pair[0], pair[1])], steps, seed, word_choice.WordChoice(**choice))
    return parts.medium.joined(items)

  def sample(self, count: int, seed: int = 0,
             **choice: Unpack[word_choice.Options]) -> Examples:
    """What is decoded from latent vectors of the prior.

    Args:
      count: how many, at least 1.
      seed: of all draws.
      **choice: see `decode`.
    """
    _check_least("count", count, 1)
    _check_least("seed", seed, 0)
    parts = self._parts()
    return _decoded(parts, parts.codec.prior(count, seed), seed, choice)

  def log_likelihood(self, examples: in_memory.Given, samples: int = 500,
                     seed: int | None = None) -> npt.NDArray[np.float64]:
    """Importance-weighted log p(x) of examples, nats, [b] (Burda et al. 2016).

    Args:
      examples: b sentences or images.
      samples: of z for each example; the time grows with it.
      seed: of these; None: that of the run, as `du-vae-evaluate` takes it.
    """
    parts = self._parts()
    _check_least("samples", samples, 1)
    seed = parts.seed if seed is None else seed
    _check_least("seed", seed, 0)
    dataset = parts.medium.dataset(parts.medium.items(examples, "examples"))
    weighted = parts.estimator(samples, seed).estimate(dataset, _Silent())
    return -weighted.nll[np.argsort(weighted.rows)]


def _checked(z: npt.ArrayLike, size: int) -> np.ndarray:
  """z as float32 [b, size]."""
  try:
    array = np.asarray(z, np.float32)
  except (TypeError, ValueError):
    raise errors.UserError(f"z: no array of numbers; expected one of shape [b, {size}].") from None
  if array.ndim != 2 or array.shape[1] != size or not len(array):
    raise errors.UserError(f"z: of shape {list(array.shape)}; expected [b, {size}].")
  if not np.isfinite(array).all():
    raise errors.UserError("z: has values that are NaN or infinite; expected finite numbers.")
  return array


def _decoded(parts: Parts, z: np.ndarray, seed: int, choice: word_choice.Options) -> Examples:
  _check_least("seed", seed, 0)
  items: Sequence[Any] = parts.codec.decode(
      z, np.arange(len(z)), seed, word_choice.WordChoice(**choice))
  return parts.medium.joined(items)


def _check_least(name: str, value: int, least: int) -> None:
  if not isinstance(value, (int, np.integer)) or value < least:
    raise errors.UserError(f"{name}={value!r}: must be a whole number of at least {least}.")
