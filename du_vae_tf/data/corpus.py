"""A text data set, ready for batching: from the configuration to ids.

raw files -> TFDS -> vocabulary -> ids. Each stage is kept on disk under a name that is made from
the content it depends on, so a later start goes straight to the ids.
"""

import dataclasses
import functools
import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import batch_plans
from du_vae_tf.data import datasets
from du_vae_tf.data import encoding
from du_vae_tf.data import preparation
from du_vae_tf.data import sources
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


def load(
    config: config_lib.RunConfig, vocabulary: vocabulary_lib.Vocabulary | None = None
) -> TextCorpus:
  """Loads the data set that the configuration names.

  Args:
    config: the configuration of the run.
    vocabulary: that of an earlier run, used as it is; None makes one from the training split, or
      takes the `vocab.txt` beside the raw files.

  Raises:
    errors.UserError: the raw files are missing or unusable, or too small to train on.
  """
  if config.dataset not in datasets.DATASETS:
    raise errors.UserError(
        f"--dataset={config.dataset}: must be one of {', '.join(datasets.DATASETS)}.")
  cache = sources.cache_dir(config)
  source = sources.locate(config, cache)

  @functools.cache
  def raw() -> _RawSplits:
    splits = preparation.read_examples(config.dataset, source, cache)
    kept = slice(config.max_train_examples)
    train = splits["train"]
    return splits | {"train": text_reader.RawSplit(
        train.sentences[kept], train.labels[kept], train.blank_lines)}

  notes = []
  if vocabulary is None:
    vocabulary = _vocabulary(config, source, cache, raw)
    if source.vocabulary_file is not None:
      notes.append(f"vocabulary: {len(vocabulary)} words from {source.vocabulary_file}")
  folder = cache / "encoded" / _key(
      config.dataset, source.raw_digest, vocabulary.digest, config.max_length,
      config.max_train_examples)
  encoded = encoding.load_or_make(folder, lambda: {
      name: encoding.encode(split, vocabulary, config.max_length)
      for name, split in raw().items()})
  splits = {name: split for name, (split, _) in encoded.items()}
  notes += [counts.note(name, config.max_length) for name, (_, counts) in encoded.items()]
  if config.batching == "equal_length":
    notes.append(_left_out(config, splits["train"]))
  return TextCorpus(vocabulary, splits, source.digest, notes)


def _vocabulary(
    config: config_lib.RunConfig,
    source: sources.Source,
    cache: pathlib.Path,
    raw: Callable[[], _RawSplits],
) -> vocabulary_lib.Vocabulary:
  """The vocabulary of the training split, kept on disk because counting reads all of it."""
  kept = cache / "vocabularies" / _key(
      config.dataset, source.digest, config.vocab_size, config.max_length,
      config.max_train_examples)
  if kept.exists():
    return vocabulary_lib.load(kept)
  if source.vocabulary_file is not None:
    made = vocabulary_lib.load(source.vocabulary_file)
    if config.vocab_size is not None and config.vocab_size < len(made):
      made = vocabulary_lib.keep_most_frequent(
          made, vocabulary_lib.count_words(raw()["train"].sentences, config.max_length),
          config.vocab_size)
  else:
    made = vocabulary_lib.most_frequent(
        vocabulary_lib.count_words(raw()["train"].sentences, config.max_length),
        config.vocab_size)
  made.save(kept)
  return made


def _key(*parts: str | int | None) -> str:
  return hashlib.sha256(json.dumps([_FORMAT, *parts]).encode()).hexdigest()[:32]


def _left_out(config: config_lib.RunConfig, train: encoding.EncodedSplit) -> str:
  batches = batch_plans.equal_length(train.lengths, config.batch_size)
  count = train.num_examples - sum(map(len, batches))
  return (f"--batching=equal_length: {count} of {train.num_examples} training sentences are never"
          f" trained on (batches of one length with fewer than {datasets.MIN_TRAINING_ROWS}"
          " sentences are skipped)")
