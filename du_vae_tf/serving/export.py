"""Writes the best weights of a run as a SavedModel that needs TensorFlow alone."""

import pathlib
import shutil
from collections.abc import Callable
from typing import cast

import tensorflow as tf

from du_vae_tf import datasets
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import text_corpus
from du_vae_tf.serving import image_signatures
from du_vae_tf.serving import limits as limits_lib
from du_vae_tf.serving import signatures
from du_vae_tf.serving import text_signatures
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


def export(run: runs.Run, corpus: corpus_lib.Corpus) -> pathlib.Path:
  """Exports a run under `export/1/`, replacing an earlier export.

  Args:
    run: with its best weights.
    corpus: its data.

  Returns:
    The folder of the SavedModel.
  """
  module = MODULES[run.config.modality](
      run, corpus, limits_lib.Limits(max_words=run.config.max_length))
  target = run.folder.export / "1"
  unfinished = run.folder.export / "unfinished"
  shutil.rmtree(unfinished, ignore_errors=True)
  tf.saved_model.save(module, str(unfinished), signatures=module.signatures)
  shutil.rmtree(target, ignore_errors=True)
  unfinished.rename(target)
  return target
