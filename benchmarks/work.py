"""What a benchmark measures: one repetition of some work, and how much work that is."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
  """Work that can be repeated.

  Attributes:
    repeat: does the work once and waits for it; raises if a result is not finite.
    unit: what is counted, e.g. "words".
    units: how many of them one repetition does.
    flops: floating-point operations of the products in one repetition, additions and
      multiplications counted apart.
    weights: of the model, float32.
  """

  repeat: Callable[[], None]
  unit: str
  units: float
  flops: float
  weights: Any

  @property
  def weight_bytes(self) -> int:
    """Memory of the weights."""
    return 4 * sum(math.prod(weight.shape) for weight in self.weights)


def lstm_flops(tokens: float, inputs: int, units: int) -> float:
  """Of the products of an LSTM on so many tokens, forwards."""
  return 2.0 * tokens * (inputs + units) * 4 * units


def vocabulary_flops(tokens: float, units: int, vocab_size: int) -> float:
  """Of the projection to the vocabulary, forwards."""
  return 2.0 * tokens * units * vocab_size


def decoder_flops(decoder: Any) -> float:
  """Of the products of an image decoder on one image, forwards.

  Every kernel of a convolution is multiplied at every pixel, in full, its masked entries too.
  """
  pixels = decoder.side * decoder.side
  return 2.0 * sum(
      math.prod(weight.shape) * (1 if "latent_maps" in weight.path else pixels)
      for weight in decoder.trainable_weights if len(weight.shape) > 1)


def encoder_flops(encoder: Any) -> float:
  """Of the products of the residual image encoder on one image, forwards."""
  total, side = 0.0, encoder.side
  for block in encoder.blocks:
    side = -(-side // 2)
    total += side * side * sum(
        math.prod(weight.shape) for weight in block.trainable_weights if len(weight.shape) > 1)
  others = [encoder.collect.kernel, encoder.head.kernel]
  return 2.0 * (total + sum(math.prod(weight.shape) for weight in others))
