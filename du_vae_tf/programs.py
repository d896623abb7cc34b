"""Runs the project's own programs, one after the other or several at once."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from types import TracebackType
from typing import Any, Self, TypeVar

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import parent_process

Result = TypeVar("Result")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Programs:
  """Starts programs, and passes on to them what asks this process to stop.

  A context manager, to be entered in the main thread, where it listens to signals; `call` may be
  used from several threads. Programs end with this process, even if it is killed.

  Args:
    parallel: how many programs run at once; they share the processor's cores.
  """

  def __init__(self, parallel: int = 1):
    share = max(1, (os.cpu_count() or 1) // parallel)
    self._environment = (
        (threads(share) if parallel > 1 else {}) | os.environ | parent_process.environment())
    self._lock = threading.Lock()
    self._running: set[subprocess.Popen] = set()
    self._stopped: int | None = None

  def __enter__(self) -> Self:
    self._previous = [
        signal.signal(number, lambda number, _: self.stop(number)) for number in _SIGNALS]
    return self

  def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
               traceback: TracebackType | None) -> None:
    for number, handler in zip(_SIGNALS, self._previous, strict=True):
      signal.signal(number, handler)

  def stop(self, number: int = signal.SIGTERM) -> None:
    """Passes a signal on; nothing is begun after it.

    Ctrl-C reaches the programs as well; either way they save themselves before this one ends.
    """
    self._stopped = number
    for process in list(self._running):
      process.send_signal(number)

  def check(self) -> None:
    """Raises `errors.PreemptedError` if this process was asked to stop."""
    if self._stopped is not None:
      raise errors.PreemptedError(STOPPED)

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
        self.check()
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


def threads(count: int) -> dict[str, str]:
  """The environment of a program that is to use so many cores."""
  return dict.fromkeys(
      ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), str(count))


def in_parallel(tasks: Sequence[Callable[[], Result]], parallel: int,
                on_result: Callable[[Result, list[Result]], object]) -> list[Result]:
  """Does tasks, several at once, begun in their order.

  Args:
    tasks: each of which runs programs.
    parallel: how many are done at once.
    on_result: told, in this thread, the result of each task that is done, and all results so far
      in the order of the tasks.

  Returns:
    The results in the order of the tasks.
  """
  results: dict[int, Result] = {}
  with futures.ThreadPoolExecutor(parallel) as pool:
    running = {pool.submit(task): number for number, task in enumerate(tasks)}
    for future in futures.as_completed(running):
      result = results[running[future]] = future.result()
      on_result(result, [results[number] for number in sorted(results)])
  return [results[number] for number in range(len(tasks))]


def last_line(log: pathlib.Path) -> str:
  """The last thing that was said: after a failure, why."""
  lines = log.read_text(encoding="utf-8").strip().splitlines()
  return lines[-1] if lines else "nothing was said"
