"""An image data set, ready for batching: from the configuration to arrays.

raw files -> TFDS -> arrays. Each stage is kept on disk under a name that is made from the content
it depends on, so a later start goes straight to the arrays.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf.data import array_cache
from du_vae_tf.data import batching
from du_vae_tf.data import image_batching
from du_vae_tf.data import image_splits
from du_vae_tf.data import preparation
from du_vae_tf.data import sources

# Changes whenever the same input would give other arrays.
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Counts:
  """Figures of one split.

  Attributes:
    images: rows.
    side: height and width in pixels.
    ink: mean of all pixels.
    held_out: whether the images were split off from the training images.
  """

  images: int
  side: int
  ink: float
  held_out: bool

  def note(self, split: str) -> str:
    """One line for the console."""
    text = (f"{split}: {self.images} images of {self.side} x {self.side} pixels,"
            f" {100.0 * self.ink:.2f} % ink")
    return text + ("; split off from the training images" if self.held_out else "")


@dataclasses.dataclass(frozen=True)
class ImageCorpus:
  """A data set as arrays.

  Attributes:
    splits: "train" (grey), "valid" and "test" (0 and 1).
    digest: hex digits that name the content of the raw data.
    notes: one line each for the console: sizes and shares of ink.
  """

  splits: Mapping[str, image_splits.ImageSplit]
  digest: str
  notes: list[str]

  @property
  def sizes(self) -> dict[str, int]:
    """What the data fix of the model."""
    return {"side": self.splits["train"].side}

  def train_batches(self, config: config_lib.RunConfig) -> batching.TrainBatches:
    """See `image_batching.train_batches`."""
    return image_batching.train_batches(self.splits["train"], config.batch_size, config.seed)

  def evaluation_dataset(
      self, split: str, batch_size: int, max_examples: int | None = None
  ) -> tf.data.Dataset:
    """See `image_batching.evaluation_dataset`; grey training images are binarised once."""
    chosen = self.splits[split]
    if split == "train":
      chosen = image_splits.binarize(chosen, image_splits.TRAIN_BINARIZATION_SEED)
    return image_batching.evaluation_dataset(chosen, batch_size, max_examples)

  def save(self, vocabulary_path: pathlib.Path) -> None:
    """Writes nothing: a run on images needs nothing of its data later."""


def load(config: config_lib.RunConfig) -> ImageCorpus:
  """Loads the image data set that the configuration names.

  Args:
    config: the configuration of the run.

  Raises:
    errors.UserError: the raw data are missing or unusable, or too small to train on.
  """
  cache = sources.cache_dir(config)
  source = sources.locate(config, cache)

  def make(unfinished: pathlib.Path) -> dict[str, Counts]:
    if source.tfds_name is not None:
      console.say(f"Preparing {source.tfds_name} by tensorflow-datasets, which may download it")
    splits, held_out = preparation.read_images(config.dataset, source, cache)
    for name, split in splits.items():
      with array_cache.SplitWriter(unfinished, name) as writer:
        writer.append(split)
    return {
        name: Counts(
            split.num_examples, split.side, float(split.images.mean(dtype=np.float64)),
            held_out and name == "valid")
        for name, split in splits.items()}

  folder = cache / "images" / array_cache.key(_FORMAT, config.dataset, source.raw_digest)
  kept = array_cache.load_or_make(folder, image_splits.ImageSplit, Counts, make)
  splits = {name: split for name, (split, _) in kept.items()}
  notes = [counts.note(name) for name, (_, counts) in kept.items()]
  count = splits["train"].num_examples
  if config.max_train_examples is not None and config.max_train_examples < count:
    splits["train"] = splits["train"].take(slice(config.max_train_examples))
    notes.append(
        f"--max_train_examples={config.max_train_examples}: of {count} training images the first"
        f" {config.max_train_examples} are used")
  return ImageCorpus(splits, source.digest, notes)
