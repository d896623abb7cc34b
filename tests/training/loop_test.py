"""Runs: resume, interruption, divergence, the best weights, what is written."""

import contextlib
import dataclasses
import io
import json
import pathlib
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.training import checkpoints
from du_vae_tf.training import epoch_lines
from du_vae_tf.training import loop
from du_vae_tf.training import plateau
from du_vae_tf.training import regimes
from du_vae_tf.training import run_folder
from du_vae_tf.training import signals
from tests.testing import events
from tests.training import running
from tests.training import tiny
from tests.training import tiny_images


class _StopAt(keras.callbacks.Callback):
  """Asks for a stop after so many steps, as a signal would."""

  def __init__(self, stop: signals.StopRequest, steps: int):
    super().__init__()
    self._stop = stop
    self._left = steps

  def on_train_batch_end(self, batch, logs=None):
    self._left -= 1
    self._stop.requested = self._left <= 0


class CompiledTest(tf.test.TestCase):

  def test_several_replicas_are_refused_before_anything_is_built(self):
    corpus = mock.MagicMock()
    corpus.splits["train"].num_examples = 100
    strategy = mock.Mock(num_replicas_in_sync=2, cluster_resolver=None)
    config = tiny_images.make_config(jit_compile=True, strategy="mirrored")
    with self.assertRaisesRegex(
        errors.UserError, r"--jit_compile: .*--strategy=mirrored takes 2; .*one_device\.$"):
      loop.Training(config, corpus, mock.Mock(), signals.StopRequest(), strategy)
    strategy.scope.assert_not_called()


class LoopTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path

  def train(self, config: config_lib.RunConfig, stop_after: int | None = None) -> loop.Training:
    """Trains in `config.run_dir`; a fresh `Training` each time, as a fresh process has."""
    tf.config.experimental.enable_op_determinism()
    stop = signals.StopRequest()
    return running.train(
        config, stop, [] if stop_after is None else [_StopAt(stop, stop_after)])

  def weights(self, training: loop.Training) -> list[np.ndarray]:
    return [variable.numpy() for variable in training.model.variables]

  # 70 sentences in batches of 16: five steps an epoch.
  @parameterized.parameters(1, 5, 7, 14)
  def test_interrupted_and_resumed_run_ends_like_the_straight_one(self, stop_after):
    straight = self.train(tiny.make_config(self.folder, run_dir=f"{self.folder}/straight"))
    config = tiny.make_config(self.folder, run_dir=f"{self.folder}/interrupted")
    with self.assertRaises(errors.PreemptedError):
      self.train(config, stop_after)
    resumed = self.train(config)
    for ours, theirs in zip(self.weights(resumed), self.weights(straight), strict=True):
      np.testing.assert_array_equal(ours, theirs)
    self.assertEqual(resumed.progress.best_value, straight.progress.best_value)
    for row, expected in zip(self.metrics("interrupted"), self.metrics("straight"), strict=True):
      for timing in ("examples_per_second", "words_per_second"):
        del row[timing], expected[timing]
      self.assertEqual(row, expected)

  def metrics(self, run: str) -> list[dict]:
    text = pathlib.Path(self.folder, run, "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]

  def test_epochs_may_grow(self):
    self.train(tiny.make_config(self.folder, epochs=2))
    longer = self.train(tiny.make_config(self.folder, epochs=4))
    straight = self.train(tiny.make_config(self.folder, epochs=4, run_dir=f"{self.folder}/other"))
    self.assertAllEqual([row["epoch"] for row in self.metrics("run")], [1, 2, 3, 4])
    for ours, theirs in zip(self.weights(longer), self.weights(straight), strict=True):
      np.testing.assert_array_equal(ours, theirs)

  def test_metrics_have_every_figure(self):
    self.train(tiny.make_config(self.folder, epochs=2))
    rows = self.metrics("run")
    self.assertEqual(list(rows[0]), [
        "epoch", "step", "kl_weight", "learning_rate", "train_reconstruction", "train_kl",
        "elbo_nll", "reconstruction", "kl", "mi", "au", "mpd", "ce", "examples_per_second",
        "words_per_second"])
    self.assertEqual([row["step"] for row in rows], [5, 10])
    self.assertEqual([row["kl_weight"] for row in rows], [1.0, 1.0])
    self.assertAllClose(rows[1]["elbo_nll"], rows[1]["reconstruction"] + rows[1]["kl"])

  def test_metrics_and_curves_of_a_flow(self):
    self.train(tiny.make_config(self.folder, method="iaf_free_bits", flow_width=4, epochs=2))
    row = self.metrics("run")[1]
    self.assertEqual([row[name] for name in ("mi", "au", "mpd")], [None] * 3)
    self.assertLess(row["ce"], row["z0_ce"])
    tags = self.tags()
    self.assertContainsSubset({"epoch/kl", "epoch/z0_mi", "kl_per_dimension/001"}, tags)
    self.assertNotIn("epoch/mi", tags)

  @parameterized.parameters("du_iaf", "iaf_free_bits", "iaf_bn")
  def test_interrupted_flow_ends_like_the_straight_one(self, method):
    changes = {"method": method, "flow_width": 4, "epochs": 2}
    straight = self.train(
        tiny.make_config(self.folder, run_dir=f"{self.folder}/straight", **changes))
    config = tiny.make_config(self.folder, run_dir=f"{self.folder}/interrupted", **changes)
    with self.assertRaises(errors.PreemptedError):
      self.train(config, 7)
    for ours, theirs in zip(
        self.weights(self.train(config)), self.weights(straight), strict=True):
      np.testing.assert_array_equal(ours, theirs)

  def test_tensorboard_has_scalars_per_latent_dimension(self):
    self.train(tiny.make_config(self.folder, epochs=1))
    self.assertContainsSubset(
        {"epoch/kl", "epoch/mi", "epoch/kl_weight", "kl_per_dimension/001",
         "mean_variance/000"}, self.tags())

  def test_tensorboard_has_histograms_of_the_posteriors_of_every_epoch(self):
    self.train(tiny.make_config(self.folder, epochs=2))
    found = events.read(f"{self.folder}/run/tensorboard", "histograms")
    self.assertEqual(found.keys(), {"posterior/mean", "posterior/variance"})
    for epochs in found.values():
      self.assertEqual([step for step, _ in epochs], [1, 2])
      for _, buckets in epochs:
        self.assertEqual(buckets[:, 2].sum(), 20 * 2)  # Validation sentences and dimensions.
    scalars = events.read(f"{self.folder}/run/tensorboard", "scalars")
    for epoch, (_, buckets) in enumerate(found["posterior/variance"]):
      self.assertGreater(buckets[0, 0], 0.0)
      # A mean lies between the least and the largest.
      for dimension in ("000", "001"):
        _, variance = scalars[f"mean_variance/{dimension}"][epoch]
        self.assertBetween(variance, buckets[0, 0] - 1e-6, buckets[-1, 1] + 1e-6)

  def test_callbacks_get_the_figures_of_metrics(self):
    seen = []

    class Recorder(keras.callbacks.Callback):
      def on_epoch_end(self, epoch, logs=None):
        seen.append({"epoch": epoch + 1, **logs})

    running.train(tiny.make_config(self.folder, epochs=2), callbacks=[Recorder()])
    self.assertEqual(seen, self.metrics("run"))

  def tags(self) -> set[str]:
    return events.read(f"{self.folder}/run/tensorboard", "scalars").keys()

  def test_best_epoch_is_chosen_among_those_with_full_weight(self):
    training = self.train(tiny.make_config(self.folder, epochs=4, warmup_epochs=3))
    rows = self.metrics("run")
    full = [row for row in rows if row["kl_weight"] == 1.0]
    self.assertLen(full, 2)
    best = min(full, key=lambda row: row["elbo_nll"])
    self.assertEqual(training.progress.best_epoch, best["epoch"])
    self.assertEqual(training.progress.best_value, best["elbo_nll"])

  def test_last_epoch_is_the_best_if_warm_up_never_ends(self):
    config = tiny.make_config(self.folder, epochs=2, warmup_epochs=9)
    training = self.train(config)
    self.assertIsNone(training.progress.best_epoch)
    last = self.weights(training)
    for variable in training.model.variables:
      variable.assign(np.zeros(variable.shape))
    checkpoints.restore_best(
        run_folder.RunFolder(config.run_dir), training.model, training.progress)
    for ours, theirs in zip(self.weights(training), last, strict=True):
      np.testing.assert_array_equal(ours, theirs)

  def test_plateau_halves_the_rate_reloads_the_best_weights_and_stops(self):
    rule = plateau.Rule(patience=1, first_epoch=0, factor=0.5, max_decays=3, keeps_best=False,
                        counts_warmup=True)
    config = tiny.make_config(self.folder, epochs=300, learning_rate=4.0)
    row = dataclasses.replace(regimes.REGIMES["text"], rule=rule)
    with mock.patch.dict(regimes.REGIMES, {"text": row}):
      training = self.train(config)
    rows = self.metrics("run")
    self.assertTrue(training.progress.stopped)
    self.assertLess(len(rows), 300)
    rates = [row["learning_rate"] for row in rows]
    self.assertEqual(sorted(set(rates), reverse=True), [4.0, 2.0, 1.0])
    for before, after in zip(rows[:-1], rows[1:], strict=True):
      if after["learning_rate"] < before["learning_rate"]:
        earlier = [row["elbo_nll"] for row in rows[:rows.index(before)]]
        self.assertGreater(before["elbo_nll"], min(earlier))
    # The last decay reloaded the best weights, and nothing was trained after it.
    last = self.weights(training)
    checkpoints.restore_best(
        run_folder.RunFolder(config.run_dir), training.model, training.progress)
    for ours, theirs in zip(self.weights(training), last, strict=True):
      np.testing.assert_array_equal(ours, theirs)
    self.assertEqual(
        training.progress.best_value, min(row["elbo_nll"] for row in rows))

  @parameterized.parameters(("vae", "--method=du_vae"), ("bn_vae", "a larger --gamma"))
  def test_collapse_is_said_once_with_a_remedy(self, method, remedy):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
      self.train(tiny.make_config(self.folder, method=method, gamma=1e-3 if method == "bn_vae"
                                  else None))
    warnings = [line for line in output.getvalue().splitlines() if "WARNING" in line]
    self.assertLen(warnings, 1)
    self.assertRegex(warnings[0], f"0 of 2 latent units are active.*{remedy}")

  @parameterized.parameters(
      ("iaf_bn", "a larger --gamma, or --method=du_iaf"),
      ("iaf_free_bits", "a larger --free_bits, or --method=du_iaf"),
      ("du_iaf", "a larger --gamma or a smaller --keep_prob"))
  def test_collapse_of_a_flow_is_said_by_its_kl(self, method, remedy):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), mock.patch.object(
        epoch_lines, "_COLLAPSED_FLOW_KL", 9.0):
      self.train(tiny.make_config(self.folder, method=method, flow_width=4))
    warnings = [line for line in output.getvalue().splitlines() if "WARNING" in line]
    self.assertLen(warnings, 1)
    self.assertRegex(warnings[0], rf"KL is -?\d+\.\d\d: .*{remedy}")

  def test_divergence_names_term_and_step_and_keeps_the_last_good_state(self):
    config = tiny.make_config(self.folder, epochs=1)
    self.train(config)
    with self.assertRaisesRegex(errors.DivergedError, r"step \d+: the .* is not finite"):
      self.train(tiny.make_config(self.folder, epochs=3, learning_rate=1e30,
                                  run_dir=f"{self.folder}/wild"))
    self.assertEmpty(list(pathlib.Path(self.folder, "wild", "checkpoints").glob("*.index")))
    progress = checkpoints.read_progress(run_folder.RunFolder(config.run_dir))
    self.assertEqual((progress.epoch, progress.step), (1, 5))


if __name__ == "__main__":
  tf.test.main()
