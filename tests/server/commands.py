"""The real command `serve`, started by a test."""

import contextlib
import dataclasses
import re
import subprocess
from collections.abc import Iterator

from tests import binaries
from tests.server import running_server


@dataclasses.dataclass
class Served:
  """A server that is ready.

  Attributes:
    process: of the command.
    said: its output so far.
    address: of its page.
    client: sends requests to it.
  """

  process: subprocess.Popen
  said: str
  address: str
  client: running_server.Client

  def end(self, number: int) -> tuple[int, str, str]:
    """Sends a signal; gives the exit status, and what was said since on stdout and stderr."""
    self.process.send_signal(number)
    out, err = self.process.communicate(timeout=60)
    return self.process.returncode, out, err


@contextlib.contextmanager
def serving(*flags: str, cwd: str) -> Iterator[Served]:
  """The command on a free port; it is killed at the end of the block if it still runs."""
  with binaries.start("serve", "--port=0", *flags, cwd=cwd) as process:
    try:
      lines = [process.stdout.readline() for _ in range(3)]  # Loading, page, an example.
      found = re.search(r"http://127\.0\.0\.1:(\d+)/", lines[1])
      if found is None:
        process.kill()
        raise AssertionError(f"not ready: {lines}, {process.stderr.read()}")
      yield Served(
          process, "".join(lines), found[0], running_server.Client(int(found[1])))
    finally:
      process.kill()
