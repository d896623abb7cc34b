"""Writes the best weights of a run as a SavedModel that needs TensorFlow alone."""

import pathlib
import shutil

import tensorflow as tf

from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.serving import signatures
from du_vae_tf.training import runs


def export(run: runs.Run, corpus: corpus_lib.TextCorpus) -> pathlib.Path:
  """Exports a run under `export/1/`, replacing an earlier export.

  Args:
    run: with its best weights.
    corpus: its data, for the longest training sentence.

  Returns:
    The folder of the SavedModel.
  """
  module = signatures.TextSignatures(
      run.model, run.folder.vocabulary, run.config.max_length, corpus.splits["train"].max_words)
  target = run.folder.export / "1"
  unfinished = run.folder.export / "unfinished"
  shutil.rmtree(unfinished, ignore_errors=True)
  tf.saved_model.save(module, str(unfinished), signatures={
      "serving_default": module.encode, "encode": module.encode,
      "reconstruct": module.reconstruct, "log_likelihood": module.log_likelihood})
  shutil.rmtree(target, ignore_errors=True)
  unfinished.rename(target)
  return target
