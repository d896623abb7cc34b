"""What a model in training makes of its latent space, as files and in TensorBoard."""

import functools
import pathlib
from collections.abc import Mapping
from typing import Any, cast

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf.analysis import codec
from du_vae_tf.analysis import generation
from du_vae_tf.analysis import media
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import text_corpus
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from du_vae_tf.training import run_folder

# Epochs between two sets of samples.
EVERY = 5

# As many as one takes in at a glance; what `generation.Generator.generate` is asked for.
_COUNTS: dict[datasets.Modality, dict[str, Any]] = {
    "text": {"samples": 16, "reconstructions": 16, "paths": 4, "steps": 5, "analogies": 0},
    "image": {"samples": 60, "reconstructions": 20, "paths": 4, "steps": 8, "analogies": 0}}


class Samples:
  """Prior samples, reconstructions and interpolations of the validation split.

  Always of the same latent vectors and the same examples, so that epochs can be compared.

  Args:
    model: in float32.
    config: of the run.
    corpus: its data.
  """

  def __init__(self, model: vae.VAE, config: config_lib.RunConfig, corpus: corpus_lib.Corpus):
    vocabulary = (cast(text_corpus.TextCorpus, corpus).vocabulary if config.modality == "text"
                  else None)
    medium = media.make(model, config, corpus.sizes, vocabulary)
    self._generator = generation.Generator(
        codec.Codec(model, medium, config.seed), media.examples(config, corpus, "valid"),
        config.seed)
    self._counts = _COUNTS[config.modality]
    self._output = media.OUTPUTS[config.modality]

  def write(self, stem: pathlib.Path, heading: str) -> list[pathlib.Path]:
    """Draws, and writes files and summaries.

    Args:
      stem: of the files.
      heading: of the summaries, which go to the default writer.

    Returns:
      The files.
    """
    generated = self._generator.generate(**self._counts)
    self._output.summarize(generated, heading)
    return self._output.write(generated, stem)


class SampleSummaries(keras.callbacks.Callback):
  """Writes `samples/epoch-<number>...` and their summaries every few epochs.

  Args:
    config: of the run.
    corpus: its data.
    folder: of the run.
  """

  def __init__(self, config: config_lib.RunConfig, corpus: corpus_lib.Corpus,
               folder: run_folder.RunFolder):
    super().__init__()
    self._config = config
    self._corpus = corpus
    self._folder = folder.samples
    self._writer = tf.summary.create_file_writer(
        str(folder.tensorboard), filename_suffix=".samples")

  @functools.cached_property
  def _drawing(self) -> vae.VAE:
    """A float32 model of its own, which takes over the weights each time."""
    return builders.build_model(self._config, self._corpus.sizes)

  @functools.cached_property
  def _samples(self) -> Samples:
    return Samples(self._drawing, self._config, self._corpus)

  def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
    """Draws with the weights of the model in training."""
    del logs
    number = epoch + 1
    if number % EVERY == 0:
      self._drawing.set_weights(self.model.get_weights())
      with self._writer.as_default(step=number):
        self._samples.write(self._folder / f"epoch-{number:04d}", "samples")
      self._writer.flush()

  def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
    """Closes the file of summaries."""
    del logs
    self._writer.close()
