"""What a user reads on the terminal while a run goes on."""

import sys
import time
from typing import Any


def say(text: str = "") -> None:
  """One line for the user, at once."""
  sys.stdout.write(f"{text}\n")
  sys.stdout.flush()


def shows_bars() -> bool:
  """Whether the output is a terminal, where a line can be written over."""
  return sys.stdout.isatty()


class Bar:
  """A progress bar with the expected time, for long work that counts units.

  Args:
    label: what is being done, printed before the expected time.
    check: called at every update; raises to interrupt the work.
  """

  def __init__(self, label: str, check: Any = None):
    self._label = label
    self._check = check or (lambda: None)
    self._done = 0
    self._bar: Any = None

  def start(self, total: int, expected_seconds: float) -> None:
    """Announces the work.

    Args:
      total: number of units.
      expected_seconds: estimate for all of them.
    """
    import keras  # Imported late: this module serves quick commands too.

    say(f"{self._label}: about {duration(expected_seconds)}")
    if shows_bars():
      self._bar = keras.utils.Progbar(total, unit_name="example")

  def update(self, count: int) -> None:
    """Says that `count` more units are done."""
    self._check()
    self._done += count
    if self._bar is not None:
      self._bar.update(self._done)


def duration(seconds: float) -> str:
  """Seconds in the largest fitting unit, e.g. 45 s, 3.5 min, 2.0 h."""
  if seconds < 90:
    return f"{seconds:.0f} s"
  return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Stopwatch:
  """Seconds since it was made or since the last lap."""

  def __init__(self) -> None:
    self._start = time.monotonic()

  @property
  def seconds(self) -> float:
    """Seconds so far."""
    return time.monotonic() - self._start

  def lap(self) -> float:
    """Seconds so far; starts again from zero."""
    elapsed = self.seconds
    self._start += elapsed
    return elapsed
