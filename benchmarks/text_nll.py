"""Speed and memory of the importance-weighted NLL: `bazel run //benchmarks:text_nll`."""

import json
import math
import resource
import time
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import files
from du_vae_tf import startup

USAGE = """
Evaluates sentences of random words with a freshly made model of the paper's sizes, and prints how
fast that was and how much memory it took above the model. Linux only.

  bazel run //benchmarks:text_nll -- [--flag=value ...]
"""


def _flag(name: str, default: Any, kind: type, text: str) -> command_line.Flag:
  return command_line.Flag(name=name, type=kind, default=default, group="Benchmark", text=text)


FLAGS = [
    _flag("sentences", 1, int, "Sentences, all of one length."),
    _flag("words", 200, int, "Words of a sentence."),
    _flag("samples", 500, int, "Importance samples of a sentence."),
    _flag("vocab_size", 20_001, int, "Words of the vocabulary, special ones included."),
    _flag("hidden_size", 1024, int, "LSTM units of encoder and decoder."),
    _flag("embedding_size", 512, int, "Word embedding dimensions."),
    _flag("json_out", None, str, "File for the figures.")]


class _Clock:
  """Takes the time of all sentences, without that of building the graph."""

  def __init__(self) -> None:
    self.seconds = math.nan

  def start(self, total: int, expected_seconds: float) -> None:
    """Called after the first sentence; all take the same time."""
    self._first = expected_seconds / total
    self._start = time.monotonic()

  def update(self, count: int) -> None:
    """Called after every sentence."""
    del count
    self.seconds = self._first + time.monotonic() - self._start


def _resident_bytes() -> int:
  """Memory of this process now."""
  with open("/proc/self/statm", encoding="ascii") as statm:
    return int(statm.read().split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
  """The most memory that this process ever had."""
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(sentences: int, words: int, samples: int, vocab_size: int,
            config: config_lib.RunConfig) -> dict[str, float]:
  """Evaluates random sentences once.

  Returns:
    `seconds_per_sentence`, `words_per_second`, `model_mib` (the weights) and `mib_above_model`:
    the highest memory of the process, less what it had with all libraries loaded and the weights.
    What making the model leaves behind counts as above it, since the evaluation may use it again.
  """
  import numpy as np  # TensorFlow and what needs it are imported after the flags are parsed.
  import tensorflow as tf

  from du_vae_tf.data import batching
  from du_vae_tf.estimators import importance_nll
  from du_vae_tf.models import builders

  loaded = _resident_bytes()
  model = builders.build_model(config, vocab_size)
  ids = np.random.default_rng(0).integers(4, vocab_size, (sentences, words))
  batch = batching.pad_batch(ids.tolist())
  dataset = tf.data.Dataset.from_generator(
      lambda: iter([batch]), output_signature=batching.ELEMENT_SPEC)
  clock = _Clock()
  weighted = importance_nll.ImportanceNLL(model, samples, seed=0).estimate(dataset, clock)
  if not np.all(np.isfinite(weighted.nll)):
    raise FloatingPointError(f"the estimates must be finite. Received: {weighted.nll}.")
  weights = sum(math.prod(weight.shape) for weight in model.weights) * 4
  return {
      "seconds_per_sentence": clock.seconds / sentences,
      "words_per_second": sentences * words / clock.seconds,
      "model_mib": weights / 2**20,
      "mib_above_model": (_peak_bytes() - loaded - weights) / 2**20}


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes = {flag.name: flag.default for flag in FLAGS} | explicit
  json_out = sizes.pop("json_out")
  config = config_lib.resolve(
      {name: sizes[name] for name in ("hidden_size", "embedding_size")}, {})
  startup.load_tensorflow()
  figures = measure(
      sizes["sentences"], sizes["words"], sizes["samples"], sizes["vocab_size"], config)
  for name, value in (sizes | figures).items():
    shown = value if isinstance(value, int) else f"{value:.1f}"
    console.say(f"  {name:<22}{shown:>10}")
  if json_out is not None:
    files.write_text_atomically(json_out, json.dumps(sizes | figures, indent=2) + "\n")


def run() -> None:
  """Starts the program."""
  command_line.run(main, FLAGS, USAGE)


if __name__ == "__main__":
  run()
