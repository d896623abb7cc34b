"""Programs that end with the process that started them, even if it is killed."""

import ctypes
import os
import signal
import sys

_VARIABLE = "DU_VAE_TF_PARENT"
_PR_SET_PDEATHSIG = 1


def environment() -> dict[str, str]:
  """What a program must find in its environment to follow this process."""
  return {_VARIABLE: str(os.getpid())}


def follow() -> None:
  """Asks Linux for SIGTERM at the end of the parent, if the parent wants to be followed.

  What Linux counts as the parent is the thread that started this process.
  """
  parent = os.environ.pop(_VARIABLE, None)
  if parent is None or sys.platform != "linux":
    return
  ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
  if os.getppid() != int(parent):  # It ended before Linux was asked.
    os.kill(os.getpid(), signal.SIGTERM)
