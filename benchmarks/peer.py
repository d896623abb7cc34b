"""The same work in PyTorch, in an environment of its own that is made at first use."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from du_vae_tf import console
from du_vae_tf import errors

_FOLDER = pathlib.Path(__file__).resolve().parent / "peers"
_LOCK = _FOLDER / "requirements.lock"


def command(case: str, sizes: Mapping[str, Any]) -> list[str]:
  """What starts the peer of a benchmark; see `peers/worker.py` for what it answers.

  Args:
    case: name of the benchmark.
    sizes: of the work.

  Raises:
    errors.UserError: the environment cannot be made.
  """
  return [str(_python()), str(_FOLDER / "worker.py"), case, json.dumps(dict(sizes))]


def _python() -> pathlib.Path:
  """The interpreter of the environment that the lock file describes."""
  digest = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:8]
  cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "du_vae_tf"
  folder = cache / f"peers-{digest}"
  if not folder.exists():
    console.say(f"Installing the packages of {_LOCK.name} for --peer (once) in {folder}")
    unfinished = cache / f"unfinished-{os.getpid()}"
    try:
      _run([sys.executable, "-m", "venv", str(unfinished)])
      _run([str(unfinished / "bin" / "python"), "-m", "pip", "install", "--quiet",
            "--disable-pip-version-check", "--require-hashes", "--requirement", str(_LOCK)])
      unfinished.rename(folder)
    finally:
      shutil.rmtree(unfinished, ignore_errors=True)
  return folder / "bin" / "python"


def _run(arguments: list[str]) -> None:
  result = subprocess.run(arguments, capture_output=True, text=True, check=False)
  if result.returncode:
    reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
    raise errors.UserError(
        f"--peer: the packages of {_LOCK} cannot be installed ({reason}); the processor build of"
        " PyTorch comes from PyTorch's own package index, which pip must know.")
