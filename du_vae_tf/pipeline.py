"""What the `train` command does: data, training, report, SavedModel, in one run folder."""

import contextlib
import pathlib
from typing import Any

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import exhaustion
from du_vae_tf import report as report_lib
from du_vae_tf.analysis import best_epoch
from du_vae_tf.analysis import evaluation
from du_vae_tf.analysis import hparams
from du_vae_tf.analysis import representations
from du_vae_tf.analysis import sample_summaries
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.serving import export as export_lib
from du_vae_tf.serving import latent_map
from du_vae_tf.training import checkpoints
from du_vae_tf.training import loop
from du_vae_tf.training import precision
from du_vae_tf.training import run_folder
from du_vae_tf.training import runs
from du_vae_tf.training import signals
from du_vae_tf.training import strategies
from du_vae_tf.training import workers


def train(config: config_lib.RunConfig,
          stop: signals.StopRequest) -> report_lib.Report | None:
  """Trains, evaluates and exports, or continues where an earlier call was interrupted.

  Args:
    config: of the run.
    stop: asked between steps whether to end.

  Returns:
    The report, which is also printed and written; of several workers the chief has it alone.

  Raises:
    errors.UserError: the data or the run folder do not fit the configuration.
    errors.DivergedError: a term of the loss is no longer finite.
    errors.PreemptedError: the process was asked to stop; the state is saved.
    errors.ExhaustedError: memory or the disk ran out, or a file may not be read or written.
  """
  if config.deterministic:
    tf.config.experimental.enable_op_determinism()
  stop.check()
  # First of all: several workers find each other before TensorFlow does anything else.
  with stop.lifted() if config.strategy == "multi_worker" else contextlib.nullcontext():
    strategy = strategies.make_strategy(config.strategy)
  group = workers.Workers(strategy)
  if not group.is_chief:
    console.mute()
  smaller = f"give a smaller --batch_size than {config.batch_size}"
  with group.watched(), exhaustion.told(smaller):
    with stop.at_once():
      corpus = group.chief_first(lambda: corpus_lib.load(config))
    group.agree(config.digits(corpus.digest), "flags or data")
    for note in corpus.notes:
      console.say(note)
    folder = run_folder.RunFolder(
        config.run_dir
        or f"runs/{config.dataset}-{config.method}-{config.digits(corpus.digest)}")
    try:
      with group.together():
        if group.is_chief:
          _claim(folder, config, corpus)
      console.say(f"Run folder: {folder.path}\n{_describe(config)}")
      console.say(f"Products in {precision.resolve(config.precision, config.hidden_size)}.")
      report = _finished_report(config, folder)
      if report is not None:
        return report
      callbacks = _prepared(config, corpus, folder) if group.is_chief else []
      loop.Training(config, corpus, folder, stop, strategy, callbacks).run()
      return _complete(config, corpus, folder, stop) if group.is_chief else None
    finally:
      folder.release()


def _claim(folder: run_folder.RunFolder, config: config_lib.RunConfig,
           corpus: corpus_lib.Corpus) -> None:
  """Makes the folder of a run, or takes up that of an earlier call."""
  folder.acquire()
  if config.overwrite:
    folder.clear()
  folder.save_config(config, corpus.digest, corpus.sizes)


def _describe(config: config_lib.RunConfig) -> str:
  values = {name: value for name, value in config.to_dict().items() if value is not None}
  return "Configuration: " + " ".join(f"--{name}={value}" for name, value in values.items())


def _finished_report(config: config_lib.RunConfig,
                     folder: run_folder.RunFolder) -> report_lib.Report | None:
  """The report of a run that has nothing left to do, printed again."""
  if not folder.report.exists():
    return None
  progress = checkpoints.read_progress(folder)
  if progress.epoch < config.epochs and not progress.stopped:
    return None
  report = report_lib.Report.read(folder.report)
  console.say("This run is finished; --epochs may grow, --overwrite starts anew.\n")
  console.say(report.table())
  if report.iw_samples != config.iw_samples:
    console.say(f"\nThis report has {report.iw_samples} samples; for {config.iw_samples}: bazel run"
                f" //du_vae_tf:evaluate -- --run_dir={folder.path}"
                f" --iw_samples={config.iw_samples}")
  return report


def _prepared(config: config_lib.RunConfig, corpus: corpus_lib.Corpus,
              folder: run_folder.RunFolder) -> list[keras.callbacks.Callback]:
  """Writes what a run needs besides its weights; gives what is called in training."""
  corpus.save(folder.vocabulary)
  hparams.write_settings(folder, config)
  return [sample_summaries.SampleSummaries(config, corpus, folder)]


def _complete(config: config_lib.RunConfig, corpus: corpus_lib.Corpus,
              folder: run_folder.RunFolder, stop: signals.StopRequest) -> report_lib.Report:
  run = runs.load(str(folder.path), config.precision)
  report = evaluation.evaluate(
      run, corpus, "test", config.iw_samples, config.max_eval_examples, stop)
  # What draws and what is exported is float32: it also runs where nothing is fast in less.
  run = runs.load(str(folder.path))
  best_epoch.write(run, corpus, report, stop.check)
  path = folder.export / "1"
  export(run, corpus, report, path, stop, replace=True)
  report.write(folder.report)
  console.say(f"\n{report.table()}\n")
  console.say(f"Report: {folder.report}\nSavedModel: {path}\nSamples: {folder.samples}")
  console.say(f"Curves, histograms, samples, latent space: bazel run //du_vae_tf:dashboard --"
              f" --run_dir={folder.path}")
  return report


def export(run: runs.Run, corpus: corpus_lib.Corpus, report: report_lib.Report,
           path: pathlib.Path, stop: signals.StopRequest, **options: Any) -> None:
  """Exports a run with a map of its test rows.

  Args:
    run: with its best weights, in float32.
    corpus: its data.
    report: of these weights.
    path: of the version.
    stop: asked between batches whether to end.
    **options: of `serving.export.export`.

  Raises:
    errors.PreemptedError: the process was asked to stop.
    errors.UserError: the version is there already.
  """
  console.say(f"Exporting to {path}")
  encoded = representations.encode(run, corpus, "test", latent_map.MAX_POINTS, stop.check)
  export_lib.export(
      run, corpus, report, path, representation=encoded.representation, labels=encoded.labels,
      **options)
