"""What a user reads on the terminal while a run goes on."""

import sys
import time
from typing import Any

_speaks = True


def mute() -> None:
  """Says nothing more: another process speaks for this one."""
  global _speaks
  _speaks = False


def say(text: str = "") -> None:
  """One line for the user, at once."""
  if not _speaks:
    return
  sys.stdout.write(f"{text}\n")
  sys.stdout.flush()


def shows_bars() -> bool:
  """Whether the output is a terminal, where a line can be written over."""
  return _speaks and sys.stdout.isatty()


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


class Countdown:
  """How far work of a known number of units is, how fast it goes and how long it still takes.

  On a terminal a line that is written over, else a line now and then.

  Args:
    total: units of all the work.
    done: units that were done before.
    unit: what is counted, in the plural.
  """

  def __init__(self, total: int, done: int, unit: str):
    self._total = total
    self._done = done
    self._unit = unit
    self._since_start, self._since_line = Stopwatch(), Stopwatch()
    self._counted = 0
    self._has_line = False
    self._pause = 0.5 if shows_bars() else 10.0

  @property
  def rate(self) -> float:
    """Units a second since the start."""
    return self._counted / max(self._since_start.seconds, 1e-9)

  def update(self, count: int) -> None:
    """Says that `count` more units are done."""
    self._counted += count
    if count and self._since_line.seconds > self._pause:
      self._since_line.lap()
      self._say()

  def _say(self) -> None:
    done = self._done + self._counted
    left = (self._total - done) / self.rate
    text = (f"{done} of {self._total} {self._unit} ({done / self._total:.0%}),"
            f" {self.rate:.0f} a second, about {duration(left)} left")
    if shows_bars():
      self._has_line = True
      sys.stdout.write(f"\r{text:<79}")
      sys.stdout.flush()
    else:
      say(text)

  def finish(self) -> None:
    """Leaves the line that was written over."""
    if self._has_line:
      sys.stdout.write(f"\r{'':<79}\r")
      sys.stdout.flush()


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
