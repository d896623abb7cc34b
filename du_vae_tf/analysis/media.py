"""The medium of a model: sentences or images, and how what was generated is written."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import cast

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf.analysis import codec as codec_lib
from du_vae_tf.analysis import generation
from du_vae_tf.analysis import image_generation
from du_vae_tf.analysis import text_generation
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import image_corpus
from du_vae_tf.data import text_corpus
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.models import vae
from du_vae_tf.training import runs


@dataclasses.dataclass(frozen=True)
class Output:
  """Where what was generated goes.

  Attributes:
    write: to files whose names begin with that of a path; gives them.
    summarize: to the default summary writer, under a heading.
  """

  write: Callable[[generation.Generated, pathlib.Path], list[pathlib.Path]]
  summarize: Callable[[generation.Generated, str], None]


OUTPUTS: dict[datasets.Modality, Output] = {
    "text": Output(text_generation.write, text_generation.summarize),
    "image": Output(image_generation.write, image_generation.summarize)}


def make(model: vae.VAE, config: config_lib.RunConfig, sizes: Mapping[str, int],
         vocabulary: vocabulary_lib.Vocabulary | None) -> codec_lib.Medium:
  """How examples of a model come in and go out.

  Args:
    model: with its weights; of images, in float32.
    config: of its run.
    sizes: what the data fix of the model; see `corpus.Corpus`.
    vocabulary: of text; None of images.
  """
  if vocabulary is None:
    return image_generation.ImageMedium(model, sizes["side"])
  max_length = cast(int, config.max_length)
  # Runs of old do not say how long their longest training sentence was.
  return text_generation.TextMedium(
      model, vocabulary, max_length, sizes.get("max_words", max_length))


def of_run(run: runs.Run) -> codec_lib.Medium:
  """The medium of a run; nothing but its folder is needed."""
  vocabulary = (vocabulary_lib.load(run.folder.vocabulary) if run.config.modality == "text"
                else None)
  return make(run.model, run.config, run.sizes, vocabulary)


def examples(config: config_lib.RunConfig, corpus: corpus_lib.Corpus,
             split: str) -> generation.Examples:
  """The examples of a split of the data of a run."""
  if config.modality == "image":
    return image_generation.examples(cast(image_corpus.ImageCorpus, corpus).splits[split])
  text = cast(text_corpus.TextCorpus, corpus)
  return text_generation.examples(text.vocabulary, text.splits[split])
