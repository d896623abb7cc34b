"""Folders with all that a run leaves for TensorBoard, made without training."""

from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import report as report_lib
from du_vae_tf.analysis import embedding_projector
from du_vae_tf.analysis import generation
from du_vae_tf.analysis import hparams
from du_vae_tf.analysis import text_generation
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import run_folder
from du_vae_tf.training import summaries

EXAMPLES, DIMENSIONS = 60, 3


def make_report(**changes: Any) -> report_lib.Report:
  """The report of a run."""
  values = {
      "dataset": "text", "method": "du_vae", "split": "test", "num_examples": EXAMPLES,
      "iw_samples": 5, "nll": 33.25, "nll_std_error": 0.5, "ppl": 25.5, "elbo_nll": 34.0,
      "reconstruction": 31.0, "kl": 3.0, "mi": 2.5, "au": 3, "mpd": 4.5, "ce": 1.5,
      "latent_dim": DIMENSIONS, "seed": 1, "epochs": 2, "best_epoch": 2, "train_seconds": 1.0,
      "precision": "float32"}
  return report_lib.Report(**(values | changes))


def write(path: str, images: bool = False, **settings: Any) -> run_folder.RunFolder:
  """Makes the folder of a run of two epochs.

  Args:
    path: of the folder.
    images: whether the projector shows images, or sentences.
    **settings: of the configuration.
  """
  random = np.random.default_rng(3)
  folder = run_folder.RunFolder(path)
  hparams.write_settings(folder, config_lib.resolve({"dataset": "text", **settings}, {}))
  mean = random.standard_normal([EXAMPLES, DIMENSIONS])
  collected = posterior_pass.Collected(
      reconstruction=np.full(EXAMPLES, 31.0), kl=np.full(EXAMPLES, 3.0),
      kl_per_dimension=np.ones(DIMENSIONS), mean=mean, variance=np.exp(mean), sample=mean,
      log_determinant=None, tokens=9 * EXAMPLES)
  epochs = summaries.EpochSummaries(folder)
  for epoch in (1, 2):
    epochs.write({"epoch": epoch, **collected.figures()}, collected)
  epochs.close()
  writer = tf.summary.create_file_writer(str(folder.tensorboard))
  with writer.as_default(step=2):
    hparams.write_figures(make_report())
    for kind, text in text_generation.tables(generation.Generated(
        ["the <unk> | of `it`"], [("a", "b")], [], [])).items():
      tf.summary.text(f"samples/{kind}", text)
  writer.close()
  labels = np.arange(EXAMPLES) % 2
  pictures = (random.random([EXAMPLES, 8, 8, 1]) < 0.5).astype(np.float32) if images else None
  embedding_projector.write(
      folder.tensorboard, "test split", mean.astype(np.float32),
      {"label": labels, "text": [f"sentence {row}" for row in range(EXAMPLES)]}, pictures)
  return folder
