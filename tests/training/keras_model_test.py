"""Keras's `fit` takes the steps of the training loop, and works with what users hang on it."""

import dataclasses
import pathlib
import tempfile
from typing import Any

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.training import keras_model
from tests.training import running
from tests.training import tiny
from tests.training import tiny_images

SPEEDS = {"examples_per_second", "words_per_second"}


def sentences(config: config_lib.RunConfig, split: str) -> list[str]:
  return pathlib.Path(getattr(config, f"{split}_file")).read_text(encoding="utf-8").splitlines()


def weights(network: keras.Model) -> list[np.ndarray]:
  return [variable.numpy() for variable in network.variables]


def saved(model: keras_model.TrainableVAE) -> dict[str, np.ndarray]:
  """What the file of its weights has besides weights."""
  store: dict[str, np.ndarray] = {}
  model.save_own_variables(store)
  return store


class Recorder(keras.callbacks.Callback):
  """What a user's own callback sees."""

  def __init__(self):
    super().__init__()
    self.batches, self.epochs = [], []

  def on_train_batch_end(self, batch, logs=None):
    self.batches.append((batch, dict(logs)))

  def on_epoch_end(self, epoch, logs=None):
    self.epochs.append((epoch, dict(logs)))


class LoopTest(parameterized.TestCase):

  # agg_vae updates encoder and decoder apart, sa_vae has gradients of its own.
  @parameterized.parameters("du_vae", "agg_vae", "sa_vae", "du_iaf")
  def test_fit_takes_the_steps_of_the_loop(self, method):
    config = tiny.make_config(
        self.create_tempdir().full_path, method=method, epochs=2, deterministic=False,
        precision="float32", latent_dim=3, svi_steps=2 if method == "sa_vae" else None)
    trained = running.train(config)
    model = keras_model.TrainableVAE(config)
    model.compile(steps_per_execution=3)  # Of five steps in an epoch.
    history = model.fit(
        sentences(config, "train"), epochs=2, validation_data=sentences(config, "valid"),
        verbose=0)

    # The same operations in the same order.
    for one, other in zip(weights(trained.model), weights(model.network), strict=True):
      np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-6)
    self.assertEqual(history.epoch, [0, 1])
    rows = trained.progress.history
    named = {name for name, value in rows[0].items() if value is not None} - {"epoch"}
    self.assertEqual(history.history.keys(), named | {"loss"})
    for name in named - SPEEDS:
      np.testing.assert_allclose(
          history.history[name], [row[name] for row in rows], rtol=1e-4, atol=1e-4, err_msg=name)

  def test_on_images_too(self):
    images = np.random.default_rng(0).random((40, tiny_images.SIDE, tiny_images.SIDE))
    folder = self.create_tempdir().full_path
    paths = {f"{split}_file": f"{folder}/{split}.npz" for split in ("train", "valid", "test")}
    for path in paths.values():
      np.savez(path, images=images.astype(np.float32))
    config = tiny_images.make_config(
        **paths, epochs=1, batch_size=20, precision="float32", run_dir=f"{folder}/run",
        data_dir=f"{folder}/data")
    with tiny_images.thin_decoder():
      trained = running.train(config)
      model = keras_model.TrainableVAE(config)
      model.compile()
      history = model.fit(images, validation_data=images, verbose=0)
    for one, other in zip(weights(trained.model), weights(model.network), strict=True):
      np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-6)
    for name in ("train_reconstruction", "elbo_nll", "kl"):
      np.testing.assert_allclose(
          history.history[name], trained.progress.history[0][name], rtol=1e-5)
    self.assertNotIn("words_per_second", history.history)


class FitTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
    cls.config = tiny.make_config(cls.folder, precision="float32")
    cls.train, cls.valid = (sentences(cls.config, split) for split in ("train", "valid"))
    cls.recorder = Recorder()
    cls.model = cls.compiled()
    cls.history = cls.model.fit(
        cls.train, epochs=2, validation_data=cls.valid, verbose=0, callbacks=[
            cls.recorder, keras.callbacks.TensorBoard(f"{cls.folder}/tensorboard"),
            keras.callbacks.ModelCheckpoint(
                f"{cls.folder}/{{epoch}}.weights.h5", monitor="elbo_nll", mode="min",
                save_weights_only=True)])

  @classmethod
  def compiled(cls, *args: Any, **values: Any) -> keras_model.TrainableVAE:
    model = keras_model.TrainableVAE(dataclasses.replace(cls.config, **values))
    model.compile(*args)
    return model

  def test_callbacks_see_means_of_the_epoch_and_then_its_figures(self):
    self.assertEqual([batch for batch, _ in self.recorder.batches], [0, 1, 2, 3, 4] * 2)
    for _, logs in self.recorder.batches:
      self.assertEqual(logs.keys(), {"loss", "train_reconstruction", "train_kl"})
    (first, figures), (second, _) = self.recorder.epochs
    self.assertEqual((first, second), (0, 1))
    self.assertEqual(figures, {name: values[0] for name, values in self.history.history.items()})
    self.assertEqual((figures["step"], figures["kl_weight"]), (5, 1.0))
    self.assertEqual(figures["train_kl"], self.recorder.batches[4][1]["train_kl"])

  def test_callbacks_of_keras_write_what_they_see(self):
    events, = pathlib.Path(self.folder, "tensorboard", "train").glob("*.v2")
    self.assertIn(b"epoch_elbo_nll", events.read_bytes())
    model = self.compiled()
    model.load_weights(f"{self.folder}/2.weights.h5")
    self.assertEqual(model.evaluate(self.valid), self.model.evaluate(self.valid))

  def test_going_on_is_as_never_having_stopped(self):
    model = self.compiled()
    model.fit(self.train, verbose=0)
    again = model.fit(self.train, initial_epoch=1, epochs=2, verbose=0)
    self.assertEqual((again.epoch, again.history["step"]), ([1], [10]))
    self.assertNotIn("elbo_nll", again.history)
    for one, other in zip(
        weights(model.network), weights(self.model.network), strict=True):
      np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-6)

  @parameterized.named_parameters(
      ("callback", [], [keras.callbacks.LearningRateScheduler(lambda epoch: 1.0 - epoch)]),
      ("schedule", [keras.optimizers.Adam(
          keras.optimizers.schedules.PiecewiseConstantDecay([4], [0.01, 0.0]))], []))
  def test_learning_rate_is_that_of_encoder_and_decoder(self, args, callbacks):
    model = self.compiled(*args)
    model.fit(self.train, verbose=0, callbacks=callbacks)
    before = weights(model.network)
    history = model.fit(
        self.train, initial_epoch=1, epochs=2, verbose=0, callbacks=callbacks)
    self.assertEqual(history.history["learning_rate"], [0.0])
    for one, other, variable in zip(
        before, weights(model.network), model.network.variables, strict=True):
      if variable.trainable:
        np.testing.assert_array_equal(one, other, err_msg=variable.path)
    untrained = self.compiled()
    untrained.load_own_variables(saved(model))
    for one, other in zip(before, weights(untrained.network), strict=True):
      self.assertGreater(np.abs(one - other).max(), 0.0)

  def test_a_callback_may_end_the_training(self):
    # That which falls counts as no improvement.
    stop = keras.callbacks.EarlyStopping(monitor="elbo_nll", mode="max", patience=1)
    history = self.compiled().fit(
        self.train, epochs=9, validation_data=self.valid, verbose=0, callbacks=[stop])
    self.assertEqual(history.epoch, [0, 1])

  def test_evaluate_gives_the_figures_of_a_pass(self):
    figures = self.model.evaluate(self.valid[:7])
    self.assertEqual(
        figures.keys(), {"elbo_nll", "reconstruction", "kl", "mi", "au", "mpd", "ce"})
    self.assertAlmostEqual(
        figures["elbo_nll"], figures["reconstruction"] + figures["kl"], places=5)

  def test_weights_of_another_vocabulary_are_refused(self):
    model = self.compiled()
    model.fit(["other words"] * 16, verbose=0)
    with self.assertRaisesRegex(ValueError, "model's own vocabulary"):
      model.load_weights(f"{self.folder}/2.weights.h5")

  def test_weights_of_something_else_are_refused(self):
    path = f"{self.folder}/other.weights.h5"
    other = keras.Sequential([keras.layers.Dense(1)])
    other.build((None, 1))
    other.save_weights(path)
    with self.assertRaisesRegex(ValueError, "must be one that `save_weights`"):
      self.compiled().load_weights(path)

  def test_a_loss_that_is_not_finite_ends_the_training(self):
    model = self.compiled("sgd", gamma=1e30)
    with self.assertRaisesRegex(errors.DivergedError, r"step \d+: the .* is not finite"):
      model.fit(self.train, verbose=0)

  def test_mistake_is_named(self):
    model = keras_model.TrainableVAE(self.config)
    with self.assertRaisesRegex(errors.UserError, "fit: call compile first"):
      model.fit(self.train)
    with self.assertRaisesRegex(errors.UserError, "no weights yet: call fit or load_weights"):
      model.evaluate(self.valid)
    with self.assertRaisesRegex(errors.UserError, "no weights yet: call fit or load_weights"):
      model.save_weights(f"{self.folder}/none.weights.h5")
    aggressive = keras_model.TrainableVAE(tiny.make_config(self.folder, method="agg_vae"))
    aggressive.compile()
    with self.assertRaisesRegex(errors.UserError, "validation_data: must be given with .*agg_vae"):
      aggressive.fit(self.train)


if __name__ == "__main__":
  absltest.main()
