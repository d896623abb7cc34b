"""Tests of the models that configurations stand for."""

import math
from typing import Any

from absl.testing import parameterized
import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import config
from du_vae_tf import networks
from du_vae_tf.models import builders

TEXT = {"latent_dim": 32, "hidden_size": 1024, "embedding_size": 512}
SHORT = {"latent_dim": 32, "hidden_size": 512, "embedding_size": 128}
SYNTHETIC = {"latent_dim": 2, "hidden_size": 50, "embedding_size": 50}


def build(vocab_size: int, **values: Any) -> Any:
  return builders.build_model(config.resolve(values, {}), {"vocab_size": vocab_size})


def count(weights: list[keras.Variable]) -> int:
  return sum(math.prod(weight.shape) for weight in weights)


class BuildersTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      (19_997, TEXT, 53_774_336), (20_001, TEXT, 53_782_528), (8_411, SHORT, 9_199_872),
      (1_004, SYNTHETIC, 191_700))
  def test_parameter_counts(self, vocab_size: int, sizes: dict[str, int], expected: int) -> None:
    # In a stateless scope variables have shapes and no values.
    for method, extra in (("vae", 0), ("bn_vae", 1), ("du_vae", 2)):
      with keras.StatelessScope(initialize_variables=False):
        model = build(vocab_size, method=method, **sizes)
        trainable = count(model.trainable_variables)
      self.assertEqual(trainable, expected + extra * sizes["latent_dim"])

  @parameterized.parameters(("vae", 0), ("bn_vae", 32), ("du_vae", 64))
  def test_parameter_counts_of_images(self, method: str, extra: int) -> None:
    with keras.StatelessScope(initialize_variables=False):
      model = builders.build_model(
          config.resolve({"dataset": "omniglot", "method": method}, {}), {"side": 28})
      trainable = count(model.trainable_variables)
    # Of the dense kernels the rows below a pixel are not stored: k // 2 rows of k.
    dropped = 3 * 7 * 64 + 32 * 32 * (8 * 3 * 7 + 8 * 2 * 5 + 7 * 1 * 3)
    self.assertEqual(trainable + dropped, 1_646_848 + extra)

  def test_first_step_of_refinement_has_the_rate_for_the_mean_loss_of_a_batch(self):
    moved = {}
    for rate in (0.02, 0.01):
      model = build(20, method="sa_vae", svi_steps=1, svi_rate=rate, batch_size=4,
                    latent_dim=2, hidden_size=5, embedding_size=4)
      moments = tf.ones([2, 3, 2])
      refined, _ = model.refinement.refine(
          lambda moments, noise: tf.reduce_sum(moments**2, [0, 2]), moments, tf.zeros([1, 3, 2]))
      moved[rate] = moments - refined
    self.assertAllClose(moved[0.02], tf.fill([2, 3, 2], 0.02 * 2.0 / 4.0), rtol=1e-5)
    self.assertAllClose(moved[0.01], moved[0.02] / 2.0, rtol=1e-5)

  @parameterized.parameters("text", "image")
  def test_parameter_counts_of_flows(self, modality: str) -> None:
    counts = {}
    for method in ("vae", "iaf_free_bits", "iaf_bn", "du_iaf"):
      with keras.StatelessScope(initialize_variables=False):
        model = (build(20, method=method, **SHORT) if modality == "text"
                 else builders.build_model(
                     config.resolve({"dataset": "omniglot", "method": method}, {}), {"side": 28}))
        counts[method] = count(model.trainable_variables)
        if method != "vae":
          self.assertEqual(
              sum(count(network.trainable_variables) for network in model.flow), 7_995_072)
    # 64 numbers of context from 512 features, with their biases on images.
    context = 512 * 64 + (64 if modality == "image" else 0)
    for method, extra in (("iaf_free_bits", 0), ("iaf_bn", 32), ("du_iaf", 64)):
      self.assertEqual(counts[method] - counts["vae"], 7_995_072 + context + extra)

  def test_fidelity_chooses_gates_and_masks_of_a_flow(self) -> None:
    authors, paper = (build(20, method="du_iaf", fidelity=fidelity, **SYNTHETIC | {"latent_dim": 6})
                      for fidelity in ("authors", "paper"))
    self.assertEqual([network.offset for network in authors.flow], [2.0, 2.0])
    self.assertEqual([network.offset for network in paper.flow], [None, None])
    for layer in ("first", "second"):
      first, second = (getattr(network, layer).output_degrees for network in authors.flow)
      self.assertEqual(first, second)
      self.assertEqual((min(first), max(first)), (1, 5))
      first, second = (getattr(network, layer).output_degrees for network in paper.flow)
      self.assertNotEqual(first, second)
      self.assertEqual((min(first), max(first)), (0, 5))

  def test_depth_and_width_of_a_flow(self) -> None:
    model = build(20, method="iaf_bn", flow_depth=3, flow_width=5, **SYNTHETIC)
    self.assertEqual([network.hidden_size for network in model.flow], [10, 10, 10])

  def test_networks_are_those_of_the_tables(self) -> None:
    for flag, table in (("encoder", networks.ENCODERS), ("decoder", networks.DECODERS)):
      for name, row in table.items():
        dataset = "omniglot" if row.modality == "image" else "synthetic"
        with keras.StatelessScope(initialize_variables=False):
          model = builders.build_model(
              config.resolve({"dataset": dataset, flag: name}, {}), {"side": 8, "vocab_size": 20})
        self.assertEqual(type(getattr(model, flag)).__name__, row.layer[1])

  def test_rows_of_the_method_table(self) -> None:
    plain, fixed, projected = (
        build(20, dataset="yahoo", method=method, **SYNTHETIC)
        for method in ("vae", "bn_vae", "du_vae"))
    self.assertIsNone(plain.normalization)
    self.assertIsNone(plain.variance_dropout)
    self.assertEqual(fixed.normalization.scaling, "fixed")
    self.assertEqual(fixed.normalization.gamma, 0.6)
    self.assertIsNone(fixed.variance_dropout)
    self.assertEqual(projected.normalization.scaling, "projected")
    self.assertEqual(projected.normalization.gamma, 0.5)
    self.assertEqual(projected.variance_dropout.keep_prob, 0.8)

  @parameterized.parameters(
      ("vae", "authors", "small_uniform"), ("vae", "paper", "small_uniform"),
      ("bn_vae", "authors", "framework"), ("du_vae", "authors", "framework"),
      ("du_vae", "paper", "small_uniform"), ("iaf_free_bits", "authors", "small_uniform_zero_bias"),
      ("du_iaf", "authors", "small_uniform_zero_bias"), ("du_iaf", "paper", "small_uniform"))
  def test_fidelity_chooses_initialization_and_epsilon(
      self, method: str, fidelity: str, initialization: str) -> None:
    model = build(20, method=method, fidelity=fidelity, **SYNTHETIC)
    self.assertEqual(model.encoder.initialization, initialization)
    if model.normalization is not None:
      authors = 1e-8 if method == "du_iaf" else 1e-5
      self.assertEqual(model.normalization.epsilon, authors if fidelity == "authors" else 1e-12)
      self.assertEqual(model.normalization.momentum, 0.9)

  @parameterized.product(fidelity=("authors", "paper"), method=("bn_vae", "du_vae"),
                         sizes=((1_004, SYNTHETIC, 12), (500, SHORT, 11)))
  def test_initial_means_have_the_promised_spread(
      self, fidelity: str, method: str, sizes: tuple[int, dict[str, int], int]) -> None:
    vocab_size, network, length = sizes
    model = build(vocab_size, method=method, fidelity=fidelity, gamma=0.5, **network)
    ids = np.random.default_rng(4).integers(4, vocab_size, (32, length)).astype(np.int32)
    batch = {"ids": tf.constant(ids), "length": tf.fill([32], length)}
    means = model.posterior(
        batch, training=True, variance_uniform=tf.zeros([32, model.latent_dim])).mean
    spread = math.sqrt(np.mean(np.var(means, axis=0)))
    # An epsilon that is large against the variance before the normalization would shrink it.
    self.assertBetween(spread, 0.95 * 0.5, 1.0001 * 0.5)

  def test_initial_means_before_a_flow_have_most_of_the_promised_spread(self) -> None:
    for fidelity, share in (("authors", 0.85), ("paper", 0.95)):
      model = build(500, method="du_iaf", fidelity=fidelity, gamma=0.5, hidden_size=1024,
                    embedding_size=512, latent_dim=32)
      ids = np.random.default_rng(4).integers(4, 500, (32, 80)).astype(np.int32)
      batch = {"ids": tf.constant(ids), "length": tf.fill([32], 80)}
      means = model.posterior(batch, training=True, variance_uniform=tf.zeros([32, 32])).mean
      spread = math.sqrt(np.mean(np.var(means, axis=0)))
      self.assertBetween(spread, share * 0.5, 1.0001 * 0.5)

  @parameterized.parameters("du_vae", "du_iaf")
  def test_weights_belong_to_the_seed(self, method: str) -> None:
    first, again, other = (build(20, seed=seed, method=method, **SYNTHETIC) for seed in (1, 1, 2))
    for weight, same, different in zip(
        first.weights, again.weights, other.weights, strict=True):
      self.assertAllEqual(weight, same)
      if (weight.name in ("scale", "shift", "moving_mean", "moving_variance", "offset")
          or weight.path.endswith("lstm/bias") and "encoder" in weight.path and method == "du_iaf"):
        continue
      self.assertNotAllEqual(weight, different)

  def test_no_two_weights_start_alike(self) -> None:
    model = build(20, fidelity="paper", **SYNTHETIC)
    networks = [*model.encoder.weights, *model.decoder.weights]
    # Weights from one stream would be the same numbers, up to their bounds.
    ratios = {round(float(weight.numpy().flat[0] / weight.numpy().flat[1]), 5)
              for weight in networks}
    self.assertLen(ratios, 11)


if __name__ == "__main__":
  tf.test.main()
