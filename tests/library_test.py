"""Trained runs as a library gives them: from their folders alone, and as the commands answer."""

import contextlib
import io
import json
import pathlib
import shutil
import tempfile

import numpy as np
import PIL.Image
from absl.testing import absltest
from absl.testing import parameterized

import du_vae_tf
from du_vae_tf import command_line
from du_vae_tf import generate
from du_vae_tf.analysis import evaluation
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.training import runs
from du_vae_tf.training import signals
from tests.data import own_images
from tests.training import running
from tests.training import tiny
from tests.training import tiny_images

SIDE = 8


def generated(run: str, *flags: str) -> dict:
  """What the command draws from a run."""
  with contextlib.redirect_stdout(io.StringIO()):
    generate.main(command_line.explicit_values(
        generate.SPECS, [f"--run_dir={run}", f"--output_dir={run}/drawn", *flags]))
  return json.loads(pathlib.Path(run, "drawn", "generated.json").read_text())


class TextTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
    cls.config = tiny.make_config(
        cls.folder, method="du_iaf", latent_dim=3, flow_width=2, epochs=2, max_length=6,
        precision="float32")
    running.train(cls.config)
    corpus = corpus_lib.load(cls.config)
    cls.sentences = pathlib.Path(cls.config.test_file).read_text(encoding="utf-8").splitlines()
    loaded = runs.load(cls.config.run_dir)
    cls.report = evaluation.evaluate(loaded, corpus, "test", 20, None, signals.StopRequest())
    cls.report.write(loaded.folder.report)
    # The run alone, out of reach of its data.
    cls.run_dir = f"{cls.folder}/elsewhere"
    shutil.copytree(cls.config.run_dir, cls.run_dir)
    cls.trained = du_vae_tf.load_run(pathlib.Path(cls.run_dir))

  def test_run_knows_its_configuration_and_report(self):
    self.assertEqual(self.trained.config.mathematics(), self.config.mathematics())
    self.assertEqual(self.trained.report, self.report)
    self.assertEqual(self.trained.model.latent_dim, 3)

  def test_encoding_has_the_parts_of_the_posterior(self):
    encoded = self.trained.encode(self.sentences)
    self.assertIsInstance(encoded, du_vae_tf.Encoding)
    for name, size in (("mean", 3), ("variance", 3), ("center", 3), ("representation", 6),
                       ("sample", 3), ("kl_per_dimension", 3)):
      self.assertEqual(getattr(encoded, name).shape, (20, size), name)
    np.testing.assert_array_equal(
        encoded.representation, np.concatenate([encoded.mean, encoded.center], axis=1))
    # Others in the batch change rounding alone.
    alone = self.trained.encode(self.sentences[4:5])
    np.testing.assert_allclose(alone.center[0], encoded.center[4], atol=1e-6)

  def test_words_and_lengths_that_the_model_does_not_know(self):
    long = "w1 w2 w3 w4 w5 w6"
    np.testing.assert_array_equal(
        self.trained.encode([f"{long} w7 w8"]).mean, self.trained.encode([long]).mean)
    np.testing.assert_array_equal(
        self.trained.encode(["w1 never"]).mean, self.trained.encode(["w1 seen"]).mean)

  @parameterized.parameters(
      {}, {"decoding": "beam", "beam_width": 2},
      {"decoding": "sample", "temperature": 0.7, "top_k": 5})
  def test_what_is_decoded_is_what_the_command_decodes(self, **choice):
    first, second = self.sentences[:2]
    found = generated(
        self.config.run_dir, f"--between={first}", f"--between={second}", "--num_samples=4",
        "--draw_seed=3", "--steps=4", *(f"--{name}={value}" for name, value in choice.items()))
    self.assertEqual(self.trained.sample(4, seed=3, **choice), found["samples"])
    self.assertEqual(
        self.trained.interpolate(first, second, 4, seed=3, **choice), found["paths"][0]["steps"])
    sources, decoded = zip(*found["reconstructions"], strict=True)
    self.assertEqual(self.trained.reconstruct(sources, seed=3, **choice), list(decoded))
    centers = self.trained.encode(sources).center
    self.assertEqual(self.trained.decode(centers, seed=3, **choice), list(decoded))

  def test_likelihood_is_that_of_the_evaluation(self):
    found = self.trained.log_likelihood(self.sentences, samples=20)
    self.assertEqual((found.shape, found.dtype), ((20,), np.float64))
    self.assertAlmostEqual(-found.mean(), self.report.nll, places=4)
    # Sentence by sentence: the noise belongs to the place among the examples.
    np.testing.assert_allclose(
        self.trained.log_likelihood(self.sentences[:3], samples=20), found[:3], rtol=1e-5)
    self.assertFalse(np.allclose(
        self.trained.log_likelihood(self.sentences[:3], samples=20, seed=1), found[:3], rtol=1e-5))

  @parameterized.parameters(
      (lambda run: run.encode("one sentence"), "examples: one str; expected a list of strings"),
      (lambda run: run.encode([]), "examples: none; expected at least one"),
      (lambda run: run.reconstruct([" "]), r"examples\[0\]: an empty sentence"),
      (lambda run: run.decode([1.0, 2.0, 3.0]), r"z: of shape \[3\]; expected \[b, 3\]"),
      (lambda run: run.decode([["a"] * 3]), r"z: no array of numbers; .*\[b, 3\]"),
      (lambda run: run.decode([[0.0, np.nan, 0.0]]), "z: has values that are NaN"),
      (lambda run: run.decode([[0.0] * 3], top_k=2), "--top_k: has an effect with"),
      (lambda run: run.decode([[0.0] * 3], seed=-1), "seed=-1: must be a whole number"),
      (lambda run: run.interpolate("w1", "w2", 1), "steps=1: must be .* of at least 2"),
      (lambda run: run.interpolate("w1", ""), r"end\[0\]: an empty sentence"),
      (lambda run: run.sample(2.5), "count=2.5: must be a whole number"),
      (lambda run: run.log_likelihood(["w1"], samples=0), "samples=0: must be"))
  def test_mistake_is_named(self, call, message):
    with self.assertRaisesRegex(du_vae_tf.UserError, message):
      call(self.trained)

  def test_folder_without_a_run_is_named(self):
    with self.assertRaisesRegex(du_vae_tf.UserError, "no run here"):
      du_vae_tf.load_run(self.folder)


class ImageTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.enterClassContext(tiny_images.thin_decoder())
    cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
    paths = own_images.write_arrays(cls.folder, side=SIDE, rows=60)
    cls.config = tiny_images.make_config(
        **paths, epochs=1, batch_size=16, warmup_epochs=0, precision="float32",
        run_dir=f"{cls.folder}/run", data_dir=f"{cls.folder}/data")
    running.train(cls.config)
    cls.trained = du_vae_tf.load_run(cls.config.run_dir)
    cls.images = np.random.default_rng(1).random([5, SIDE, SIDE]) < 0.3

  def test_run_that_is_not_finished_has_no_report(self):
    self.assertIsNone(self.trained.report)

  def test_images_of_any_type_are_the_same_images(self):
    expected = self.trained.encode(self.images).mean
    self.assertEqual(expected.shape, (5, 3))
    for same in (255 * self.images.astype(np.uint8), self.images.astype(float)[..., np.newaxis],
                 0.2 + 0.6 * self.images):
      np.testing.assert_array_equal(self.trained.encode(same).mean, expected)

  def test_what_is_decoded_is_what_the_command_decodes(self):
    for number in range(2):
      PIL.Image.fromarray(255 * self.images[number].astype(np.uint8)).save(
          f"{self.folder}/{number}.png")
    steps = self.trained.interpolate(self.images[0], self.images[1], steps=3, seed=2)
    self.assertEqual(steps.shape, (3, SIDE, SIDE, 1))
    self.assertEqual(np.unique(steps).tolist(), [0.0, 1.0])
    generated(
        self.config.run_dir, "--draw_seed=2", "--steps=3", "--num_samples=4",
        f"--between={self.folder}/0.png", f"--between={self.folder}/1.png")
    for name, images, first in (
        ("paths", steps, 1), ("samples", self.trained.sample(4, seed=2), 0)):
      with PIL.Image.open(f"{self.config.run_dir}/drawn/generated-{name}.png") as picture:
        pixels = np.asarray(picture)
      for number, image in enumerate(images, first):
        left = 2 + number * (3 * SIDE + 2)  # Enlarged three times, with gaps of two pixels.
        np.testing.assert_array_equal(
            pixels[2:2 + 3 * SIDE:3, left:left + 3 * SIDE:3], 255 * image[..., 0])

  def test_seed_and_place_fix_what_is_drawn(self):
    z = np.zeros([2, 3])
    drawn = self.trained.decode(z, seed=1)
    np.testing.assert_array_equal(drawn, self.trained.decode(z, seed=1))
    self.assertFalse(np.array_equal(drawn[0], drawn[1]))
    self.assertFalse(np.array_equal(drawn, self.trained.decode(z, seed=2)))
    self.assertEqual(self.trained.reconstruct(self.images).shape, (5, SIDE, SIDE, 1))

  def test_likelihoods_are_of_binary_images(self):
    found = self.trained.log_likelihood(self.images, samples=5)
    self.assertTrue((found < 0.0).all())
    self.assertGreater(found.min(), -2.0 * SIDE * SIDE)

  def test_mistake_is_named(self):
    for call, message in (
        (lambda: self.trained.encode(np.zeros([1, 9, 9])), "9 x 9 pixels; .* takes 8 x 8"),
        (lambda: self.trained.encode(self.images[0]), "examples has images of shape 8 x 8"),
        (lambda: self.trained.sample(1, decoding="beam"), "--decoding=beam: has an effect")):
      with self.assertRaisesRegex(du_vae_tf.UserError, message):
        call()


class VAETest(parameterized.TestCase):

  SETTINGS = {"latent_dim": 2, "hidden_size": 8, "embedding_size": 6, "warmup_epochs": 0}

  def test_settings_are_the_flags(self):
    model = du_vae_tf.VAE(method="bn_vae", gamma=1, max_length=None, seed=5)
    self.assertEqual((model.config.method, model.config.gamma), ("bn_vae", 1.0))
    expected = command_line.resolve(
        {"dataset": "text", "method": "bn_vae", "gamma": 1.0, "seed": 5})
    self.assertEqual(model.config, expected)
    self.assertEqual(du_vae_tf.VAE(dataset="yahoo").config.batch_size, 32)
    images = du_vae_tf.VAE(dataset="images", precision="float32")
    self.assertEqual((images.config.decoder, images.config.batch_size), ("pixel_cnn", 50))

  @parameterized.parameters(
      ({"gama": 1.0}, "gama: no such setting; did you mean gamma"),
      ({"colour": 1.0}, "colour: no such setting; there are .*method.*precision"),
      ({"epochs": 3}, "epochs: has no effect on VAE"),
      ({"train_file": "x"}, "train_file: has no effect on VAE"),
      ({"latent_dim": "x"}, "--latent_dim=x: must be a whole number"),
      ({"latent_dim": 2.5}, "--latent_dim=2.5: must be a whole number"),
      ({"method": "vae", "gamma": 0.5}, "--gamma has no effect on --method=vae"),
      ({"keep_prob": 0.0}, r"--keep_prob=0.0: must be in \(0, 1\]"),
      ({"dataset": "images", "hidden_size": 9}, "--hidden_size has no effect"))
  def test_mistaken_setting_is_named(self, settings, message):
    with self.assertRaisesRegex(du_vae_tf.UserError, message):
      du_vae_tf.VAE(**settings)

  @parameterized.parameters("float32", "bfloat16")
  def test_trained_model_encodes_and_decodes_and_survives_a_file(self, precision):
    sentences = [f"w{row % 7} w{row % 5} w{row % 3}" for row in range(64)]
    model = du_vae_tf.VAE(**self.SETTINGS, precision=precision)
    model.compile()
    with self.assertRaisesRegex(du_vae_tf.UserError, "call fit or load_weights first"):
      model.encode(sentences)
    model.fit(sentences, verbose=0)
    first = model.encode(sentences)
    model.fit(sentences, initial_epoch=1, epochs=2, verbose=0)
    encoded = model.encode(sentences)
    self.assertGreater(np.abs(encoded.mean - first.mean).max(), 1e-4)
    path = f"{self.create_tempdir().full_path}/a.weights.h5"
    model.save_weights(path)
    other = du_vae_tf.VAE(**self.SETTINGS, precision="float32")
    other.load_weights(path)
    # What encodes is float32 in either.
    np.testing.assert_allclose(other.encode(sentences).mean, encoded.mean, rtol=0, atol=1e-6)
    self.assertEqual(other.decode(encoded.center), model.reconstruct(sentences))
    self.assertLen(other.interpolate(sentences[0], sentences[1]), 5)
    self.assertEqual(other.sample(3, seed=1), model.sample(3, seed=1))
    np.testing.assert_allclose(
        other.log_likelihood(sentences[:2], samples=5),
        model.log_likelihood(sentences[:2], samples=5), rtol=1e-5)


if __name__ == "__main__":
  absltest.main()
