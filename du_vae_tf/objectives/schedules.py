"""KL weights by step."""

import dataclasses
from typing import Any, Protocol

import tensorflow as tf


def warmup_steps(epochs: int, num_examples: int, batch_size: int) -> int:
  """Steps of a warm-up: epochs * ceil(num_examples / batch_size)."""
  return epochs * -(-num_examples // batch_size)


class Schedule(Protocol):
  """A KL weight as a function of the step, counted from 1 (int or integer tensor)."""

  def weight(self, step: Any) -> tf.Tensor:
    """The weight at a step: float32 scalar."""

  def settled(self, step: Any) -> Any:
    """Whether the weight is at its final value, that of a schedule which ends, or its largest."""


@dataclasses.dataclass(frozen=True)
class Constant:
  """The same KL weight at every step.

  Source: Higgins et al. 2017.

  Attributes:
    value: the weight, >= 0.
  """

  value: float

  def __post_init__(self) -> None:
    if not self.value >= 0.0:
      raise ValueError(f"`value` must be >= 0. Received: value={self.value}.")

  def weight(self, step: Any) -> tf.Tensor:
    """The weight: float32 scalar."""
    del step
    return tf.constant(self.value, tf.float32)

  def settled(self, step: Any) -> Any:
    """True at every step."""
    return tf.ones_like(step, tf.bool) if tf.is_tensor(step) else True


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
    return tf.where(self.settled(step), tf.ones_like(grown), grown)

  def settled(self, step: Any) -> Any:
    """Whether the weight is 1 at a step counted from 1 (int or integer tensor)."""
    return step >= (0 if self.start == 1.0 else self.total_steps)


@dataclasses.dataclass(frozen=True)
class Cyclical:
  """A linear warm-up that starts again and again.

  In each cycle the weight grows as in `LinearWarmup` and then stays at 1.

  Source: Fu et al. 2019.

  Attributes:
    start: weight before the first step of a cycle, in [0, 1].
    ramp_steps: steps of growth in a cycle.
    cycle_steps: steps of a cycle, at least `ramp_steps` and 1.
  """

  start: float
  ramp_steps: int
  cycle_steps: int

  def __post_init__(self) -> None:
    if not self.cycle_steps >= max(self.ramp_steps, 1):
      raise ValueError(
          "`cycle_steps` must be at least `ramp_steps` and 1. Received:"
          f" cycle_steps={self.cycle_steps}, ramp_steps={self.ramp_steps}.")
    LinearWarmup(self.start, self.ramp_steps)  # Refuses what does not make a warm-up.

  def weight(self, step: Any) -> tf.Tensor:
    """The weight at a step counted from 1 (int or integer tensor): float32 scalar."""
    return LinearWarmup(self.start, self.ramp_steps).weight(self._in_cycle(step))

  def settled(self, step: Any) -> Any:
    """Whether the weight is 1 at a step counted from 1 (int or integer tensor)."""
    return LinearWarmup(self.start, self.ramp_steps).settled(self._in_cycle(step))

  def _in_cycle(self, step: Any) -> Any:
    return (step - 1) % self.cycle_steps + 1
