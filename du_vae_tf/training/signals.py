"""A polite end: SIGTERM and SIGINT ask the run to save itself and to stop."""

import signal
from types import FrameType

from du_vae_tf import console
from du_vae_tf import errors


class StopRequest:
  """Remembers that the process was asked to stop; made in the main thread."""

  def __init__(self) -> None:
    self.requested = False

  def install(self) -> None:
    """Listens from now on. A second SIGINT ends the process at once."""
    signal.signal(signal.SIGTERM, self._receive)
    signal.signal(signal.SIGINT, self._receive)

  def _receive(self, number: int, frame: FrameType | None) -> None:
    del frame
    self.requested = True
    if number == signal.SIGINT:
      signal.signal(signal.SIGINT, signal.SIG_DFL)
    console.say(f"\n{signal.Signals(number).name} received: stopping at the next step.")

  def check(self) -> None:
    """Raises `errors.PreemptedError` if a stop was asked for."""
    if self.requested:
      raise errors.PreemptedError(
          "stopped as asked; the same command continues from the last saved state.")
