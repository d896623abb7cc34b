"""Memory that a very large text file takes: `bazel run //benchmarks:streaming`."""

import pathlib
import shutil
import threading
import time
from types import TracebackType
from typing import Any, Self

from benchmarks import measuring
from du_vae_tf import config as config_lib
from du_vae_tf import startup

USAGE = """
Writes a text file of --gigabytes, prepares it as a training does, reads batches of an epoch from
it, looks whether each row is the one that its words say, and prints times, room on the disk and
the memory that the process had for itself (without the pages of files, which the system takes
back). It needs about three times the size of the file on the disk. Linux only.

  bazel run //benchmarks:streaming -- [--gigabytes=20] [--flag=value ...]
"""

FLAGS = [
    measuring.flag("gigabytes", 20.0, float, "Size of the training file, 10^9 bytes."),
    measuring.flag("words", 190, int, "Words of a sentence, beside those that say its row."),
    measuring.flag("batches", 2000, int, "Batches that are read."),
    measuring.json_flag()]

# A sentence begins with its row, written in words for the digits of this base.
_BASE, _DIGITS = 1000, 4
_VOCABULARY = 20_000
_SENTENCES, _HELD_OUT = 4096, 100
_SECONDS_BETWEEN_LOOKS = 0.2


class _Memory:
  """Looks at the memory of this process from the beginning of a block to its end.

  Attributes:
    curve: seconds since the beginning, and MiB.
  """

  def __init__(self) -> None:
    self.curve: list[tuple[float, float]] = []
    self._done = threading.Event()
    self._thread = threading.Thread(target=self._watch, daemon=True)

  @property
  def peak(self) -> float:
    """The most, MiB."""
    return max(mib for _, mib in self.curve)

  def _watch(self) -> None:
    begin = time.monotonic()
    ended = False
    while not ended:
      self.curve.append((time.monotonic() - begin, measuring.own_bytes() / 2**20))
      ended = self._done.wait(_SECONDS_BETWEEN_LOOKS)

  def __enter__(self) -> Self:
    self._thread.start()
    return self

  def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
               traceback: TracebackType | None) -> None:
    self._done.set()
    self._thread.join()


def measure(folder: pathlib.Path, sizes: dict[str, Any]) -> dict[str, Any]:
  """Writes, prepares and reads the file in a folder."""
  startup.load_tensorflow()
  from du_vae_tf.data import corpus as corpus_lib

  files = make_sentences(folder, sizes)
  config = config_lib.resolve(
      {"dataset": "text", "method": "vae", "vocab_size": _VOCABULARY,
       "data_dir": str(folder / "cache"),
       **{f"{split}_file": str(path) for split, path in files.items()}}, {})
  before, begin = measuring.own_bytes() / 2**20, time.monotonic()
  with _Memory() as preparing:
    corpus: Any = corpus_lib.load(config)
  prepared = time.monotonic()
  with _Memory() as reading:
    rows = _read(corpus, config, sizes["batches"])
  seconds = time.monotonic() - prepared
  room = sum(path.stat().st_size for path in (folder / "cache").rglob("*") if path.is_file())
  return {
      "rows": corpus.splits["train"].num_examples,
      "mib_before": before,
      "seconds_to_prepare": prepared - begin,
      "peak_mib_preparing": preparing.peak,
      "gigabytes_prepared": room / 1e9,
      "rows_read": rows,
      "seconds_to_read": seconds,
      "peak_mib_reading": reading.peak,
      "curve_preparing": preparing.curve,
      "curve_reading": reading.curve}


def _read(corpus: Any, config: config_lib.RunConfig, num_batches: int) -> int:
  """Reads batches of the first epoch.

  Returns:
    Number of rows.

  Raises:
    ValueError: a row has other words than its number says.
  """
  rows = 0
  for batch in corpus.train_batches(config).dataset(0).take(num_batches):
    for row, ids in zip(batch["row"].numpy().tolist(), batch["ids"].numpy(), strict=True):
      rows += 1
      said = corpus.vocabulary.decode(ids[1:1 + _DIGITS])
      if said != _numbered(row).decode():
        raise ValueError(f"a row must have its own words. Received: row {row}: {said}.")
  return rows


def _numbered(row: int) -> bytes:
  digits = (row // _BASE**place % _BASE for place in range(_DIGITS))
  return b" ".join(b"n%d" % digit for digit in digits)


def make_sentences(folder: pathlib.Path, sizes: dict[str, Any]) -> dict[str, pathlib.Path]:
  """Writes numbered sentences whose word of rank r has a frequency of about 1 / r."""
  import numpy as np

  ranks = _VOCABULARY ** np.random.default_rng(0).random((_SENTENCES, sizes["words"]))
  ends = [" ".join(map("word{}".format, row.tolist())).encode() + b"\n"
          for row in ranks.astype(int)]
  paths = {split: folder / f"{split}.txt" for split in ("train", "valid", "test")}
  with paths["train"].open("wb") as file:
    row = written = 0
    while written < sizes["gigabytes"] * 1e9:
      written += file.write(b"%b %b" % (_numbered(row), ends[row % _SENTENCES]))
      row += 1
  with paths["valid"].open("wb") as file:
    file.writelines(ends[:_HELD_OUT])
  shutil.copy(paths["valid"], paths["test"])
  return paths


def run() -> None:
  """Starts the program."""
  measuring.run_in_folder(measure, FLAGS, USAGE)


if __name__ == "__main__":
  run()
