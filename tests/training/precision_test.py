"""The precision that `auto` means, and that a lower one gives nearly the same figures."""

import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import seeds
from du_vae_tf.estimators import mutual_information
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from du_vae_tf.training import precision
from tests.training import tiny_images

VOCABULARY, ROWS, SAMPLES = 300, 64, 20


class ResolveTest(parameterized.TestCase, tf.test.TestCase):

  def processor(self, text: str | None) -> mock.Mock:
    path = pathlib.Path(self.create_tempdir().full_path) / "cpuinfo"
    if text is not None:
      path.write_text(text)
    return mock.patch.object(precision, "_CPU_FLAGS", path)

  @parameterized.parameters(
      ("flags\t\t: fpu avx512f amx_bf16 amx_tile\n", "bfloat16"),
      ("model name\t: Any\nflags\t\t: avx512f avx512_bf16\n", "bfloat16"),
      ("flags\t\t: fpu avx2 avx512f\nbugs\t\t: amx_bf16\n", "float32"),
      ("Features\t: fp asimd bf16\n", "float32"), ("", "float32"), (None, "float32"))
  def test_auto_follows_the_processor(self, text: str | None, expected: str) -> None:
    with self.processor(text):
      self.assertEqual(precision.resolve("auto"), expected)

  @parameterized.parameters(
      ([(9, 0)], "bfloat16"), ([(8, 0), (8, 6)], "bfloat16"), ([(7, 5)], "float32"),
      ([(9, 0), (7, 0)], "float32"), ([None], "float32"))
  def test_auto_follows_the_gpus_where_there_are_any(
      self, capabilities: list[tuple[int, int] | None], expected: str) -> None:
    details = [{} if value is None else {"compute_capability": value} for value in capabilities]
    with self.processor("flags : amx_bf16\n"), mock.patch.object(
        tf.config, "list_physical_devices", return_value=[object()] * len(details)
    ), mock.patch.object(tf.config.experimental, "get_device_details", side_effect=details):
      self.assertEqual(precision.resolve("auto"), expected)

  @parameterized.parameters((None, "bfloat16"), (128, "bfloat16"), (127, "float32"))
  def test_small_networks_stay_in_float32(self, hidden_size: int | None, expected: str) -> None:
    with self.processor("flags : amx_bf16\n"):
      self.assertEqual(precision.resolve("auto", hidden_size), expected)
      self.assertEqual(precision.resolve("bfloat16", hidden_size), "bfloat16")

  def test_what_is_asked_for_is_taken(self) -> None:
    for text in ("flags : amx_bf16\n", "flags : fpu\n"):
      with self.processor(text):
        self.assertEqual(precision.policy("float32"), "float32")
        self.assertEqual(precision.policy("bfloat16"), "mixed_bfloat16")


def text_model(policy: str) -> tuple[vae.VAE, vae.Batch]:
  config = config_lib.resolve(
      {"latent_dim": 8, "hidden_size": 96, "embedding_size": 64, "seed": 5}, {})
  model = builders.build_model(config, {"vocab_size": VOCABULARY}, policy)
  random = np.random.default_rng(2)
  length = random.integers(8, 31, ROWS)
  ids = np.zeros((ROWS, 30), np.int32)
  for row, tokens in enumerate(length):
    ids[row, :tokens] = [1, *random.integers(4, VOCABULARY, tokens - 2), 2]
  return model, {"ids": tf.constant(ids), "length": tf.constant(length, tf.int32)}


def image_model(policy: str) -> tuple[vae.VAE, vae.Batch]:
  model = tiny_images.build_model(tiny_images.make_config(), policy)
  image = np.random.default_rng(2).integers(0, 2, (ROWS, tiny_images.SIDE, tiny_images.SIDE, 1))
  return model, {"image": tf.constant(image, tf.float32)}


class SameFiguresTest(tf.test.TestCase, parameterized.TestCase):

  def models(self, make: object) -> tuple[vae.VAE, vae.VAE, vae.Batch]:
    """Two models of the same weights, so spread that posteriors and logits are not trivial."""
    full, batch = make("float32")
    mixed, _ = make("mixed_bfloat16")
    random = np.random.default_rng(3)
    weights = []
    for variable in full.weights:
      value = variable.numpy()
      if value.ndim > 1 and "embedding" not in variable.path:
        value = random.normal(size=value.shape) * 1.5 / np.sqrt(np.prod(value.shape[:-1]))
      weights.append(value)
    full.set_weights(weights)
    mixed.set_weights(weights)
    return full, mixed, batch

  @parameterized.parameters(text_model, image_model)
  def test_terms_and_importance_weights_are_close(self, make: object) -> None:
    full, mixed, batch = self.models(make)
    noise = seeds.row_normals(
        1, "noise", tf.range(ROWS, dtype=tf.int64), [SAMPLES, full.latent_dim])
    noise = tf.transpose(noise, [1, 0, 2])
    figures = []
    for model in (full, mixed):
      terms = model.terms(batch, noise[0])
      weights = model.log_weights(batch, noise, 7)
      for value in (*terms.values(), weights):
        self.assertIn(value.dtype, (tf.float32, tf.int32))
      nll = np.log(SAMPLES) - tf.reduce_logsumexp(weights, axis=0)
      figures.append({
          "nll": np.mean(nll), "reconstruction": np.mean(terms["reconstruction"]),
          "kl": np.mean(terms["kl"]), "mi": mutual_information.mutual_information(
              *(terms[name].numpy().astype(np.float64)
                for name in ("mean", "variance", "sample")))})
    expected, found = figures
    self.assertGreater(expected["kl"], 0.5)
    self.assertNotEqual(expected["nll"], found["nll"])
    # The project's own bounds for a lower precision.
    for name in ("nll", "reconstruction"):
      self.assertAllClose(found[name], expected[name], rtol=1e-3, atol=0.0, msg=name)
    for name in ("kl", "mi"):
      self.assertAllClose(found[name], expected[name], rtol=0.01, atol=0.02, msg=name)

  @parameterized.parameters(text_model, image_model)
  def test_gradients_point_the_same_way_and_are_float32(self, make: object) -> None:
    full, mixed, batch = self.models(make)
    noise = tf.random.stateless_normal([ROWS, full.latent_dim], [0, 1])
    uniform = tf.random.stateless_uniform([ROWS, full.latent_dim], [0, 2])
    found = []
    for model in (full, mixed):
      with tf.GradientTape() as tape:
        terms = model.terms(batch, noise, training=True, variance_uniform=uniform,
                            dropout_seed=tf.constant([1, 2]))
        loss = tf.reduce_mean(terms["reconstruction"] + terms["kl"])
      found.append([tf.convert_to_tensor(gradient)
                    for gradient in tape.gradient(loss, model.trainable_variables)])
    for variable, first, second in zip(full.trainable_variables, *found, strict=True):
      self.assertEqual(second.dtype, tf.float32)
      cosine = tf.reduce_sum(first * second) / (tf.norm(first) * tf.norm(second))
      self.assertGreater(cosine, 0.99, variable.path)


if __name__ == "__main__":
  tf.test.main()
