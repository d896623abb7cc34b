"""Images of one split, the validation split taken from training, and fixed binarisation.

Training images stay grey: their values are probabilities of ink, drawn anew at every use. Those
of validation and test are drawn once, so that every figure is of the same pixels.

Source: preprocessing of Kim et al. 2018 (last 2 000 of the shuffled training images for
validation, both evaluation splits binarised once), with stored seeds.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from du_vae_tf import datasets
from du_vae_tf import errors

NO_LABEL: int = -1
# Of 24 345 training images of OMNIGLOT; other sets give the same share.
VALID_ROWS, OF_ROWS = 2_000, 24_345
# Prepared data follow from these: another value needs another version of the builders.
SPLIT_SEED: int = 20_180_702
BINARIZATION_SEEDS: dict[str, int] = {"valid": 20_180_703, "test": 20_180_704}
# Of training images where they are evaluated; they are kept grey.
TRAIN_BINARIZATION_SEED: int = 20_180_705


@dataclasses.dataclass(frozen=True)
class ImageSplit:
  """The images of one split.

  Attributes:
    images: float32 [num_examples, side, side, 1], 1 is ink.
    labels: int32 [num_examples], the class (of OMNIGLOT: the alphabet), -1 where there is none.
    fine_labels: int32 [num_examples], the class within it (of OMNIGLOT: the character), or -1.
    indices: int64 [num_examples], the number of the image in the file it comes from.
  """

  images: np.ndarray
  labels: np.ndarray
  fine_labels: np.ndarray
  indices: np.ndarray

  @property
  def num_examples(self) -> int:
    """Number of images."""
    return len(self.labels)

  @property
  def side(self) -> int:
    """Height and width in pixels."""
    return int(self.images.shape[1])

  def take(self, rows: np.ndarray | slice) -> "ImageSplit":
    """The images of some rows, in their order."""
    return ImageSplit(**{
        part.name: getattr(self, part.name)[rows] for part in dataclasses.fields(self)})


def make_split(
    images: np.ndarray, labels: np.ndarray | None = None, fine_labels: np.ndarray | None = None
) -> ImageSplit:
  """The images of a file in its order.

  Args:
    images: float32 [n, side, side, 1].
    labels: integers [n]; None if there are none.
    fine_labels: integers [n]; None if there are none.
  """
  none = np.full(len(images), NO_LABEL, np.int32)
  return ImageSplit(
      images=images,
      labels=none if labels is None else labels.astype(np.int32),
      fine_labels=none if fine_labels is None else fine_labels.astype(np.int32),
      indices=np.arange(len(images), dtype=np.int64))


def finish(raw: Mapping[str, ImageSplit], source: str) -> dict[str, ImageSplit]:
  """Training, validation and test as they are used.

  Args:
    raw: "train", "test" and perhaps "valid", grey.
    source: what the training images come from, for messages.

  Raises:
    errors.UserError: there are too few training images.
  """
  train, valid = raw["train"], raw.get("valid")
  held_out = ""
  if valid is None:
    train, valid = hold_out(train)
    held_out = f" ({valid.num_examples} more are for validation)"
  if train.num_examples < datasets.MIN_TRAINING_ROWS:
    raise errors.UserError(
        f"{source}: has {train.num_examples} training images{held_out}; training needs at least"
        f" {datasets.MIN_TRAINING_ROWS}.")
  return {"train": train, "valid": binarize(valid, BINARIZATION_SEEDS["valid"]),
          "test": binarize(raw["test"], BINARIZATION_SEEDS["test"])}


def hold_out(train: ImageSplit) -> tuple[ImageSplit, ImageSplit]:
  """Shuffles with `SPLIT_SEED` and takes the last 2 000 of 24 345, or the same share."""
  count = train.num_examples
  order = np.random.default_rng(SPLIT_SEED).permutation(count)
  kept = count - max(1, round(count * VALID_ROWS / OF_ROWS))
  return train.take(order[:kept]), train.take(order[kept:])


def binarize(split: ImageSplit, seed: int) -> ImageSplit:
  """Draws each pixel once: 1 with the grey value as its probability."""
  uniform = np.random.default_rng(seed).random(split.images.shape, np.float32)
  return dataclasses.replace(split, images=(uniform < split.images).astype(np.float32))
