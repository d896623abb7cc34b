"""Tests of the LSTM encoder."""

import math

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.models.encoders import lstm
from tests.models import reference

VOCABULARY, LATENT_DIM, EMBEDDING, HIDDEN = 13, 3, 5, 7
IDS = np.array([[1, 5, 9, 2, 0], [1, 2, 0, 0, 0], [1, 4, 12, 7, 2]], np.int32)
LENGTH = np.array([4, 2, 5], np.int32)


def make_encoder(initialization: str = "framework",
                 seed: int = 1) -> lstm.LSTMEncoder:
  encoder = lstm.LSTMEncoder(
      VOCABULARY, LATENT_DIM, EMBEDDING, HIDDEN, initialization=initialization, seed=seed)
  encoder.build((None, None))
  return encoder


def weights_of(encoder: lstm.LSTMEncoder) -> dict[str, np.ndarray]:
  values = {
      "table": encoder.embedding.table, "kernel": encoder.lstm.kernel,
      "recurrent_kernel": encoder.lstm.recurrent_kernel, "bias": encoder.lstm.bias,
      "head": encoder.head.kernel}
  return {name: value.numpy().astype(np.float64) for name, value in values.items()}


class LSTMEncoderTest(tf.test.TestCase, parameterized.TestCase):

  def test_moments_come_from_the_state_at_the_last_token(self) -> None:
    encoder = make_encoder()
    mean, log_variance = encoder(IDS, LENGTH)
    expected = [reference.encode(weights_of(encoder), ids[:length])
                for ids, length in zip(IDS, LENGTH, strict=True)]
    self.assertAllClose(tf.concat([mean, log_variance], -1), expected, rtol=1e-5, atol=1e-6)

  def test_context_is_what_follows_the_moments(self) -> None:
    plain, encoder = make_encoder(), lstm.LSTMEncoder(
        VOCABULARY, LATENT_DIM, EMBEDDING, HIDDEN, seed=1, context_size=4)
    encoder.build((None, None))
    for name in ("embedding", "lstm"):
      getattr(encoder, name).set_weights(getattr(plain, name).get_weights())
    kernel = np.random.default_rng(0).normal(size=(HIDDEN, 2 * LATENT_DIM + 4)).astype(np.float32)
    encoder.head.kernel.assign(kernel)
    plain.head.kernel.assign(kernel[:, :2 * LATENT_DIM])
    mean, argument, context = encoder(IDS, LENGTH)
    for ours, theirs in zip((mean, argument), plain(IDS, LENGTH), strict=True):
      self.assertAllClose(ours, theirs, rtol=1e-6, atol=1e-6)
    plain.head.kernel.assign(kernel[:, -2 * LATENT_DIM:])
    self.assertAllClose(
        context, tf.concat(plain(IDS, LENGTH), -1)[:, -4:], rtol=1e-6, atol=1e-6)

  def test_biases_of_the_lstm_may_start_at_zero(self) -> None:
    zero, small = (weights_of(make_encoder(name)) for name in (
        "small_uniform_zero_bias", "small_uniform"))
    self.assertAllEqual(zero.pop("bias"), np.zeros(4 * HIDDEN))
    self.assertGreater(np.abs(small.pop("bias")).min(), 0.0)
    for name, value in zero.items():
      self.assertAllEqual(value, small[name])

  @parameterized.parameters(("small_uniform", 0.01), ("framework", 1.0 / 7.0))
  def test_initial_weights_are_uniform_with_their_bound(
      self, initialization: str, bound: float) -> None:
    encoder = lstm.LSTMEncoder(500, 20, 100, 49, initialization, seed=2)
    encoder.build((None, None))
    weights = weights_of(encoder)
    table = weights.pop("table")
    for value in weights.values():
      self.assertAllInRange(value, -bound, bound)
      # Largest of at least 196 uniform numbers; below this with probability 0.9^196 = 1e-9.
      self.assertGreater(np.abs(value).max(), 0.9 * bound)
      # Six standard errors of the mean of uniform numbers.
      self.assertLess(abs(value.mean()), 6.0 * bound / math.sqrt(3.0 * value.size))
    # The table has 50 000 numbers: six standard errors of their standard deviation are 2 %.
    if initialization == "framework":
      self.assertAllClose(table.std(), 1.0, rtol=0.02, atol=0.0)
      self.assertGreater(np.abs(table).max(), 3.0)
    else:
      self.assertAllInRange(table, -0.1, 0.1)
      self.assertAllClose(table.std(), 0.1 / math.sqrt(3.0), rtol=0.02, atol=0.0)

  def test_weights_belong_to_the_seed(self) -> None:
    first, again, other = (weights_of(make_encoder(seed=seed)) for seed in (1, 1, 2))
    for name, value in first.items():
      self.assertAllEqual(value, again[name])
      self.assertNotAllEqual(value, other[name])

  def test_configuration_round_trip(self) -> None:
    encoder = make_encoder("small_uniform", seed=3)
    clone = lstm.LSTMEncoder.from_config(encoder.get_config())
    self.assertEqual(clone.get_config(), encoder.get_config())
    self.assertAllEqual(clone(IDS, LENGTH)[0], encoder(IDS, LENGTH)[0])

  def test_unknown_initialization_is_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "Received: initialization=orthogonal"):
      make_encoder("orthogonal")


if __name__ == "__main__":
  tf.test.main()
