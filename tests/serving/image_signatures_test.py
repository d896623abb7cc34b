"""The exported graph of an image model against the Python model."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.serving import image_signatures
from du_vae_tf.serving import likelihood
from du_vae_tf.serving import limits
from tests.data import own_images
from tests.serving import contract
from tests.training import tiny_images

SIDE, LATENT_DIM = tiny_images.SIDE, tiny_images.LATENT_DIM


class SignaturesTest(contract.Contract):

  method = "du_vae"
  example = "image"

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    folder = cls.enterClassContext(tempfile.TemporaryDirectory())
    cls.model = tiny_images.build_model(tiny_images.make_config(method=cls.method))
    generator = np.random.default_rng(1)
    for variable in cls.model.variables:  # Moments, shifts and biases that do something.
      if variable.name in ("scale", "moving_variance"):
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
      elif variable.name in ("shift", "moving_mean", "bias"):
        variable.assign(generator.normal(0.0, 0.5, variable.shape))
      elif "latent" in variable.path:  # So that images depend on z.
        variable.assign(3.0 * variable)
    module = image_signatures.ImageSignatures(
        cls.model, SIDE, limits.Limits(max_rows=contract.MAX_ROWS))
    cls.path = str(pathlib.Path(folder) / "saved")
    tf.saved_model.save(module, cls.path, signatures=module.signatures)
    cls.loaded = tf.saved_model.load(cls.path)
    cls.grey = own_images.draw(4, SIDE, seed=2)[0][..., np.newaxis]
    cls.binary = (cls.grey > 0.5).astype(np.float32)
    cls.given = {
        "image": cls.binary[:3], "start": cls.grey[1:], "end": cls.binary[:3],
        "z": generator.normal(size=[3, LATENT_DIM]), "weight": [0.2, 0.5, 0.9],
        "seed": [11, 5, 12]}

  def ask(self, name: str, *, image: np.ndarray | None = None,
          seed: list[int] | None = None) -> dict[str, np.ndarray]:
    given = {} if image is None else {"image": tf.constant(image)}
    if seed is not None:
      given["seed"] = tf.constant(seed, tf.int64)
    return {key: value.numpy() for key, value in self.loaded.signatures[name](**given).items()}

  def draws(self, seed: list[int]) -> np.ndarray:
    """The draws of the pixels that belong to these seeds."""
    rows = tf.zeros([len(seed)], tf.int64)
    uniform = seeds.row_uniforms(tf.constant(seed, tf.int64), "pixels", rows, [SIDE, SIDE])
    return uniform.numpy()[..., np.newaxis]

  def check_drawn(self, answers: dict[str, np.ndarray], z: tf.Tensor, seed: list[int]) -> None:
    """That images are samples given z, by a full pass of the decoder over each."""
    image, probabilities = answers["image"], answers["probabilities"]
    self.assertEqual(image.shape, (len(seed), SIDE, SIDE, 1))
    self.assertAllEqual(np.unique(image), [0.0, 1.0])
    expected = tf.sigmoid(self.model.decoder.logits(z, tf.constant(image)))
    self.assertAllClose(probabilities, expected, rtol=0.0, atol=1e-5)
    self.assertAllEqual(image, (self.draws(seed) < probabilities).astype(np.float32))

  def test_encode_equals_the_python_model(self):
    posterior = self.model.posterior({"image": tf.constant(self.binary)})
    answers = self.ask("encode", image=self.binary)
    self.assertAllClose(answers["mean"], posterior.mean, rtol=1e-4, atol=1e-5)
    self.assertAllClose(answers["variance"], posterior.variance, rtol=1e-4)
    self.assertAllClose(answers["representation"], posterior.representation(), rtol=1e-4, atol=1e-5)
    self.assertAllClose(answers["center"], posterior.center, rtol=1e-4, atol=1e-5)
    self.assertNotAllClose(answers["mean"][0], answers["mean"][1], rtol=1e-2)

  def test_reconstruct_samples_at_the_center_of_the_posterior(self):
    seed = [5, 9, 5, 2]
    center = self.model.posterior({"image": tf.constant(self.binary)}).center
    self.check_drawn(self.ask("reconstruct", image=self.binary, seed=seed), center, seed)

  def test_generate_samples_at_draws_of_the_prior(self):
    seed = [5, 9, 2**40]
    rows = tf.zeros([3], tf.int64)
    z = seeds.row_normals(tf.constant(seed, tf.int64), "generate", rows, [LATENT_DIM])
    answers = self.ask("generate", seed=seed)
    self.check_drawn(answers, z, seed)
    self.assertNotAllEqual(answers["image"][0], answers["image"][1])
    # At another z the same images have other probabilities, so that the check above can fail.
    other = tf.sigmoid(self.model.decoder.logits(-z, tf.constant(answers["image"])))
    self.assertNotAllClose(answers["probabilities"], other, rtol=0.0, atol=0.01)

  def test_log_likelihood_equals_the_python_estimate(self):
    images, seed = self.binary[:2], tf.constant([5, 9], tf.int64)
    samples = likelihood.SAMPLES
    noise = seeds.row_normals(
        seed, "log_likelihood", tf.zeros_like(seed), [samples, LATENT_DIM])
    weights = self.model.log_weights(
        {"image": tf.constant(images)}, tf.transpose(noise, [1, 0, 2]))
    expected = tf.reduce_logsumexp(weights, axis=0) - np.log(samples)
    answers = self.ask("log_likelihood", image=images, seed=[5, 9])
    self.assertAllClose(answers["log_likelihood"], expected, rtol=1e-5)

  def test_grey_values_count_as_ink_above_one_half(self):
    seed = [1, 2, 3, 4]
    grey = np.where(self.binary == 1.0, 0.51, 0.5).astype(np.float32)
    for name, given in (("encode", {}), ("reconstruct", {"seed": seed}),
                        ("log_likelihood", {"seed": seed})):
      binary = self.ask(name, image=self.binary, **given)
      for key, value in self.ask(name, image=grey, **given).items():
        self.assertAllEqual(value, binary[key], f"{name} {key}")
    self.assertGreater(np.sum((self.grey > 0.0) & (self.grey < 1.0)), 0)
    self.assertAllEqual(self.ask("encode", image=self.grey)["mean"],
                        self.ask("encode", image=self.binary)["mean"])

  def test_answers_depend_on_the_seed(self):
    given = {"image": self.binary[[1, 1]], "z": np.zeros([2, LATENT_DIM])}
    for name in ("decode", "reconstruct", "log_likelihood", "generate"):
      for first, second in self.call(name, **given, seed=[5, 6]).values():
        self.assertNotAllClose(first, second, rtol=1e-6, atol=1e-6, msg=name)
      for first, second in self.call(name, **given, seed=[5, 5]).values():
        self.assertAllClose(first, second, rtol=1e-5, atol=1e-5, msg=name)

  def test_signatures_are_those_of_the_contract(self):
    n, m = LATENT_DIM, LATENT_DIM * (2 if self.method == "du_iaf" else 1)
    pixels = ("float32", None, SIDE, SIDE, 1)
    image, seed = {"image": pixels}, {"seed": ("int64", None)}
    drawn = {"image": pixels, "probabilities": pixels}
    encoded = {"mean": ("float32", None, n), "variance": ("float32", None, n),
               "representation": ("float32", None, m), "center": ("float32", None, n)}
    self.assertEqual(self.shapes(), {
        "serving_default": (image, encoded), "encode": (image, encoded),
        "decode": ({"z": ("float32", None, n), **seed}, drawn),
        "reconstruct": (image | seed, drawn), "generate": (seed, drawn),
        "interpolate": (
            {"start": pixels, "end": pixels, "weight": ("float32", None), **seed}, drawn),
        "log_likelihood": (image | seed, {"log_likelihood": ("float32", None)})})

  def test_pixels_out_of_range_are_refused(self):
    for name in self.loaded.signatures:
      for key in {"image", "start", "end"}.intersection(self.inputs(name)):
        for value in ("255", "-0.1", "nan", "inf"):
          pixels = self.given[key].copy()
          pixels[2, 3, 4] = value
          self.assert_refused(
              f"`{key}`: received {value} in row 2; allowed are numbers from 0 to 1", name,
              **{**self.given, key: pixels})


class FlowSignaturesTest(SignaturesTest):

  method = "du_iaf"


if __name__ == "__main__":
  tf.test.main()
