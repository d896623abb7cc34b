"""The gradients of semi-amortized training against numerical ones."""

from typing import Any

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from du_vae_tf.training.procedures import semi_amortized
from tests.testing import slopes
from tests.training import tiny_images

ROWS, LATENT_DIM, STEPS = 3, 2, 3
KL_WEIGHT = 0.5


def text() -> tuple[vae.VAE, dict[str, tf.Tensor]]:
  config = config_lib.resolve({
      "method": "sa_vae", "svi_steps": STEPS, "svi_rate": 1.0, "latent_dim": LATENT_DIM,
      "hidden_size": 5, "embedding_size": 4, "batch_size": 2}, {})
  ids = np.array([[1, 5, 6, 4, 2], [1, 7, 2, 0, 0], [1, 4, 9, 2, 0]], np.int32)
  return (builders.build_model(config, {"vocab_size": 10}),
          {"ids": tf.constant(ids), "length": tf.constant([5, 3, 4])})


def images() -> tuple[vae.VAE, dict[str, tf.Tensor]]:
  config = tiny_images.make_config(
      method="sa_vae", svi_steps=STEPS, latent_dim=LATENT_DIM, batch_size=1000)
  side = tiny_images.SIDE
  drawn = np.random.default_rng(4).integers(0, 2, (ROWS, side, side, 1)).astype(np.float32)
  return tiny_images.build_model(config), {"image": tf.constant(drawn)}


MODELS = {"text": text, "image": images}


def setup(modality: str) -> tuple[vae.VAE, dict[str, tf.Tensor]]:
  """A model with weights large enough for every term to count, and a batch with its draws."""
  model, batch = MODELS[modality]()
  model.refinement._adjoint_norm = 1e6  # What is cut on the way back is not the derivative.
  random = np.random.default_rng(1)
  for weight in model.trainable_variables:
    if modality == "text":
      weight.assign(0.6 * random.normal(size=weight.shape))
    elif "latent" in weight.path:
      weight.assign(3.0 * weight)
  return model, batch | {
      "noise": tf.constant(random.normal(size=(ROWS, LATENT_DIM)), tf.float32),
      "refinement_noise": tf.constant(
          random.normal(size=(ROWS, STEPS, LATENT_DIM)), tf.float32)}


class SemiAmortizedTest(tf.test.TestCase, parameterized.TestCase):

  def run_step(self, model: vae.VAE, batch: dict[str, tf.Tensor],
               longest: float = 1e6) -> Any:
    return semi_amortized.SemiAmortized(model, longest)(
        batch, tf.constant(KL_WEIGHT), tf.constant(True), tf.constant(float(ROWS)),
        tf.constant([1, 2]))

  @parameterized.product(modality=tuple(MODELS), part=("encoder", "decoder"))
  def test_gradients_are_numerical_ones(self, modality: str, part: str) -> None:
    model, batch = setup(modality)
    step = tf.function(lambda: self.run_step(model, batch))
    moments = [weight.numpy() for weight in model.non_trainable_variables]
    _, _, gradients = step()

    def loss() -> float:
      # Every step moves the running moments, which refinement sees.
      for weight, value in zip(model.non_trainable_variables, moments, strict=True):
        weight.assign(value)
      return float(np.mean(step()[1], dtype=np.float64))

    chosen = [(weight, gradient) for weight, gradient in zip(
        model.trainable_variables, gradients, strict=True) if f"/{part}/" in weight.path]
    slope, length = slopes.along_gradient(
        *zip(*chosen, strict=True), loss, size=2e-3 if modality == "text" else 2e-4)
    self.assertGreater(length, 0.01)
    self.assertAllClose(slope, length, rtol=0.02)

  def test_the_way_through_the_steps_matters(self) -> None:
    model, batch = setup("text")
    _, _, gradients = self.run_step(model, batch)
    moments = tf.stack(model.encoder(batch["ids"], batch["length"], training=True))
    refined, _ = model.refinement.refine(
        model.refinement_loss(batch, tf.constant(KL_WEIGHT)), moments,
        tf.transpose(batch["refinement_noise"], [1, 0, 2]))
    mean, raw = tf.unstack(refined)
    with tf.GradientTape() as tape:
      terms = model.terms_of(
          model.family.posterior(mean, model.family.variance(raw)), batch, batch["noise"],
          training=True, dropout_seed=tf.constant([1, 2]))
      loss = tf.reduce_mean(terms["reconstruction"] + KL_WEIGHT * terms["kl"])
    kernel = model.decoder.state.kernel
    direct = tape.gradient(loss, kernel)
    full = gradients[[weight.path for weight in model.trainable_variables].index(kernel.path)]
    self.assertGreater(np.abs(full - direct).max(), 0.01 * np.abs(direct).max())

  def test_the_way_through_the_steps_is_no_longer_than_the_direct_one(self) -> None:
    model, batch = setup("text")
    decoder = {variable.path for variable in model.decoder.trainable_variables}
    none, little, full = ([
        tf.convert_to_tensor(gradient) for variable, gradient in zip(
            model.trainable_variables, self.run_step(model, batch, longest)[2], strict=True)
        if variable.path in decoder] for longest in (0.0, 0.01, 1e6))
    cut, through = ([first - second for first, second in zip(gradients, none, strict=True)]
                    for gradients in (little, full))
    length, whole = tf.linalg.global_norm(cut), tf.linalg.global_norm(through)
    self.assertAllClose(length, 0.01 * tf.linalg.global_norm(none), rtol=1e-3)
    self.assertGreater(whole, 2.0 * length)
    for first, second in zip(cut, through, strict=True):
      self.assertAllClose(first, second * length / whole, rtol=0.0, atol=1e-3 * length)

  @parameterized.parameters(*MODELS)
  def test_evaluation_refines_too_and_rows_do_not_depend_on_their_batch(
      self, modality: str) -> None:
    model, batch = setup(modality)
    refined = model.posterior(batch)
    mean, raw = model.encoder(*model.encoder.inputs(batch), training=False)
    self.assertGreater(np.abs(refined.mean - mean).max(), 1e-3)
    loss = model.refinement_loss(batch, 1.0)
    noises = tf.random.stateless_normal([STEPS, 1, LATENT_DIM], vae._REFINEMENT_SEED)

    def mean_loss(mean: tf.Tensor, raw: tf.Tensor) -> float:
      return float(np.mean([loss(tf.stack([mean, raw]), noise) for noise in noises]))

    # Few steps, but downhill.
    self.assertLess(mean_loss(refined.mean, tf.math.log(refined.variance)), mean_loss(mean, raw))
    part = {name: value[1:] for name, value in batch.items()}
    self.assertAllClose(model.posterior(part).mean, refined.mean[1:], rtol=1e-4, atol=1e-5)

  def test_no_rows_give_no_gradient(self) -> None:
    model, batch = setup("text")
    none = {name: value[:0] for name, value in batch.items()}
    terms, losses, gradients = self.run_step(model, none)
    self.assertEqual((terms["kl"].shape, losses.shape), ((0,), (0,)))
    for gradient in gradients:
      gradient = tf.convert_to_tensor(gradient)
      self.assertAllEqual(gradient, tf.zeros_like(gradient))


if __name__ == "__main__":
  tf.test.main()
