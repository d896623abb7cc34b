"""Times one case in a process of its own: `python worker.py CASE 'JSON sizes'`.

Prints one line of JSON when ready, then one for every line `go` of the standard input, until that
ends. It runs in an environment of its own and so imports nothing of du_vae_tf. Linux only.
"""

import json
import sys
import time
from typing import Any

import torch

import cases

SEED = 0


class UsageError(Exception):
  """What the caller asks for cannot be done; one line."""


def peak_bytes() -> int:
  """The most memory that this program ever had.

  Not `ru_maxrss`, which begins at the memory of the process that started this one.
  """
  with open("/proc/self/status", encoding="ascii") as status:
    lines = dict(line.split(":", 1) for line in status)
  return int(lines["VmHWM"].split()[0]) * 1024


def prepare(arguments: list[str]) -> cases.Repeat:
  """One repetition of the case that the arguments describe.

  Raises:
    UsageError: they describe none.
  """
  if len(arguments) != 2:
    raise UsageError(f"expected CASE and JSON sizes. Received: {arguments}.")
  name, text = arguments
  if name not in cases.CASES:
    raise UsageError(f"CASE must be one of {', '.join(cases.CASES)}. Received: {name!r}.")
  try:
    sizes = json.loads(text)
    if not isinstance(sizes, dict):
      raise ValueError(f"a JSON object is wanted. Received: {text}.")
    torch.manual_seed(SEED)
    return cases.CASES[name](sizes)
  except ValueError as error:
    raise UsageError(f"bad sizes of {name}: {error}") from error


def say(message: dict[str, Any]) -> None:
  """Prints one line for the caller."""
  print(json.dumps(message), flush=True)


def serve(repeat: cases.Repeat) -> None:
  """Answers the lines of the standard input.

  Raises:
    UsageError: a line is not `go`.
  """
  repeat()
  version = torch.__version__.split("+")[0]
  say({"ready": True, "description": f"PyTorch {version}, float32"})
  for line in sys.stdin:
    if line.strip() != "go":
      raise UsageError(f"expected 'go'. Received: {line.strip()!r}.")
    begin = time.perf_counter()
    repeat()
    seconds = time.perf_counter() - begin
    say({"seconds": seconds, "peak_bytes": peak_bytes()})


def main() -> int:
  """Runs the worker; returns its exit status."""
  try:
    serve(prepare(sys.argv[1:]))
  except UsageError as error:
    print(" ".join(str(error).split()), file=sys.stderr)
    return 2
  return 0


if __name__ == "__main__":
  sys.exit(main())
