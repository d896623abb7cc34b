"""TFDS builder of the synthetic sentences."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from du_vae_tf.data import synthetic_generator


class DuVaeSynthetic(tfds.core.GeneratorBasedBuilder):
  """Ten words from an LSTM with random weights; the label is the mixture component."""

  VERSION = tfds.core.Version(synthetic_generator.VERSION)
  RELEASE_NOTES = {"1.0.0": "First version."}

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
        builder=self,
        description="Sentences of ten words made from a mixture of five Gaussians.",
        features=tfds.features.FeaturesDict({
            "text": tfds.features.Text(), "label": tfds.features.Scalar(np.int64)}),
        disable_shuffling=True)

  def _split_generators(
      self, dl_manager: tfds.download.DownloadManager
  ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
    del dl_manager  # made here
    return {name: self._generate_examples(sentences)
            for name, sentences in synthetic_generator.generate().items()}

  def _generate_examples(
      self, sentences: synthetic_generator.Sentences
  ) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, (text, label) in enumerate(
        zip(sentences.texts(), sentences.labels.tolist(), strict=True)):
      yield row, {"text": text, "label": label}
