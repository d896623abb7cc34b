"""Test rows beside an exported model: shown to its users, and sent to it as requests."""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import image_corpus
from du_vae_tf.data import text_batching
from du_vae_tf.data import text_corpus
from du_vae_tf.models import vae

_SHOWN = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Examples:
  """Test rows.

  Attributes:
    shown: up to ten of them as JSON has them: sentences, or images as nested lists of 0 and 1.
    row: one row for every input that a signature may have, [1, ...] each.
  """

  shown: list[Any]
  row: Mapping[str, Any]


def of_text(model: vae.VAE, corpus: corpus_lib.Corpus) -> Examples:
  """Test sentences, as the model reads them."""
  text = cast(text_corpus.TextCorpus, corpus)
  words = [text.splits["test"].words(row).tolist() for row in _rows(corpus)]
  shown = [text.vocabulary.decode(ids) for ids in words]
  batch = text_batching.pad_batch(words[:1])
  return Examples(shown=shown, row=_numbers(model, batch) | {
      "text": shown[:1], "start": shown[:1], "end": shown[-1:], "ids": words[:1]})


def of_images(model: vae.VAE, corpus: corpus_lib.Corpus) -> Examples:
  """Test images."""
  images = cast(image_corpus.ImageCorpus, corpus).splits["test"].images[_rows(corpus)]
  return Examples(
      shown=images[..., 0].astype(int).tolist(),
      row=_numbers(model, {"image": images[:1]}) | {
          "image": images[:1], "start": images[:1], "end": images[-1:]})


def _rows(corpus: corpus_lib.Corpus) -> np.ndarray:
  """Rows of the test split, evenly spaced, as files may be sorted by label."""
  count = corpus.splits["test"].num_examples
  return np.linspace(0, count - 1, min(count, _SHOWN)).astype(int)


def _numbers(model: vae.VAE, batch: vae.Batch) -> dict[str, Any]:
  """Inputs that are neither sentences nor images; `z` stands for the one row of the batch."""
  return {"z": model.posterior(batch).center.numpy(), "seed": [1], "weight": [0.5]}
