"""Which settings the runs of a sweep have: every combination of values, or random draws."""

import dataclasses
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import grids

_LOG = "log"
# Digits of a number that is drawn from a range of real numbers.
_DIGITS = 4
# After so many draws, most of which were there before, there are no others.
_DRAWS_PER_RUN = 1000


@dataclasses.dataclass(frozen=True)
class Range:
  """Numbers from `low` to `high`, both included.

  Attributes:
    low: written as on the command line.
    high: the same.
    kind: of the numbers: int or float.
    is_log: whether their logarithms, and not they themselves, are uniform.
  """

  low: str
  high: str
  kind: type
  is_log: bool

  def draw(self, generator: random.Random) -> str:
    """One of them, as on the command line."""
    low, high = self.kind(self.low), self.kind(self.high)
    if self.is_log:
      drawn = math.exp(generator.uniform(math.log(low), math.log(high)))
    elif self.kind is int:
      return str(generator.randint(low, high))
    else:
      drawn = generator.uniform(low, high)
    rounded = round(drawn) if self.kind is int else float(f"{drawn:.{_DIGITS}g}")
    return str(min(max(rounded, low), high))  # Rounding may lead out.


# What a flag may be in a run: written-out values, and ranges.
Choices = Sequence[str | Range]


def grid(explicit: Mapping[str, Any]) -> list[dict[str, str]]:
  """The values of each run, by flag, of the flags that have several: every combination.

  Raises:
    errors.UserError: no flag has several values, one has a range, or a combination is no run.
  """
  for name, choices in _choices(explicit).items():
    for choice in choices:
      if isinstance(choice, Range):
        raise errors.UserError(f"--{name}={explicit[name]}: a range needs --search=random.")
  return grids.combinations(explicit)


def draws(explicit: Mapping[str, Any], count: int, seed: int) -> list[dict[str, str]]:
  """The values of each run, by flag, of the flags that have several: different random draws.

  A flag is one of its values or ranges with equal probability, and then a number of the range. The
  first draws of a larger count are those of a smaller one.

  Args:
    explicit: what the user gave.
    count: of runs.
    seed: of the draws.

  Raises:
    errors.UserError: no flag has several values, there are not so many different runs, or a draw
      or an end of a range is no value of a run.
  """
  several = {name: choices for name, choices in _choices(explicit).items()
             if len(choices) > 1 or isinstance(choices[0], Range)}
  if not several:
    raise errors.UserError(
        "no flag has several values: give some, e.g. --gamma=0.4,0.5 or --gamma=0.4:0.7.")
  _check_ends(explicit, several)
  generator = random.Random(seed)
  chosen: list[dict[str, str]] = []
  for _ in range(_DRAWS_PER_RUN * count):
    values = {name: _draw(generator.choice(choices), generator)
              for name, choices in several.items()}
    if values not in chosen:
      grids.check({**explicit, **values})
      chosen.append(values)
    if len(chosen) == count:
      return chosen
  raise errors.UserError(
      f"--trials={count}: only {len(chosen)} different runs can be drawn; --search=grid trains"
      " every combination.")


def _choices(explicit: Mapping[str, Any]) -> dict[str, Choices]:
  """What each flag may be that may differ from run to run."""
  kinds = {spec.name: spec.type for spec in command_line.config_flags()}
  return {name: [_choice(name, text, kinds[name]) for text in value.split(",")]
          for name, value in explicit.items() if grids.may_differ(name)}


def _choice(name: str, text: str, kind: type) -> str | Range:
  """A value, or for a flag of numbers a range `low:high` or `log:low:high`."""
  if kind not in (int, float) or ":" not in text:
    return text
  head, *rest = text.split(":")
  is_log = head == _LOG
  low, high = rest if is_log and len(rest) == 2 else (head, *rest) if len(rest) == 1 else ("", "")
  try:
    in_order = math.isfinite(kind(low)) and math.isfinite(kind(high)) and kind(low) < kind(high)
  except ValueError:
    in_order = False
  if not in_order or is_log and not kind(low) > 0:
    numbers = "whole numbers" if kind is int else "numbers"
    raise errors.UserError(
        f"--{name}={text}: must be LOW:HIGH, two {numbers} of which the second is larger, or"
        " log:LOW:HIGH with LOW above 0.")
  return Range(low, high, kind, is_log)


def _draw(choice: str | Range, generator: random.Random) -> str:
  return choice.draw(generator) if isinstance(choice, Range) else choice


def _check_ends(explicit: Mapping[str, Any], several: Mapping[str, Choices]) -> None:
  """Refuses a range whose ends are no values, whatever is drawn from it."""
  first = {name: choices[0].low if isinstance(choices[0], Range) else choices[0]
           for name, choices in several.items()}
  for name, choices in several.items():
    for choice in choices:
      for end in (choice.low, choice.high) if isinstance(choice, Range) else (choice,):
        grids.check({**explicit, **first, name: end})
