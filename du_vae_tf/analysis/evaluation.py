"""The report of a run: every figure, on one split, with the best weights."""

import math
import pathlib

import numpy as np

from du_vae_tf import console
from du_vae_tf import report as report_lib
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.estimators import importance_nll
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import loop
from du_vae_tf.training import runs
from du_vae_tf.training import signals

_NO_CLOSED_FORM = (
    "needs the density or the mean of z under the aggregate of posteriors made by a flow, which are"
    " not tractable; that of z0 is given")


def evaluate(run: runs.Run, corpus: corpus_lib.Corpus, split: str, iw_samples: int,
             max_examples: int | None, stop: signals.StopRequest) -> report_lib.Report:
  """Computes the report.

  Args:
    run: with its best weights.
    corpus: its data.
    split: `train`, `valid` or `test`.
    iw_samples: samples of the importance-weighted NLL.
    max_examples: the first so many examples of the split; None for all.
    stop: asked between batches whether to end.

  Raises:
    errors.PreemptedError: the process was asked to stop.
  """
  dataset = corpus.evaluation_dataset(split, loop.EVALUATION_BATCH, max_examples)
  collected = posterior_pass.PosteriorPass(run.model, run.config.seed, "evaluation").collect(
      dataset, check=stop.check)
  bar = console.Bar(f"Importance-weighted NLL, {iw_samples} samples per example", stop.check)
  nll = importance_nll.ImportanceNLL(
      run.model, iw_samples, run.config.seed).estimate(dataset, bar).nll
  figures = collected.figures()
  return report_lib.Report(
      dataset=run.config.dataset, method=run.config.method, split=split, num_examples=len(nll),
      iw_samples=iw_samples, nll=float(nll.mean()),
      nll_std_error=float(nll.std(ddof=1) / math.sqrt(len(nll))) if len(nll) > 1 else None,
      ppl=float(np.exp(nll.sum() / collected.tokens)) if run.config.modality == "text" else None,
      **figures,
      latent_dim=run.config.latent_dim, seed=run.config.seed, epochs=run.progress.epoch,
      best_epoch=run.progress.best_epoch or run.progress.epoch,
      train_seconds=run.progress.train_seconds,
      precision=run.precision,
      null_reasons={name: _NO_CLOSED_FORM for name in ("mi", "au", "mpd")
                    if figures[name] is None} or None)


def save_evaluation(run: runs.Run, report: report_lib.Report) -> pathlib.Path:
  """Writes a later evaluation beside the run's own report."""
  run.folder.evaluations.mkdir(exist_ok=True)
  path = run.folder.evaluations / f"{report.split}-{report.iw_samples}.json"
  report.write(path)
  return path
