"""Loads packages without the chatter that their libraries print while they are loaded."""

import importlib
import os
import sys
import tempfile


def load_tensorflow() -> None:
  """`load_quietly` of TensorFlow, whose libraries stay quiet later, too."""
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read by the libraries from then on.
  load_quietly("tensorflow")


def load_quietly(package: str) -> None:
  """Imports a package; what its libraries print is shown only if the import fails.

  The libraries write to the file descriptor before any log level applies, so it is the descriptor
  that is turned aside.

  Args:
    package: its name.
  """
  sys.stderr.flush()
  kept = os.dup(2)
  with tempfile.TemporaryFile() as aside:
    os.dup2(aside.fileno(), 2)
    try:
      importlib.import_module(package)
    except Exception:
      aside.seek(0)
      os.write(kept, aside.read())
      raise
    finally:
      os.dup2(kept, 2)
      os.close(kept)
