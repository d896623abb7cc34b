"""Raw examples through TFDS: prepared once, then read back.

TFDS is imported on use, since a start that finds encoded data needs none of it.
"""

import contextlib
import fcntl
import importlib
import io
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

from absl import logging

from du_vae_tf.data import datasets
from du_vae_tf.data import sources
from du_vae_tf.data import text_reader

_ROWS_AT_ONCE = 4096
_DIGITS = 16


def read_examples(
    name: str, source: sources.Source, cache: pathlib.Path
) -> dict[str, text_reader.RawSplit]:
  """The raw examples of a data set, prepared first if they are not.

  Args:
    name: the data set.
    source: its raw files.
    cache: folder for prepared data.

  Returns:
    split name -> rows in the order of the files.

  Raises:
    errors.UserError: from reading the raw files.
  """
  import tensorflow_datasets as tfds

  from du_vae_tf.data.builders import text_files

  dataset = datasets.DATASETS[name]
  module, class_name = dataset.builder
  builder_class = getattr(importlib.import_module(module), class_name)
  options: dict[str, Any] = {"data_dir": str(cache / "tfds"), "file_format": "tfrecord"}
  if dataset.line_format is not None:
    options["config"] = text_files.TextFilesConfig(
        name=source.raw_digest[:_DIGITS], files=source.files, line_format=dataset.line_format)
  with _quiet():
    with _alone(cache / "locks" / f"{name}-{source.raw_digest[:_DIGITS]}"):
      # Made under the lock: a builder looks for prepared data when it is made.
      builder = builder_class(**options)
      if not sys.stderr.isatty():
        tfds.disable_progress_bar()
      builder.download_and_prepare(
          download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    blank_lines = (builder.info.metadata or {}).get("blank_lines", {})
    return {split: _read(builder, split, blank_lines.get(split, 0)) for split in datasets.SPLITS}


def _read(builder: Any, split: str, blank_lines: int) -> text_reader.RawSplit:
  sentences: list[bytes] = []
  labels: list[int] = []
  for batch in builder.as_dataset(split=split, batch_size=_ROWS_AT_ONCE).as_numpy_iterator():
    sentences.extend(batch["text"].tolist())
    labels.extend(batch["label"].tolist())
  return text_reader.RawSplit(sentences, labels, blank_lines)


@contextlib.contextmanager
def _alone(lock: pathlib.Path) -> Iterator[None]:
  """Waits until no other process is in the block with the same lock file."""
  lock.parent.mkdir(parents=True, exist_ok=True)
  with lock.open("w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Holds back what TFDS says: that it downloads (it does not), that the files are new to it."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(min(verbosity, logging.ERROR))
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    logging.set_verbosity(verbosity)
