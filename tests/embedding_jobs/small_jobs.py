"""Embedding jobs of tiny runs, and what they wrote."""

import pathlib
from typing import Any

import numpy as np

from du_vae_tf.embedding_jobs import jobs
from du_vae_tf.embedding_jobs import running as running_lib
from du_vae_tf.training import signals
from tests.training import running
from tests.training import tiny

# Usable and unusable lines, as `label<TAB>sentence`; the rest of a corpus is made of the former.
BAD_LINES: dict[int, bytes] = {
    0: b"1\t\xff", 9: b"", 10: b"1\tw1 \0", 11: b"no label", 12: b"a\tw1", 25: b"1\t "}


def train(folder: pathlib.Path, **changes: object) -> pathlib.Path:
  """A run folder with the best weights of one epoch on small text files, which lie in `folder`."""
  config = tiny.make_config(str(folder), epochs=1, warmup_epochs=0, latent_dim=3, **changes)
  running.train(config)
  return pathlib.Path(str(config.run_dir))


def write_corpus(path: pathlib.Path, rows: int = 40) -> list[bytes]:
  """Writes lines with labels, some of them unusable, without a line break at the end."""
  generator = np.random.default_rng(5)
  lines = []
  for row in range(rows):
    words = generator.integers(0, 40, generator.integers(1, 12))
    line = f"{row % 3}\t" + " ".join(f"w{word}" for word in words)
    lines.append(BAD_LINES.get(row, line.encode()))
  path.write_bytes(b"\n".join(lines))
  return lines


def make(run_dir: pathlib.Path, path: pathlib.Path, output: pathlib.Path,
         **changes: Any) -> jobs.Job:
  """A job with 7 rows a shard, in batches of 4."""
  values = {"precision": "float32", "format": "npy", "fields": ("representation",),
            "rows_per_shard": 7, "batch_size": 4}
  return jobs.Job(run_dir=run_dir, input=path, output=output, **(values | changes))


def complete(job: jobs.Job, engine: running_lib.Engine = running_lib.in_this_process) -> np.ndarray:
  """Does what is left of a job, and gives its rows; the format must be npy."""
  running_lib.run(job, engine, signals.StopRequest())
  return np.concatenate([np.load(path) for path in sorted(job.output.glob("embeddings-*.npy"))])


def content(folder: pathlib.Path) -> dict[str, bytes]:
  """Every file of an output folder, but what says where its input was."""
  return {str(path.relative_to(folder)): path.read_bytes()
          for path in folder.rglob("*") if path.is_file() and path.name != "job.json"}
