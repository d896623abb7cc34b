"""Runs the project's own programs, one after the other or several at once."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from du_vae_tf import command_line
from du_vae_tf import errors

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Programs:
  """Starts programs, and passes on to them what asks this process to stop.

  A context manager, to be entered in the main thread; `call` may be used from several threads.

  Args:
    parallel: how many programs run at once; they share the processor's cores.
  """

  def __init__(self, parallel: int = 1):
    self._environment = dict(os.environ)
    if parallel > 1:
      threads = str(max(1, (os.cpu_count() or 1) // parallel))
      for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        self._environment.setdefault(name, threads)
    self._lock = threading.Lock()
    self._running: set[subprocess.Popen] = set()
    self._stopped: int | None = None

  def __enter__(self) -> Self:
    self._previous = [signal.signal(number, self._stop) for number in _SIGNALS]
    return self

  def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
               traceback: TracebackType | None) -> None:
    for number, handler in zip(_SIGNALS, self._previous, strict=True):
      signal.signal(number, handler)

  def _stop(self, number: int, _: Any) -> None:
    # Ctrl-C reaches the programs as well; either way they save themselves before this one ends.
    self._stopped = number
    for process in list(self._running):
      process.send_signal(number)

  def call(self, program: str, values: Mapping[str, Any], log: pathlib.Path) -> int:
    """Runs a program to its end.

    Args:
      program: name of its module.
      values: its flags.
      log: where what it says is added.

    Returns:
      The exit status.

    Raises:
      errors.PreemptedError: it, or this process, was asked to stop.
    """
    with open(log, "a", encoding="utf-8") as output:
      with self._lock:
        if self._stopped is not None:
          raise errors.PreemptedError(STOPPED)
        process = subprocess.Popen(
            [sys.executable, "-m", f"du_vae_tf.{program}", *command_line.arguments(values)],
            stdout=output, stderr=subprocess.STDOUT, env=self._environment)
        self._running.add(process)
        if self._stopped is not None:  # Since it was last asked: the new process was not told.
          process.send_signal(self._stopped)
      status = process.wait()
      self._running.discard(process)
    if status == command_line.EXIT_PREEMPTED or status < 0:
      raise errors.PreemptedError(STOPPED)
    return status


STOPPED = "stopped as asked; the same command goes on where it was."


def last_line(log: pathlib.Path) -> str:
  """The last thing that was said: after a failure, why."""
  lines = log.read_text(encoding="utf-8").strip().splitlines()
  return lines[-1] if lines else "nothing was said"
