"""Speed of what feeds the training: `bazel run //benchmarks:input_pipeline`."""

import pathlib
import time
from collections.abc import Iterator
from typing import Any

from benchmarks import measuring
from du_vae_tf import config as config_lib
from du_vae_tf import startup

USAGE = """
Makes a corpus of random words and a set of random images, and prints how long their preparation
takes the first time and from the cache, how fast batches come, and which share of the time a
training would wait for them whose steps take --step_milliseconds. Linux only.

  bazel run //benchmarks:input_pipeline -- [--flag=value ...]
"""

FLAGS = [
    measuring.flag("sentences", 100_000, int, "Training sentences."),
    measuring.flag("words", 80, int, "Words of a sentence."),
    measuring.flag("vocab_size", 20_000, int, "Different words, rare ones among them."),
    measuring.flag("images", 20_000, int, "Training images of 28 x 28 pixels."),
    measuring.flag("batches", 500, int, "Timed batches."),
    measuring.flag("step_milliseconds", 30.0, float, "Of a step of a fast accelerator."),
    measuring.json_flag()]

_HELD_OUT, _SIDE = 1000, 28
# Batches that the consumer takes; there are more in an epoch of either kind.
_CONSUMED = 200
_TEXT_BATCH, _IMAGE_BATCH = 32, 50


def measure(folder: pathlib.Path, sizes: dict[str, Any]) -> dict[str, float]:
  """Prepares and reads both kinds of data in a folder."""
  startup.load_tensorflow()
  figures: dict[str, float] = {}
  makers = (("text", make_sentences, _TEXT_BATCH), ("images", make_images, _IMAGE_BATCH))
  for dataset, make, batch_size in makers:
    files = make(folder, sizes)
    config = config_lib.resolve(
        {"dataset": dataset, "batch_size": batch_size, "data_dir": str(folder / "cache"),
         **{f"{split}_file": str(path) for split, path in files.items()}}, {})
    figures |= {f"{dataset}_{name}": value for name, value in _of_kind(config, sizes).items()}
  return figures | {"peak_mib": measuring.peak_bytes() / 2**20}


def _of_kind(config: config_lib.RunConfig, sizes: dict[str, Any]) -> dict[str, float]:
  from du_vae_tf.data import corpus as corpus_lib

  begin = time.monotonic()
  corpus_lib.load(config)
  prepared = time.monotonic()
  batches = corpus_lib.load(config).train_batches(config)
  iterator = iter(batches.dataset(0))
  next(iterator)
  cached = time.monotonic()
  count = sum(1 for _, _ in zip(range(sizes["batches"]), iterator))
  seconds = (time.monotonic() - cached) / count
  return {"seconds_to_prepare": prepared - begin, "seconds_from_cache": cached - prepared,
          "milliseconds_per_batch": 1e3 * seconds,
          "idle_percent": _idle_percent(batches.dataset(1), sizes)}


def _idle_percent(dataset: Any, sizes: dict[str, Any]) -> float:
  """Share of the time that a consumer waits, less what it waits for batches that are at hand."""
  made = next(iter(dataset))
  at_hand = dataset.from_tensors(made).repeat()
  waited, at_least = (_waited(iter(source), sizes) for source in (dataset, at_hand))
  step = sizes["step_milliseconds"] / 1e3
  return 100 * max(0.0, waited - at_least) / (step + waited)


def _waited(iterator: Iterator[Any], sizes: dict[str, Any]) -> float:
  """Mean seconds until a batch comes, after the first one; in a graph, as a step takes it."""
  import tensorflow as tf

  take = tf.function(lambda batches: next(batches)["row"][0])
  take(iterator)
  waited = 0.0
  for _ in range(_CONSUMED):
    time.sleep(sizes["step_milliseconds"] / 1e3)
    asked = time.monotonic()
    take(iterator).numpy()
    waited += time.monotonic() - asked
  return waited / _CONSUMED


def make_sentences(folder: pathlib.Path, sizes: dict[str, Any]) -> dict[str, pathlib.Path]:
  """Writes sentences whose word of rank r has a frequency of about 1 / r."""
  import numpy as np

  random = np.random.default_rng(0)
  paths = {}
  for split, count in (("train", sizes["sentences"]), ("valid", _HELD_OUT), ("test", _HELD_OUT)):
    ranks = sizes["vocab_size"] ** random.random((count, sizes["words"]))
    paths[split] = folder / f"{split}.txt"
    with paths[split].open("w", encoding="utf-8") as file:
      for row in ranks.astype(int):
        file.write(" ".join(map("w{}".format, row.tolist())) + "\n")
  return paths


def make_images(folder: pathlib.Path, sizes: dict[str, Any]) -> dict[str, pathlib.Path]:
  """Writes grey images."""
  import numpy as np

  random = np.random.default_rng(0)
  paths = {}
  for split, count in (("train", sizes["images"]), ("valid", _HELD_OUT), ("test", _HELD_OUT)):
    paths[split] = folder / f"{split}.npy"
    np.save(paths[split], random.random((count, _SIDE, _SIDE), np.float32))
  return paths


def run() -> None:
  """Starts the program."""
  measuring.run_in_folder(measure, FLAGS, USAGE)


if __name__ == "__main__":
  run()
