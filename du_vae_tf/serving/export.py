"""Writes the best weights of a run as a SavedModel that needs TensorFlow alone."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import cast

import numpy as np
import tensorflow as tf

from du_vae_tf import datasets
from du_vae_tf import report as report_lib
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import text_corpus
from du_vae_tf.serving import examples
from du_vae_tf.serving import image_signatures
from du_vae_tf.serving import latent_map
from du_vae_tf.serving import limits as limits_lib
from du_vae_tf.serving import model_card
from du_vae_tf.serving import signatures
from du_vae_tf.serving import text_signatures
from du_vae_tf.serving import versions
from du_vae_tf.serving import warmup
from du_vae_tf.training import runs


def _text(run: runs.Run, corpus: corpus_lib.Corpus,
          limits: limits_lib.Limits) -> signatures.Signatures:
  longest = cast(text_corpus.TextCorpus, corpus).splits["train"].max_words
  return text_signatures.TextSignatures(run.model, run.folder.vocabulary, limits, longest)


def _image(run: runs.Run, corpus: corpus_lib.Corpus,
           limits: limits_lib.Limits) -> signatures.Signatures:
  return image_signatures.ImageSignatures(run.model, corpus.sizes["side"], limits)


MODULES: dict[datasets.Modality, Callable[..., signatures.Signatures]] = {
    "text": _text, "image": _image}
EXAMPLES: dict[datasets.Modality, Callable[..., examples.Examples]] = {
    "text": examples.of_text, "image": examples.of_images}


def export(run: runs.Run, corpus: corpus_lib.Corpus, report: report_lib.Report,
           target: pathlib.Path, *, representation: np.ndarray, labels: np.ndarray,
           max_rows: int = limits_lib.MAX_ROWS, replace: bool = False) -> None:
  """Exports a run: the SavedModel, what servers read beside it, and its model card.

  Args:
    run: with its best weights.
    corpus: its data.
    report: of these weights.
    target: folder of the version.
    representation: float [N, m], of the first `latent_map.MAX_POINTS` test rows.
    labels: int [N], of the same rows.
    max_rows: most rows of a request.
    replace: whether a version that is there already makes way.

  Raises:
    errors.UserError: the version is there already.
  """
  modality = run.config.modality
  limits = limits_lib.Limits(max_rows=max_rows, max_words=run.config.max_length)
  module = MODULES[modality](run, corpus, limits)
  chosen = EXAMPLES[modality](run.model, corpus)
  with versions.written(target, replace=replace) as folder:
    tf.saved_model.save(module, str(folder), signatures=module.signatures)
    (folder / "assets.extra").mkdir()
    warmup.write(folder / warmup.NAME, module.signatures, chosen.row, run.config.method)
    latent_map.make(representation, labels, run.config.latent_dim).write(
        folder / latent_map.NAME, modality=modality, side=corpus.sizes.get("side"),
        examples=chosen.shown, **dataclasses.asdict(limits))
    model_card.make(run.config, corpus, report, limits).save(folder / "README.md")
