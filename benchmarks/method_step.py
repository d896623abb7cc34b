"""What a method costs in training: `bazel run //benchmarks:method_step`."""

import json
import statistics
from typing import Any

from benchmarks import image_step
from benchmarks import measuring
from benchmarks import text_step
from benchmarks import turns
from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import files
from du_vae_tf import machine
from du_vae_tf import methods

USAGE = """
Takes training steps of du_vae and of another method in turns, models and batches as in text_step
or image_step, and prints what the second takes over the first. Linux only.

  bazel run //benchmarks:method_step -- [--method=sa_vae] [--modality=image] [--flag=value ...]
"""

CASES = {"text": ("text_step", text_step.SIZES), "image": ("image_step", image_step.SIZES)}
BASE = "du_vae"

_KNOWN = {spec.name: spec for _, specs in CASES.values() for spec in specs}
SPECS = [
    measuring.flag("modality", "text", str, "What is trained on.", tuple(CASES)),
    measuring.flag("method", "du_iaf", str, f"What is compared with {BASE}.",
                   tuple(name for name in methods.METHODS if name != BASE)),
    measuring.flag("rounds", 5, int, "Timed repetitions of each side, in turns."),
    measuring.flag("precision", "auto", str, "Of the products.", ("auto", "float32", "bfloat16")),
    measuring.json_flag(),
    *(measuring.flag(name, None, spec.type, f"{spec.text[:-1]} (default: of the benchmark).",
                     spec.choices)
      for name, spec in _KNOWN.items() if name != "method")]


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  options, = measuring.split(explicit, SPECS)
  case, specs = CASES[options["modality"]]
  sizes, = measuring.split(explicit, specs)
  sides: list[turns.Side] = []
  try:
    for method in (BASE, options["method"]):
      sides.append(turns.worker(method, case, sizes | {"method": method}, options["precision"]))
    turns.take_turns(sides, options["rounds"])
  finally:
    for side in sides:
      side.close()
  base, other = sides
  ratio = statistics.median(
      theirs["seconds"] / ours["seconds"]
      for ours, theirs in zip(base.rounds, other.rounds, strict=True))
  rows = [{"method": side.name, "precision": side.facts["precision"], "seconds": side.seconds,
           "weights": side.facts["model_bytes"] // 4,
           "mib_above_model": side.facts["bytes_above_model"] / 2**20} for side in sides]
  console.say(f"{case}: " + ", ".join(
      f"{name} {value}" for name, value in sizes.items() if name != "method"))
  console.say(machine.processor())
  console.say(f"{'':<26}{'seconds':>10}{'weights':>14}{'MiB':>8}")
  for row in rows:
    console.say(f"{row['method'] + ', ' + row['precision']:<26}{row['seconds']:>10.4g}"
                f"{row['weights']:>14,}{row['mib_above_model']:>8.0f}")
  console.say(f"{options['method']} over {BASE}: {ratio:.3g}, median of rounds in turns")
  if options[measuring.JSON_FLAG] is not None:
    files.write_text_atomically(options[measuring.JSON_FLAG], json.dumps(
        {"case": case, "sizes": sizes, "rounds": options["rounds"],
         "processor": machine.processor(), "sides": rows, "ratio": ratio}, indent=2) + "\n")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
