"""KL weights by step."""

import dataclasses
from typing import Any

import tensorflow as tf


def warmup_steps(epochs: int, num_examples: int, batch_size: int) -> int:
  """Steps of a warm-up: epochs * ceil(num_examples / batch_size)."""
  return epochs * -(-num_examples // batch_size)


@dataclasses.dataclass(frozen=True)
class LinearWarmup:
  """A KL weight that grows linearly and is exactly 1 from its last step on.

      weight(step) = min(1, start + (1 - start) * step / total_steps)

  It is computed from the integer step, not accumulated, so no rounding shifts the step at which
  it reaches 1. Source: Shen et al. 2021, section 4.1 (linear over the first ten epochs).

  Attributes:
    start: weight before the first step, in [0, 1]; 1 means no warm-up.
    total_steps: 0 means no warm-up.
  """

  start: float
  total_steps: int

  def __post_init__(self) -> None:
    if not 0.0 <= self.start <= 1.0:
      raise ValueError(f"`start` must be in [0, 1]. Received: start={self.start}.")
    if self.total_steps < 0:
      raise ValueError(
          f"`total_steps` must be at least 0. Received: total_steps={self.total_steps}.")

  def weight(self, step: Any) -> tf.Tensor:
    """The weight at a step counted from 1 (int or integer tensor): float32 scalar."""
    done = tf.cast(step, tf.float64) / max(self.total_steps, 1)
    grown = tf.cast(self.start + (1.0 - self.start) * done, tf.float32)
    return tf.where(self.finished(step), tf.ones_like(grown), grown)

  def finished(self, step: Any) -> Any:
    """Whether the weight is 1 at a step counted from 1 (int or integer tensor)."""
    return step >= (0 if self.start == 1.0 else self.total_steps)
