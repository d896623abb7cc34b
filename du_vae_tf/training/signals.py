"""A polite end: SIGTERM and SIGINT ask the run to save itself and to stop."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from du_vae_tf import console
from du_vae_tf import errors


class StopRequest:
  """Remembers that the process was asked to stop; made in the main thread."""

  def __init__(self) -> None:
    self.requested = False
    self._at_once = False

  def install(self) -> None:
    """Listens from now on. A second SIGINT ends the process at once."""
    signal.signal(signal.SIGTERM, self._receive)
    signal.signal(signal.SIGINT, self._receive)

  def done(self) -> None:
    """Says that nothing is left to stop: Python would die of SIGTERM while it shuts down."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

  @contextlib.contextmanager
  def lifted(self) -> Iterator[None]:
    """In the block a signal ends the process at once: for waits that no request gets through."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    try:
      yield
    finally:
      for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)

  def _receive(self, number: int, frame: FrameType | None) -> None:
    del frame
    self.requested = True
    if self._at_once:
      self.check()
    if number == signal.SIGINT:
      signal.signal(signal.SIGINT, signal.SIG_DFL)
    console.say(f"\n{signal.Signals(number).name} received: stopping at the next step.")

  @contextlib.contextmanager
  def at_once(self) -> Iterator[None]:
    """Work that is not kept if it does not end: a signal ends it wherever it is.

    Raises:
      errors.PreemptedError: a stop was asked for.
    """
    self._at_once = True
    try:
      self.check()
      yield
      # Python passes over what is raised while it cleans up.
      self.check()
    except Exception:
      # What is asked to end may fail in its own way.
      self.check()
      raise
    finally:
      self._at_once = False

  def check(self) -> None:
    """Raises `errors.PreemptedError` if a stop was asked for."""
    if self.requested:
      raise errors.PreemptedError(
          "stopped as asked; the same command continues from the last saved state.")
