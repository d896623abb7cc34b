"""A text data set, ready for batching: from the configuration to ids.

raw files -> TFDS -> vocabulary -> ids. Each stage is kept on disk under a name that is made from
the content it depends on, so a later start goes straight to the ids.
"""

import collections
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping

import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import datasets
from du_vae_tf.data import array_cache
from du_vae_tf.data import batch_plans
from du_vae_tf.data import batching
from du_vae_tf.data import encoding
from du_vae_tf.data import preparation
from du_vae_tf.data import sources
from du_vae_tf.data import text_batching
from du_vae_tf.data import text_reader
from du_vae_tf.data import vocabulary as vocabulary_lib

# Changes whenever the same input would give other ids.
_FORMAT = 1

_RawSplits = dict[str, text_reader.RawSplit]


@dataclasses.dataclass(frozen=True)
class TextCorpus:
  """A data set as ids.

  Attributes:
    vocabulary: words and ids.
    splits: "train", "valid" and "test".
    digest: hex digits that name the content of the raw files, and of the `vocab.txt` beside them.
    notes: one line each for the console: sizes, skipped and cut lines, unknown words.
  """

  vocabulary: vocabulary_lib.Vocabulary
  splits: Mapping[str, encoding.EncodedSplit]
  digest: str
  notes: list[str]

  @property
  def sizes(self) -> dict[str, int]:
    """What the data fix of the model."""
    return {"vocab_size": len(self.vocabulary), "max_words": self.splits["train"].max_words}

  def train_batches(self, config: config_lib.RunConfig) -> batching.TrainBatches:
    """See `text_batching.train_batches`."""
    return text_batching.train_batches(
        self.splits["train"], config.batch_size, config.batching, config.seed)

  def evaluation_dataset(
      self, split: str, batch_size: int, max_examples: int | None = None
  ) -> tf.data.Dataset:
    """See `text_batching.evaluation_dataset`."""
    return text_batching.evaluation_dataset(self.splits[split], batch_size, max_examples)

  def save(self, vocabulary_path: pathlib.Path) -> None:
    """Writes the vocabulary, one word a line."""
    self.vocabulary.save(vocabulary_path)


def load(
    config: config_lib.RunConfig, vocabulary_file: pathlib.Path | None = None
) -> TextCorpus:
  """Loads the text data set that the configuration names.

  Args:
    config: the configuration of the run.
    vocabulary_file: the `vocab.txt` of an earlier run, used as it is; None makes a vocabulary from
      the training split, or takes the `vocab.txt` beside the raw files.

  Raises:
    errors.UserError: the raw files are missing or unusable, or too small to train on.
  """
  if config.max_length is None:
    raise ValueError(f"`config` must be resolved. Received: max_length={config.max_length}.")
  max_length = config.max_length
  cache = sources.cache_dir(config)
  source = sources.locate(config, cache)

  @functools.cache
  def raw() -> _RawSplits:
    splits = preparation.read_text(config.dataset, source, cache)
    return splits | {"train": splits["train"].first(config.max_train_examples)}

  notes = []
  if vocabulary_file is not None:
    vocabulary = vocabulary_lib.load(vocabulary_file)
  else:
    vocabulary = _vocabulary(config, max_length, source, cache, raw)
    if source.vocabulary_file is not None:
      notes.append(f"vocabulary: {len(vocabulary)} words from {source.vocabulary_file}")
  folder = cache / "encoded" / array_cache.key(
      _FORMAT, config.dataset, source.raw_digest, vocabulary.digest, max_length,
      config.max_train_examples)
  encoded = array_cache.load_or_make(
      folder, encoding.EncodedSplit, encoding.Counts,
      lambda unfinished: _encode(raw(), vocabulary, max_length, unfinished))
  splits = {name: split for name, (split, _) in encoded.items()}
  notes += [counts.note(name, max_length) for name, (_, counts) in encoded.items()]
  if config.batching == "equal_length":
    notes.append(_left_out(config, splits["train"]))
  return TextCorpus(vocabulary, splits, source.digest, notes)


def _encode(splits: _RawSplits, vocabulary: vocabulary_lib.Vocabulary, max_length: int,
            folder: pathlib.Path) -> dict[str, encoding.Counts]:
  """Writes the ids of all splits."""
  counts = {}
  for name, split in splits.items():
    countdown = console.Countdown(split.num_rows, 0, f"sentences of {name} encoded")
    with array_cache.SplitWriter(folder, name) as writer:
      for part, so_far in encoding.encode_parts(split, vocabulary, max_length):
        writer.append(part)
        countdown.update(part.num_examples)
        counts[name] = so_far
    countdown.finish()
  return counts


def _train_words(raw: Callable[[], _RawSplits], max_length: int) -> collections.Counter[bytes]:
  """How often each word occurs in the training split."""
  train = raw()["train"]
  countdown = console.Countdown(train.num_rows, 0, "sentences counted for the vocabulary")

  def sentences() -> Iterator[bytes]:
    for sentence, _ in train.rows():
      countdown.update(1)
      yield sentence

  counts = vocabulary_lib.count_words(sentences(), max_length)
  countdown.finish()
  return counts


def _vocabulary(
    config: config_lib.RunConfig,
    max_length: int,
    source: sources.Source,
    cache: pathlib.Path,
    raw: Callable[[], _RawSplits],
) -> vocabulary_lib.Vocabulary:
  """The vocabulary of the training split, kept on disk because counting reads all of it."""
  kept = cache / "vocabularies" / array_cache.key(
      _FORMAT, config.dataset, source.digest, config.vocab_size, max_length,
      config.max_train_examples)
  if kept.exists():
    return vocabulary_lib.load(kept)
  if source.vocabulary_file is not None:
    made = vocabulary_lib.load(source.vocabulary_file)
    if config.vocab_size is not None and config.vocab_size < len(made):
      made = vocabulary_lib.keep_most_frequent(
          made, _train_words(raw, max_length), config.vocab_size)
  else:
    made = vocabulary_lib.most_frequent(_train_words(raw, max_length), config.vocab_size)
  made.save(kept)
  return made


def _left_out(config: config_lib.RunConfig, train: encoding.EncodedSplit) -> str:
  batches = batch_plans.equal_length(train.lengths, config.batch_size)
  count = train.num_examples - sum(map(len, batches))
  return (f"--batching=equal_length: {count} of {train.num_examples} training sentences are never"
          f" trained on (batches of one length with fewer than {datasets.MIN_TRAINING_ROWS}"
          " sentences are skipped)")
