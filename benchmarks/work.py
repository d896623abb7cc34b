"""What a benchmark measures: one repetition of some work, and how much work that is."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

# A kernel's shape, output channels last, and at how many positions of an image it is multiplied.
Kernel = tuple[tuple[int, ...], int]


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


def decoder_kernels(decoder: Any) -> list[Kernel]:
  """Of an image decoder.

  Every kernel of a convolution is multiplied at every pixel, in full, its masked entries too.
  """
  pixels = decoder.side * decoder.side
  return [(tuple(weight.shape), 1 if "latent_maps" in weight.path else pixels)
          for weight in decoder.trainable_weights if len(weight.shape) > 1]


def encoder_kernels(encoder: Any) -> list[Kernel]:
  """Of the residual image encoder."""
  kernels, side = [], encoder.side
  for block in encoder.blocks:
    side = -(-side // 2)
    kernels += [(tuple(weight.shape), side * side)
                for weight in block.trainable_weights if len(weight.shape) > 1]
  return kernels + [(tuple(kernel.shape), 1)
                    for kernel in (encoder.collect.kernel, encoder.head.kernel)]


def kernel_flops(kernels: Sequence[Kernel]) -> float:
  """Of the products with these kernels on one image, forwards."""
  return 2.0 * sum(math.prod(shape) * positions for shape, positions in kernels)


def kernel_outputs(kernels: Sequence[Kernel]) -> int:
  """Numbers that the products with these kernels give for one image."""
  return sum(shape[-1] * positions for shape, positions in kernels)


def decoder_flops(decoder: Any) -> float:
  """Of the products of an image decoder on one image, forwards."""
  return kernel_flops(decoder_kernels(decoder))


def encoder_flops(encoder: Any) -> float:
  """Of the products of the residual image encoder on one image, forwards."""
  return kernel_flops(encoder_kernels(encoder))
