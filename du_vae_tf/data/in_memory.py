"""Examples that a user of the library hands over, as a data set ready for batching."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import encoding
from du_vae_tf.data import image_checks
from du_vae_tf.data import image_corpus
from du_vae_tf.data import image_splits
from du_vae_tf.data import text_corpus
from du_vae_tf.data import vocabulary as vocabulary_lib

# Sentences or images; see `sentences` and `images`.
Given: TypeAlias = Sequence[str] | np.ndarray | tf.data.Dataset

# What the splits are called in messages.
_PLACES = {"train": "training data", "valid": "validation data", "test": "data"}


def sentences(values: Any, place: str) -> list[str]:
  """Checks sentences and brings them to one form.

  Args:
    values: strings in a list or another sequence, in an array, or in a finite `tf.data.Dataset`,
      one by one or in batches; of pairs the first part is taken.
    place: what they are, for messages.

  Raises:
    errors.UserError: they are something else, there is none, or one has no word.
  """
  if isinstance(values, (str, bytes)):
    raise errors.UserError(f"{place}: one {type(values).__name__}; expected a list of strings.")
  found = []
  for number, value in enumerate(_strings(values, place)):
    if isinstance(value, bytes):
      try:
        value = value.decode()
      except UnicodeDecodeError as error:
        raise errors.UserError(f"{place}[{number}]: is not UTF-8 ({error}).") from None
    if not isinstance(value, str):
      raise errors.UserError(
          f"{place}[{number}]: of type {type(value).__name__}; expected a string.")
    if not value.encode().split():
      raise errors.UserError(f"{place}[{number}]: an empty sentence; expected at least one word.")
    found.append(str(value))
  if not found:
    raise errors.UserError(f"{place}: none; expected at least one sentence.")
  return found


def images(values: Any, place: str, side: int | None = None) -> np.ndarray:
  """Checks images and brings them to one form.

  Args:
    values: [n, side, side] or [n, side, side, 1]: bool, integers from 0 to 255, or floats in
      [0, 1]; or a finite `tf.data.Dataset` of such images, one by one or in batches; of pairs the
      first part is taken.
    place: what they are, for messages.
    side: that they must have; None: any that the networks take.

  Returns:
    float32 [n, side, side, 1] in [0, 1].

  Raises:
    errors.UserError: they are something else.
  """
  if isinstance(values, tf.data.Dataset):
    # Three axes are those of a batch, or of an image with its one channel.
    values = list(_read(values, place, lambda shape: shape.rank == 4 or (
        shape.rank == 3 and shape[2] != 1)))
  try:
    array = np.asarray(values)
  except ValueError as error:
    raise errors.UserError(f"{place}: images of different shapes ({error}).") from None
  grey = image_checks.to_grey(array, place)
  if side is not None and grey.shape[1] != side:
    raise errors.UserError(
        f"{place}: images of {grey.shape[1]} x {grey.shape[1]} pixels; the model takes"
        f" {side} x {side}.")
  return grey


def encode(items: Sequence[str], vocabulary: vocabulary_lib.Vocabulary,
           max_length: int) -> encoding.EncodedSplit:
  """Sentences as ids: unknown words are `<unk>`, longer sentences are cut to `max_length` words."""
  return encoding.encode_sentences(map(str.encode, items), vocabulary, max_length)[0]


def corpus(config: config_lib.RunConfig, examples: Mapping[str, Any],
           vocabulary: vocabulary_lib.Vocabulary | None = None,
           side: int | None = None) -> corpus_lib.Corpus:
  """A data set of given examples.

  Args:
    config: of the run.
    examples: what `sentences` or `images` takes, by the name of the split.
    vocabulary: of text; None makes one from the training split.
    side: of images; None takes that of the given ones.

  Raises:
    errors.UserError: they are something else, or too few to train on.
  """
  if config.modality == "image":
    return _image_corpus(config, examples, side)
  max_length = cast(int, config.max_length)
  given = {split: sentences(values, _PLACES[split]) for split, values in examples.items()}
  if "train" in given:
    given["train"] = given["train"][:config.max_train_examples]
    _check_rows(len(given["train"]), "sentences")
  if vocabulary is None:
    vocabulary = vocabulary_lib.most_frequent(
        vocabulary_lib.count_words(map(str.encode, given["train"]), max_length), config.vocab_size)
  splits = {split: encode(items, vocabulary, max_length) for split, items in given.items()}
  return text_corpus.TextCorpus(vocabulary, splits, digest="", notes=[])


def _image_corpus(config: config_lib.RunConfig, examples: Mapping[str, Any],
                  side: int | None) -> image_corpus.ImageCorpus:
  """Training images stay grey, those of other splits are binarised once."""
  splits = {}
  for split, values in examples.items():
    made = image_splits.make_split(images(values, _PLACES[split], side))
    if split == "train":
      made = made.take(slice(config.max_train_examples))
      _check_rows(made.num_examples, "images")
      splits[split] = made
    else:
      splits[split] = image_splits.binarize(made, image_splits.BINARIZATION_SEEDS[split])
  image_checks.check_sides(splits)
  return image_corpus.ImageCorpus(splits, digest="", notes=[])


def _check_rows(count: int, what: str) -> None:
  if count < datasets.MIN_TRAINING_ROWS:
    raise errors.UserError(
        f"{_PLACES['train']}: {count} {what}; expected at least {datasets.MIN_TRAINING_ROWS}.")


def _strings(values: Any, place: str) -> Iterator[Any]:
  """The elements of a sequence or of a data set."""
  if isinstance(values, tf.data.Dataset):
    return _read(values, place, lambda shape: shape.rank == 1)
  try:
    return iter(values)
  except TypeError:
    raise errors.UserError(
        f"{place}: of type {type(values).__name__}; expected a list of strings.") from None


def _read(dataset: tf.data.Dataset, place: str,
          is_batch: Callable[[tf.TensorShape], bool]) -> Iterator[Any]:
  """The examples of a data set, one by one."""
  if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
    raise errors.UserError(f"{place}: a data set without end; leave out repeat().")
  if isinstance(dataset.element_spec, tuple):
    dataset = dataset.map(lambda first, *_: first)
  spec = dataset.element_spec
  if not isinstance(spec, tf.TensorSpec):
    raise errors.UserError(
        f"{place}: a data set of {type(spec).__name__}; expected one of tensors, or of pairs whose"
        " first part is one.")
  return (dataset.unbatch() if is_batch(spec.shape) else dataset).as_numpy_iterator()
