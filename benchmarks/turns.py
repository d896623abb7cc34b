"""Runs the sides of a benchmark in turns and compares them.

Each side has a process of its own, so that its memory is its own; they work one at a time, round by
round, so that whatever else the machine does meets all of them.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import measuring
from benchmarks import peer
from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import machine

_OURS = ("float32", "auto")


def flags(precisions: tuple[str, ...] = ("float32", "bfloat16")) -> list[command_line.Flag]:
  """The flags that every such benchmark has, for work that exists in some precisions."""
  return [
      measuring.flag("rounds", 5, int, "Timed repetitions of each side, in turns."),
      measuring.flag(
          "precision", None, str, "One precision only (default: float32 and that of this machine).",
          choices=precisions),
      measuring.flag(
          "peer", False, bool, "Compare with the same work in PyTorch, installed at first use."),
      measuring.json_flag()]


class Side:
  """A process that repeats some work whenever it is told to.

  Args:
    name: in the table.
    command: of the process.

  Raises:
    errors.UserError: it ends before it is ready.
  """

  def __init__(self, name: str, command: list[str]):
    self.name = name
    self._process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    self.facts = self._read()
    self.rounds: list[dict[str, float]] = []

  def go(self) -> None:
    """One repetition."""
    assert self._process.stdin is not None
    self._process.stdin.write("go\n")
    self._process.stdin.flush()
    self.rounds.append(self._read())

  def close(self) -> None:
    """Ends the process."""
    self._process.communicate()

  @property
  def seconds(self) -> float:
    """Median of the rounds."""
    return statistics.median(row["seconds"] for row in self.rounds)

  def _read(self) -> dict[str, Any]:
    assert self._process.stdout is not None
    line = self._process.stdout.readline()
    if not line:
      raise errors.UserError(
          f"{self.name}: ended with status {self._process.wait()}, see above; smaller sizes need"
          " less memory.")
    values: dict[str, Any] = json.loads(line)
    return values


def worker(name: str, case: str, sizes: Mapping[str, Any], precision: str) -> Side:
  """The side that does the work of a benchmark's module in a process of its own."""
  return Side(name, [sys.executable, "-m", "benchmarks.worker", f"benchmarks.{case}",
                     json.dumps(dict(sizes)), precision])


def take_turns(sides: Sequence[Side], rounds: int) -> None:
  """So many repetitions of each side, one at a time."""
  for _ in range(rounds):
    for side in sides:
      side.go()


def compare(case: str, sizes: Mapping[str, Any], options: Mapping[str, Any],
            peer_sizes: Mapping[str, Any] | None, share: float = 1.0) -> None:
  """Measures the sides of a benchmark, prints a table and writes it where asked.

  Args:
    case: the module of the benchmark, which has `prepare(sizes, policy) -> work.Work`; also the
      name of the peer's case.
    sizes: of the work.
    options: values of `flags()`.
    peer_sizes: what the peer is given; None where it cannot do this work.
    share: of the work that one repetition of the peer does.

  Raises:
    errors.UserError: there is no peer for the work, or a side ends early.
  """
  if options["peer"] and peer_sizes is None:
    raise errors.UserError("--peer: has no such network; it does --decoder=pixel_cnn.")
  sides: list[Side] = []
  theirs = None
  try:
    for precision in (options["precision"],) if options["precision"] else _OURS:
      sides.append(worker(f"du_vae_tf, {precision}", case, sizes, precision))
      if sides[-1].facts["precision"] in [side.facts["precision"] for side in sides[:-1]]:
        sides.pop().close()
      else:
        sides[-1].name = f"du_vae_tf, {sides[-1].facts['precision']}"
    if options["peer"]:
      theirs = Side("PyTorch", peer.command(case, peer_sizes or {}))
      theirs.name = theirs.facts["description"]
    take_turns([*sides, *([theirs] if theirs else [])], options["rounds"])
  finally:
    for side in (*sides, theirs):
      if side is not None:
        side.close()
  rows = [_row(side, theirs, share) for side in sides]
  if theirs is not None:
    rows.append(_peer_row(theirs, sides[0], share))
  _show(case, sizes, rows)
  if options[measuring.JSON_FLAG] is not None:
    files.write_text_atomically(options[measuring.JSON_FLAG], json.dumps(
        {"case": case, "sizes": dict(sizes), "rounds": options["rounds"],
         "processor": machine.processor(), "sides": rows}, indent=2) + "\n")


def _row(side: Side, theirs: Side | None, share: float) -> dict[str, Any]:
  facts = side.facts
  rate = statistics.median(row["product_rate"] for row in side.rounds)
  row = {
      "side": side.name, "unit": facts["unit"], "seconds": side.seconds,
      "units_per_second": facts["units"] / side.seconds,
      "gflops": facts["flops"] / side.seconds / 1e9, "roofline_gflops": rate / 1e9,
      "of_roofline": facts["flops"] / side.seconds / rate,
      "mib_above_model": facts["bytes_above_model"] / 2**20,
      "model_mib": facts["model_bytes"] / 2**20}
  if theirs is not None:
    row["times_peer"] = statistics.median(
        other["seconds"] / share / mine["seconds"]
        for mine, other in zip(side.rounds, theirs.rounds, strict=True))
  return row


def _peer_row(theirs: Side, ours: Side, share: float) -> dict[str, Any]:
  seconds = theirs.seconds / share
  return {"side": theirs.name, "unit": ours.facts["unit"], "seconds": seconds,
          "units_per_second": ours.facts["units"] / seconds, "times_peer": 1.0}


def _show(case: str, sizes: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
  described = ", ".join(f"{name} {value}" for name, value in sizes.items() if value is not None)
  console.say(f"{case}: {described}")
  console.say(machine.processor())
  unit = rows[0]["unit"]
  console.say(f"{'':<26}{unit + '/s':>16}{'seconds':>10}{'GFLOP/s':>10}{'roofline':>10}"
              f"{'of it':>8}{'MiB':>8}{'x peer':>8}")
  for row in rows:
    line = f"{row['side']:<26}{row['units_per_second']:>16.4g}{row['seconds']:>10.4g}"
    if "gflops" in row:
      line += (f"{row['gflops']:>10.0f}{row['roofline_gflops']:>10.0f}"
               f"{100 * row['of_roofline']:>7.0f}%{row['mib_above_model']:>8.0f}")
    else:
      line += " " * 36
    console.say(line + (f"{row['times_peer']:>8.2f}" if "times_peer" in row else ""))
  console.say("Medians of rounds in turns; MiB: most memory above libraries and model in the first"
              " repetition;\nroofline: a product of matrices of 2048 x 2048 in the same precision.")
