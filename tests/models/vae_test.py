"""Tests of the variational autoencoder."""

import math
from typing import Any

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from du_vae_tf import config
from du_vae_tf.layers import variance_dropout
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from tests.testing import tolerances

GAUSSIAN = ("vae", "bn_vae", "du_vae")
FLOWS = ("iaf_free_bits", "iaf_bn", "du_iaf")
METHODS = (*GAUSSIAN, *FLOWS)
VOCABULARY, LATENT_DIM, ROWS = 15, 3, 6
LENGTH = np.array([7, 2, 5, 3, 6, 4], np.int32)
FLOOR = np.float32(variance_dropout.ZERO_ENTROPY_VARIANCE)
RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(size=(ROWS, LATENT_DIM)).astype(np.float32)
UNIFORM = RANDOM.random((ROWS, LATENT_DIM)).astype(np.float32)
DROPOUT_SEED = np.array([1, 2], np.int32)
WORDS = RANDOM.integers(3, VOCABULARY, (ROWS, 5))


def make_batch(columns: int = 7) -> dict[str, tf.Tensor]:
  ids = np.zeros([ROWS, columns], np.int32)
  for row, length in enumerate(LENGTH):
    ids[row, :length] = [1, *WORDS[row, :length - 2], 2]
  return {"ids": tf.constant(ids), "length": tf.constant(LENGTH)}


def make_model(method: str = "du_vae", **values: Any) -> Any:
  """A model with weights large enough for a wrong term to show."""
  sizes = {"latent_dim": LATENT_DIM, "hidden_size": 6, "embedding_size": 4}
  if method in FLOWS:
    sizes["flow_width"] = 6
  model = builders.build_model(
      config.resolve({"method": method} | sizes | values, {}), {"vocab_size": VOCABULARY})
  random = np.random.default_rng(1)
  for weight in [*model.encoder.weights, *model.decoder.weights]:
    weight.assign(random.normal(size=weight.shape))
  return model


def training_terms(model: vae.VAE, batch: vae.Batch,
                   active: bool | tf.Tensor = True) -> dict[str, tf.Tensor]:
  return model.terms(batch, NOISE, training=True, active=active, variance_uniform=UNIFORM,
                     dropout_seed=DROPOUT_SEED)


def dense(gradients: list[Any]) -> list[tf.Tensor]:
  """Those of embeddings are sparse."""
  return [tf.convert_to_tensor(gradient) for gradient in gradients]


def loss_and_gradients(model: vae.VAE, batch: vae.Batch, **values: Any) -> Any:
  with tf.GradientTape() as tape:
    terms = model.terms(batch, NOISE, **values)
    loss = tf.reduce_sum(terms["reconstruction"] + 0.5 * terms["kl"])
  return terms, dense(tape.gradient(loss, model.trainable_variables))


class VAETest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*GAUSSIAN)
  def test_terms_are_the_parts_put_together(self, method: str) -> None:
    model = make_model(method)
    batch = make_batch()
    terms = model.terms(batch, NOISE)
    mean, log_variance = model.encoder(batch["ids"], batch["length"])
    variance = np.exp(log_variance)
    if method != "vae":
      mean = model.normalization(mean)
    if method == "du_vae":
      variance = variance + FLOOR
    kl = 0.5 * (np.square(mean) + variance - np.log(variance) - 1.0)
    z = mean + np.sqrt(variance) * NOISE
    self.assertAllClose(terms["mean"], mean, rtol=1e-6, atol=1e-6)
    self.assertAllClose(terms["variance"], variance, rtol=1e-6, atol=0.0)
    self.assertAllClose(terms["kl_per_dimension"], kl, rtol=1e-5, atol=1e-5)
    self.assertAllClose(terms["kl"], kl.sum(axis=-1), rtol=1e-5, atol=1e-5)
    self.assertAllClose(terms["reconstruction"],
                        -model.decoder(z, batch["ids"], batch["length"]), rtol=1e-5, atol=1e-5)
    self.assertAllEqual(terms["tokens"], LENGTH - 1)

  @parameterized.parameters(*FLOWS)
  def test_terms_of_a_flow_are_the_parts_put_together(self, method: str) -> None:
    model = make_model(method)
    batch = make_batch()
    noise = np.random.default_rng(5).normal(size=(4, ROWS, LATENT_DIM)).astype(np.float32)
    terms = model.terms(batch, noise)
    mean, argument, context = model.encoder(batch["ids"], batch["length"])
    self.assertEqual(context.shape, [ROWS, 2 * LATENT_DIM])
    mean, variance = mean.numpy(), np.log1p(np.exp(argument))**2
    if method != "iaf_free_bits":
      mean = model.normalization(mean).numpy()
    if method == "du_iaf":
      variance = variance + FLOOR
    # Normalization and dropout act on the Gaussian before the flow.
    self.assertAllClose(terms["mean"], mean, rtol=1e-6, atol=1e-6)
    self.assertAllClose(terms["variance"], variance, rtol=1e-5, atol=0.0)
    z = mean + np.sqrt(variance) * noise
    log_density = -0.5 * (np.log(2.0 * math.pi * variance) + noise**2)
    for network in model.flow:
      shift, logit = np.split(network(z.astype(np.float32), context).numpy(), 2, axis=-1)
      gate = 1.0 / (1.0 + np.exp(-logit))
      z = (gate * z + (1.0 - gate) * shift)[..., ::-1]
      log_density = (log_density - np.log(gate))[..., ::-1]
    kl = (log_density + 0.5 * (math.log(2.0 * math.pi) + z**2)).mean(axis=0)
    self.assertAllClose(terms["kl_per_dimension"], kl, rtol=1e-4, atol=1e-4)
    self.assertAllClose(terms["kl"], kl.sum(axis=-1), rtol=1e-4, atol=1e-4)
    self.assertAllClose(terms["sample"], z[0], rtol=1e-4, atol=1e-4)
    self.assertAllClose(
        terms["reconstruction"],
        -model.decoder(z[0].astype(np.float32), batch["ids"], batch["length"]), rtol=1e-4,
        atol=1e-4)
    # A single noise stands for one sample.
    self.assertAllClose(model.terms(batch, noise[0])["kl"], model.terms(batch, noise[:1])["kl"])

  def test_dropout_of_the_variances_acts_before_the_flow(self) -> None:
    model = make_model("du_iaf", keep_prob=0.5)
    batch = make_batch()
    plain = model.terms(batch, NOISE)["variance"].numpy() - FLOOR
    dropped = training_terms(model, batch)["variance"].numpy()
    self.assertAllClose(dropped, np.where(UNIFORM < 0.5, FLOOR + 2.0 * plain, FLOOR), rtol=1e-4)

  @parameterized.product(method=METHODS, graph=(False, True))
  def test_padding_changes_neither_terms_nor_gradients(self, method: str, graph: bool) -> None:
    model = make_model(method, keep_prob=1.0) if method.startswith("du") else make_model(method)
    run = tf.function(loss_and_gradients) if graph else loss_and_gradients
    # Evaluation mode, where the decoder does not drop; the means pass their normalization.
    (terms, gradients), (padded_terms, padded_gradients) = (
        run(model, make_batch(columns)) for columns in (7, 12))
    for name, value in terms.items():
      self.assertAllClose(padded_terms[name], value, rtol=4 * tolerances.FLOAT32_EPSILON,
                          atol=4 * tolerances.FLOAT32_EPSILON)
    for gradient, padded_gradient in zip(gradients, padded_gradients, strict=True):
      largest = np.abs(gradient.numpy()).max()
      self.assertGreater(largest, 0.0)
      self.assertAllClose(padded_gradient, gradient, rtol=0.0,
                          atol=8 * tolerances.FLOAT32_EPSILON * largest)

  @parameterized.parameters(*METHODS)
  def test_gradients_reach_every_weight(self, method: str) -> None:
    model = make_model(method)
    batch = make_batch()
    with tf.GradientTape() as tape:
      terms = training_terms(model, batch)
      loss = tf.reduce_sum(terms["reconstruction"] + terms["kl"])
    gradients = dense(tape.gradient(loss, model.trainable_variables))
    # 5 of the encoder, 6 of the decoder; shift; scale where it is trained; 8 of a block's network.
    others = {"vae": 0, "iaf_free_bits": 0, "bn_vae": 1, "iaf_bn": 1, "du_vae": 2, "du_iaf": 2}
    self.assertLen(gradients, 11 + others[method] + (16 if method in FLOWS else 0))
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
      self.assertIsInstance(gradient, tf.Tensor, weight.path)
      self.assertAllInRange(gradient, -1e4, 1e4)
      self.assertGreater(np.abs(gradient.numpy()).max(), 1e-4, weight.path)

  def test_new_lengths_and_batch_sizes_do_not_retrace(self) -> None:
    model = make_model()
    traces = []

    @tf.function(input_signature=[
        {"ids": tf.TensorSpec([None, None], tf.int32), "length": tf.TensorSpec([None], tf.int32)}])
    def step(batch: vae.Batch) -> Any:
      traces.append(1)
      shape = [tf.shape(batch["ids"])[0], LATENT_DIM]
      with tf.GradientTape() as tape:
        terms = model.terms(batch, tf.zeros(shape), training=True,
                            variance_uniform=tf.zeros(shape), dropout_seed=tf.constant([1, 2]))
        loss = tf.reduce_sum(terms["reconstruction"])
      return loss, dense(tape.gradient(loss, model.trainable_variables))

    for rows, columns in ((6, 7), (3, 7), (6, 12), (1, 3)):
      batch = {name: value[:rows] for name, value in make_batch(12).items()}
      batch["ids"] = batch["ids"][:, :columns]
      batch["length"] = tf.minimum(batch["length"], columns)
      self.assertAllInRange(step(batch)[0], 0.1, 1e3)
    self.assertLen(traces, 1)

  @parameterized.product(method=METHODS, graph=(False, True), columns=(0, 4))
  def test_a_replica_without_rows_contributes_nothing(
      self, method: str, graph: bool, columns: int) -> None:
    model = make_model(method)

    def run(batch: vae.Batch) -> Any:
      empty = tf.zeros([0, LATENT_DIM])
      with tf.GradientTape() as tape:
        terms = model.terms(batch, empty, training=True, variance_uniform=empty,
                            dropout_seed=DROPOUT_SEED)
        loss = tf.reduce_sum(terms["reconstruction"] + terms["kl"])
      return terms, dense(tape.gradient(loss, model.trainable_variables))

    batch = {"ids": tf.zeros([0, columns], tf.int32), "length": tf.zeros([0], tf.int32)}
    terms, gradients = (tf.function(run) if graph else run)(batch)
    self.assertEqual({value.shape[0] for value in terms.values()}, {0})
    for gradient in gradients:
      self.assertAllEqual(gradient, tf.zeros_like(gradient))

  def test_keep_probability_one_is_normalization_and_floor(self) -> None:
    model = make_model(keep_prob=1.0)
    batch = make_batch()
    posterior = model.posterior(batch, training=True)
    mean, log_variance = model.encoder(batch["ids"], batch["length"])
    self.assertAllEqual(posterior.mean, model.normalization(mean, training=True))
    self.assertAllEqual(posterior.variance, FLOOR + tf.exp(log_variance))

  def test_evaluation_has_no_dropout_and_a_floor(self) -> None:
    model = make_model(keep_prob=0.5)
    batch = make_batch()
    variance = model.posterior(batch).variance
    self.assertAllEqual(model.posterior(batch, variance_uniform=UNIFORM).variance, variance)
    self.assertAllInRange(variance, FLOOR, np.inf)
    entropy = (0.5 * LATENT_DIM * math.log(2.0 * math.pi * math.e)
               + 0.5 * np.log(variance.numpy().astype(np.float64)).sum(axis=-1).mean())
    self.assertGreaterEqual(entropy, 0.0)

  @parameterized.parameters(-1e4, -25.0, 25.0, 1e4)
  def test_extreme_log_variances_stay_finite(self, log_variance: float) -> None:
    model = make_model("vae")
    kernel = model.encoder.head.kernel.numpy()
    state = model.encoder.lstm(model.encoder.embedding(make_batch()["ids"][:1]))[:, -1]
    kernel[:, LATENT_DIM:] = (log_variance * state / tf.reduce_sum(state**2)).numpy().T
    model.encoder.head.kernel.assign(kernel)
    batch = {name: value[:1] for name, value in make_batch().items()}
    expected = math.exp(math.copysign(20.0 if log_variance < 0.0 else 10.0, log_variance))
    posterior = model.posterior(batch)
    self.assertAllClose(posterior.variance, np.full([1, LATENT_DIM], expected),
                        rtol=1e-5, atol=0.0)
    self.assertAllInRange(model.terms(batch, NOISE[:1])["kl"], 0.0, 1e5)

  def test_only_variance_dropout_brings_a_floor(self) -> None:
    batch = make_batch()
    for method in ("vae", "bn_vae"):
      model = make_model(method)
      model.encoder.head.kernel.assign(50.0 * model.encoder.head.kernel)
      self.assertLess(np.min(model.posterior(batch).variance), 0.1 * FLOOR)

  @parameterized.parameters(False, True)
  def test_inactive_is_the_plain_variance_in_training_and_evaluation(self, graph: bool) -> None:
    model = make_model(keep_prob=0.5)
    batch = make_batch()
    _, log_variance = model.encoder(batch["ids"], batch["length"])

    def run(active: tf.Tensor) -> Any:
      trained = training_terms(model, batch, active=active)
      return trained["variance"], model.terms(batch, NOISE, active=active)["variance"]

    function = tf.function(run) if graph else run
    for variance in function(tf.constant(False)):
      self.assertAllClose(variance, tf.exp(log_variance), rtol=1e-6, atol=0.0)
    dropped, evaluated = function(tf.constant(True))
    self.assertAllClose(evaluated, FLOOR + tf.exp(log_variance), rtol=1e-6, atol=0.0)
    expected = np.where(UNIFORM < 0.5, FLOOR + 2.0 * np.exp(log_variance), FLOOR)
    self.assertAllClose(dropped, expected, rtol=1e-6, atol=0.0)
    self.assertBetween(np.mean(UNIFORM < 0.5), 0.2, 0.8)

  @parameterized.parameters(*METHODS)
  def test_log_weights_are_the_joint_over_the_posterior(self, method: str) -> None:
    model = make_model(method)
    batch = make_batch()
    noise = np.random.default_rng(2).normal(size=(4, ROWS, LATENT_DIM)).astype(np.float32)
    posterior = model.posterior(batch)
    if method in FLOWS:
      for network in model.flow:  # The inverse loses digits where gates are small.
        network.bias.assign(tf.fill([LATENT_DIM], 2.0))
    prior = tfp.distributions.MultivariateNormalDiag(tf.zeros([LATENT_DIM]))
    expected = []
    for sample in noise:
      z = tf.identity(posterior.sample_and_log_prob(sample)[0])
      expected.append(model.decoder(z, batch["ids"], batch["length"]) + prior.log_prob(z)
                      - posterior.log_prob(z))
    self.assertAllClose(model.log_weights(batch, noise), expected, rtol=1e-5, atol=1e-4)

  def test_training_normalizes_by_the_batch_and_evaluation_by_the_running_moments(self) -> None:
    model = make_model(gamma=0.7)
    batch = make_batch()
    before = model.normalization.moving_mean.numpy()
    self.assertAllClose(np.mean(model.posterior(batch).mean, axis=0) == 0.0,
                        [False] * LATENT_DIM)
    self.assertAllEqual(model.normalization.moving_mean, before)
    trained = training_terms(model, batch)
    self.assertAllClose(np.mean(trained["mean"], axis=0), np.zeros(LATENT_DIM), rtol=0.0,
                        atol=1e-6)
    self.assertNotAllClose(model.normalization.moving_mean, before, rtol=1e-3, atol=1e-3)

  def test_call_gives_the_moments_of_the_posterior(self) -> None:
    model = make_model()
    posterior = model.posterior(make_batch())
    for training in (False, True):
      moments = model(make_batch(), training=training)
      self.assertAllEqual(moments["mean"], posterior.mean)
      self.assertAllEqual(moments["variance"], posterior.variance)

  def test_weights_survive_a_file(self) -> None:
    model, other = make_model(), make_model(seed=5)
    training_terms(model, make_batch())
    path = f"{self.create_tempdir().full_path}/model.weights.h5"
    model.save_weights(path)
    for weight in other.weights:
      weight.assign(tf.zeros_like(weight))
    other.load_weights(path)
    self.assertAllEqual(other.terms(make_batch(), NOISE)["reconstruction"],
                        model.terms(make_batch(), NOISE)["reconstruction"])
    self.assertAllEqual(other.normalization.moving_mean, model.normalization.moving_mean)

  def test_latent_dimension(self) -> None:
    self.assertEqual(make_model().latent_dim, LATENT_DIM)


if __name__ == "__main__":
  tf.test.main()
