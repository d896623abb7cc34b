"""Raw examples through TFDS: prepared once, then read back.

TFDS is imported on use, since a start that finds arrays at hand needs none of it.
"""

import contextlib
import fcntl
import functools
import importlib
import io
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging

from du_vae_tf import datasets
from du_vae_tf.data import image_splits
from du_vae_tf.data import sources
from du_vae_tf.data import text_reader

_ROWS_AT_ONCE = 4096
_DIGITS = 16


def read_text(
    name: str, source: sources.Source, cache: pathlib.Path
) -> dict[str, text_reader.RawSplit]:
  """The sentences of a data set, prepared first if they are not.

  Args:
    name: the data set.
    source: its raw files.
    cache: folder for prepared data.

  Returns:
    split name -> rows in the order of the files, read from disk when they are asked for.

  Raises:
    errors.UserError: from reading the raw files.
  """
  from du_vae_tf.data.builders import text_files

  dataset = datasets.DATASETS[name]
  config = None
  if dataset.line_format is not None:
    config = text_files.TextFilesConfig(
        name=source.raw_digest[:_DIGITS], files=source.files, line_format=dataset.line_format)
  builder = _prepared(name, source, cache, config)
  blank_lines = (builder.info.metadata or {}).get("blank_lines", {})
  return {
      split: text_reader.RawSplit(
          functools.partial(_rows, builder, split), builder.info.splits[split].num_examples,
          blank_lines.get(split, 0))
      for split in datasets.SPLITS}


def read_images(
    name: str, source: sources.Source, cache: pathlib.Path
) -> tuple[dict[str, image_splits.ImageSplit], bool]:
  """The images of a data set, prepared first if they are not.

  Args:
    name: the data set.
    source: its raw data.
    cache: folder for prepared data.

  Returns:
    split name -> images, and whether those of validation were split off from training.

  Raises:
    errors.UserError: from reading the raw data.
  """
  from du_vae_tf.data.builders import image_files

  config = image_files.ImageFilesConfig(
      name=source.raw_digest[:_DIGITS], files=source.files, tfds_name=source.tfds_name,
      tfds_dir=str(cache / "tfds"))
  builder = _prepared(name, source, cache, config)
  splits = {}
  for split in datasets.SPLITS:
    batches = list(_batches(builder, split))
    splits[split] = image_splits.ImageSplit(**{
        part: np.concatenate([batch[feature] for batch in batches])
        for part, feature in image_files.FEATURES.items()})
  return splits, bool(builder.info.metadata["held_out"])


def _prepared(name: str, source: sources.Source, cache: pathlib.Path, config: Any) -> Any:
  """The builder of a data set whose examples are prepared."""
  import tensorflow_datasets as tfds

  module, class_name = datasets.DATASETS[name].builder
  builder_class = getattr(importlib.import_module(module), class_name)
  options: dict[str, Any] = {} if config is None else {"config": config}
  with _quiet(), _alone(cache / "locks" / f"{name}-{source.raw_digest[:_DIGITS]}"):
    # Made under the lock: a builder looks for prepared data when it is made.
    builder = builder_class(data_dir=str(cache / "tfds"), file_format="tfrecord", **options)
    if not sys.stderr.isatty():
      tfds.disable_progress_bar()
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(try_download_gcs=False))
  return builder


def _rows(builder: Any, split: str) -> Iterator[tuple[bytes, int]]:
  for batch in _batches(builder, split):
    yield from zip(batch["text"].tolist(), batch["label"].tolist(), strict=True)


def _batches(builder: Any, split: str) -> Iterator[dict[str, np.ndarray]]:
  with _quiet():
    dataset = builder.as_dataset(split=split, batch_size=_ROWS_AT_ONCE)
  return dataset.as_numpy_iterator()


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
