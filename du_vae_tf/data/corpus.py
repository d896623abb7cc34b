"""A data set, ready for batching, whatever its examples are."""

import pathlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.data import batching
from du_vae_tf.data import image_corpus
from du_vae_tf.data import text_corpus


class Split(Protocol):
  """The examples of one split."""

  @property
  def num_examples(self) -> int:
    """Number of rows."""

  @property
  def labels(self) -> np.ndarray:
    """int32 [num_examples], -1 where there is none."""


class Corpus(Protocol):
  """What training, evaluation and export need of a data set."""

  @property
  def digest(self) -> str:
    """Hex digits that name the content of the raw data."""

  @property
  def notes(self) -> list[str]:
    """One line each for the console."""

  @property
  def sizes(self) -> dict[str, int]:
    """What the data fix of the model.

    Of text `vocab_size`, and `max_words` of the longest training sentence, at which decoding ends;
    of images `side`.
    """

  @property
  def splits(self) -> Mapping[str, Split]:
    """The examples of "train", "valid" and "test"."""

  def train_batches(self, config: config_lib.RunConfig) -> batching.TrainBatches:
    """The training batches of all epochs."""

  def evaluation_dataset(
      self, split: str, batch_size: int, max_examples: int | None = None
  ) -> tf.data.Dataset:
    """Every row of a split once, or of its first `max_examples`; always in the same order."""

  def save(self, vocabulary_path: pathlib.Path) -> None:
    """Writes what a run keeps of its data: text its vocabulary, images nothing."""


def load(
    config: config_lib.RunConfig, vocabulary_file: pathlib.Path | None = None
) -> Corpus:
  """Loads the data set that the configuration names.

  Args:
    config: the configuration of the run.
    vocabulary_file: of text: the `vocab.txt` of an earlier run, used as it is; None makes a
      vocabulary from the training split, or takes the `vocab.txt` beside the raw files.

  Raises:
    errors.UserError: the raw files are missing or unusable, or too small to train on.
  """
  if config.modality == "image":
    return image_corpus.load(config)
  return text_corpus.load(config, vocabulary_file)
