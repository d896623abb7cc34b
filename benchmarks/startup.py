"""How soon the commands answer: `bazel run //benchmarks:startup`."""

import pathlib
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks import measuring

USAGE = """
Starts the real command `train` and prints the seconds until `--help` and a mistaken flag are
answered, and until a training on a handful of sentences has taken its first step and passed over
its validation data once: with nothing prepared, and again with prepared data. Linux only.

  bazel run //benchmarks:startup -- [--flag=value ...]
"""

FLAGS = [
    measuring.flag("repetitions", 3, int, "Of each start; the median is printed."),
    measuring.json_flag()]

_SENTENCES = 16


def seconds_until(arguments: list[str], line: str, status: int) -> float:
  """Seconds from the start of `train` until it prints a line that begins so; then to its end.

  Raises:
    RuntimeError: it prints no such line, or ends with another status.
  """
  begin = time.monotonic()
  with subprocess.Popen([sys.executable, "-m", "du_vae_tf.train", *arguments], text=True,
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
    assert process.stdout is not None
    seen = next((time.monotonic() - begin for text in process.stdout if text.startswith(line)),
                None)
    process.stdout.read()
  if seen is None or process.returncode != status:
    raise RuntimeError(
        f"train {' '.join(arguments)} must print {line!r} and end with {status}. Received:"
        f" status {process.returncode}.")
  return seen


def measure(folder: pathlib.Path, sizes: dict[str, Any]) -> dict[str, float]:
  """Medians of all starts."""
  for split in ("train", "valid", "test"):
    (folder / f"{split}.txt").write_text("a few words of text\n" * _SENTENCES, encoding="utf-8")
  training = [f"--{split}_file={folder}/{split}.txt" for split in ("train", "valid", "test")]
  training += ["--dataset=text", "--hidden_size=8", "--embedding_size=8", "--latent_dim=2",
               "--epochs=1", "--iw_samples=1", f"--run_dir={folder}/run", "--overwrite"]
  figures: dict[str, list[float]] = {}
  for number in range(sizes["repetitions"]):
    cold = [*training, f"--data_dir={folder}/{number}"]
    for name, arguments, line, status in (
        ("help", ["--help"], "Trains", 0), ("mistake", ["--epochs=x"], "--epochs=x", 2),
        ("first_epoch_unprepared", cold, "epoch 1/1", 0),
        ("first_epoch", cold, "epoch 1/1", 0)):
      figures.setdefault(f"seconds_to_{name}", []).append(seconds_until(arguments, line, status))
  return {name: statistics.median(values) for name, values in figures.items()}


def run() -> None:
  """Starts the program."""
  measuring.run_in_folder(measure, FLAGS, USAGE)


if __name__ == "__main__":
  run()
