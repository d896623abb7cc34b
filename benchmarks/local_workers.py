"""Several workers on this machine, each a process of its own."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from du_vae_tf import errors


def environments(count: int) -> list[dict[str, str]]:
  """What each of so many workers of `multi_worker` has in its environment besides."""
  with contextlib.ExitStack() as held:
    sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
  return [{"TF_CONFIG": json.dumps({
      "cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})}
          for index in range(count)]


def run(module: str, options: Mapping[str, Any], extras: Sequence[dict[str, str]]) -> None:
  """Starts `python -m module JSON` once for each addition to the environment, and waits.

  Raises:
    errors.UserError: a process failed.
  """
  processes = []
  for extra in extras:
    processes.append(subprocess.Popen(
        [sys.executable, "-m", module, json.dumps(dict(options))],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"}
        | extra))
  if any([process.wait() for process in processes]):
    raise errors.UserError(f"{module}: a process failed; see above.")
