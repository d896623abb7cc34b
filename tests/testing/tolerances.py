"""Bounds for tests, derived and not guessed."""

import math

# Distance from 1 to the next number, relative rounding error of one operation.
FLOAT32_EPSILON = 2.0**-23
BFLOAT16_EPSILON = 2.0**-7


def hoeffding_radius(num_draws: int, false_fail_rate: float = 1e-9) -> float:
  """Half-width that a mean of independent draws in [0, 1] exceeds with at most that probability."""
  return math.sqrt(math.log(2.0 / false_fail_rate) / (2.0 * num_draws))
