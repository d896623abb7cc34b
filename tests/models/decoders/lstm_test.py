"""Tests of the LSTM decoder."""

import math
from unittest import mock

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.data import vocabulary
from du_vae_tf.models.decoders import lstm
from du_vae_tf.models.decoders import text_search
from tests.models import reference
from tests.testing import tolerances

VOCABULARY, LATENT_DIM, EMBEDDING, HIDDEN = 13, 3, 5, 8
IDS = np.array([[1, 5, 9, 2, 0], [1, 2, 0, 0, 0], [1, 4, 12, 7, 2]], np.int32)
LENGTH = np.array([4, 2, 5], np.int32)
SEED = np.array([3, 4], np.int32)


def make_decoder(spread: float = 1.0, **sizes: int) -> lstm.LSTMDecoder:
  """A decoder with weights large enough for a wrong term to show."""
  arguments = {"vocab_size": VOCABULARY, "latent_dim": LATENT_DIM, "embedding_size": EMBEDDING,
               "hidden_size": HIDDEN} | sizes
  decoder = lstm.LSTMDecoder(**arguments, seed=1)
  decoder.build((None, None))
  random = np.random.default_rng(2)
  for weight in decoder.weights:
    weight.assign(spread * random.normal(size=weight.shape))
  return decoder


def weights_of(decoder: lstm.LSTMDecoder) -> dict[str, np.ndarray]:
  values = {
      "table": decoder.embedding.table, "state": decoder.state.kernel,
      "kernel": decoder.lstm.kernel, "recurrent_kernel": decoder.lstm.recurrent_kernel,
      "bias": decoder.lstm.bias, "vocabulary": decoder.cross_entropy.kernel}
  return {name: value.numpy().astype(np.float64) for name, value in values.items()}


def random_z(*shape: int) -> np.ndarray:
  return np.random.default_rng(6).normal(size=(*shape, LATENT_DIM)).astype(np.float32)


class LSTMDecoderTest(tf.test.TestCase, parameterized.TestCase):

  def test_log_likelihood_is_the_sum_over_predicted_tokens(self) -> None:
    decoder = make_decoder()
    z = random_z(3)
    expected = []
    for row, length in enumerate(LENGTH):
      log_probs = reference.decode(weights_of(decoder), z[row], IDS[row, :length - 1])
      expected.append(sum(log_prob[target] for log_prob, target in zip(
          log_probs, IDS[row, 1:length], strict=True)))
    self.assertAllClose(decoder(z, IDS, LENGTH), expected, rtol=1e-5, atol=1e-5)

  @parameterized.parameters(False, True)
  def test_samples_are_separate_calls(self, graph: bool) -> None:
    decoder = make_decoder()
    z = random_z(6, 3)
    expected = [decoder(z[s], IDS, LENGTH) for s in range(6)]

    def run(z: np.ndarray) -> tf.Tensor:
      return decoder.sample_log_likelihood(z, decoder.shared(tf.constant(IDS), LENGTH))

    self.assertAllClose((tf.function(run) if graph else run)(z), expected, rtol=1e-5, atol=1e-5)

  def test_samples_bound_the_logits(self) -> None:
    decoder = make_decoder()
    decoder.cross_entropy.block_rows = 4
    with mock.patch.object(
        lstm.cross_entropy, "_logits", wraps=lstm.cross_entropy._logits) as logits:
      decoder.sample_log_likelihood(
          random_z(6, 3), decoder.shared(tf.constant(IDS), tf.constant(LENGTH)))
    rows = [call.args[0].shape[0] for call in logits.call_args_list]
    self.assertEqual(sum(rows), 6 * np.sum(LENGTH - 1))
    self.assertEqual(max(rows), 4)

  def test_dropout_belongs_to_its_seed_and_to_training(self) -> None:
    decoder = make_decoder()
    z = random_z(3)
    plain = decoder(z, IDS, LENGTH)
    first, again, other = (
        decoder(z, IDS, LENGTH, training=True, dropout_seed=np.array(seed, np.int32))
        for seed in ([3, 4], [3, 4], [3, 5]))
    self.assertAllEqual(first, again)
    self.assertNotAllClose(first, other, rtol=1e-3, atol=1e-3)
    self.assertNotAllClose(first, plain, rtol=1e-3, atol=1e-3)
    self.assertAllEqual(decoder(z, IDS, LENGTH, dropout_seed=SEED), plain)

  def test_half_of_the_embedding_and_half_of_the_output_is_dropped(self) -> None:
    size = 2000
    decoder = make_decoder(0.02, embedding_size=size, hidden_size=size)
    ids, length = np.array([[1, 2]], np.int32), np.array([2], np.int32)
    with tf.GradientTape() as tape:
      log_likelihood = decoder(random_z(1), ids, length, training=True, dropout_seed=SEED)
    by_table, by_kernel = tape.gradient(
        log_likelihood, [decoder.embedding.table.value, decoder.cross_entropy.kernel.value])
    # One token is read and one predicted: a dropped entry has no gradient anywhere.
    kept_inputs = tf.convert_to_tensor(by_table).numpy()[1] != 0.0
    kept_outputs = by_kernel.numpy()[:, 2] != 0.0
    radius = tolerances.hoeffding_radius(size)
    self.assertAllClose(kept_inputs.mean(), 0.5, rtol=0.0, atol=radius)
    self.assertAllClose(kept_outputs.mean(), 0.5, rtol=0.0, atol=radius)
    # The two masks are independent: they agree in half of the places.
    self.assertAllClose(np.mean(kept_inputs == kept_outputs), 0.5, rtol=0.0, atol=radius)

  def test_training_without_a_seed_is_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "`dropout_seed` is needed in training"):
      make_decoder()(random_z(3), IDS, LENGTH, training=True)

  @parameterized.parameters(False, True)
  def test_greedy_takes_the_likeliest_token(self, graph: bool) -> None:
    decoder = make_decoder()
    z = random_z(40)
    run = tf.function(decoder.greedy) if graph else decoder.greedy
    result = run(z, tf.constant(9)).numpy()
    weights = weights_of(decoder)
    ended = 0
    for row in range(40):
      ids = [text_search.START_ID]
      while len(ids) < 10 and ids[-1] != text_search.END_ID:
        log_probs = reference.decode(weights, z[row].astype(np.float64), ids)[-1]
        ids.append(2 + int(np.argmax(log_probs[2:])))
      ended += ids[-1] == text_search.END_ID
      padding = [text_search.PAD_ID] * (result.shape[1] - len(ids) + 1)
      self.assertAllEqual(result[row], ids[1:] + padding)
    self.assertBetween(ended, 1, 39)

  def test_greedy_never_emits_padding_or_start(self) -> None:
    decoder = make_decoder()
    kernel = decoder.cross_entropy.kernel.numpy()
    # Their logits are the largest whatever the state, as the others are zero or below.
    kernel[:, 2:] = 0.0
    kernel[:, 0], kernel[:, 1] = 50.0, -50.0
    decoder.cross_entropy.kernel.assign(kernel)
    self.assertAllEqual(decoder.greedy(random_z(5), 7), np.full([5, 1], text_search.END_ID))

  def test_greedy_stops_when_all_rows_have_ended(self) -> None:
    decoder = make_decoder()
    decoder.cross_entropy.kernel.assign(tf.zeros_like(decoder.cross_entropy.kernel))
    with mock.patch.object(decoder.lstm, "step", wraps=decoder.lstm.step) as step:
      result = decoder.greedy(random_z(5), 100)
    # All logits are equal, so the first that may be chosen is: the end symbol.
    self.assertAllEqual(result, np.full([5, 1], text_search.END_ID))
    self.assertEqual(step.call_count, 1)

  def test_greedy_is_exported_for_any_number_of_rows(self) -> None:
    decoder = make_decoder()
    module = tf.Module()
    module.decoder = decoder
    module.greedy = tf.function(
        lambda z: decoder.greedy(z, 9), input_signature=[tf.TensorSpec([None, LATENT_DIM])])
    path = self.create_tempdir().full_path
    tf.saved_model.save(module, path)
    loaded = tf.saved_model.load(path)
    for rows in (1, 4):
      self.assertAllEqual(loaded.greedy(random_z(rows)), decoder.greedy(random_z(rows), 9))
    self.assertEqual(loaded.greedy(tf.zeros([0, LATENT_DIM])).shape, [0, 0])

  def test_initial_weights_are_uniform_with_their_bounds(self) -> None:
    decoder = lstm.LSTMDecoder(100, 32, 40, 50, seed=1)
    decoder.build((None, 32))
    weights = weights_of(decoder)
    table = weights.pop("table")
    self.assertAllInRange(table, -0.1, 0.1)
    self.assertGreater(np.abs(table).max(), 0.09)
    for value in weights.values():
      self.assertAllInRange(value, -0.01, 0.01)
      # Largest of at least 200 uniform numbers; below this with probability 0.9^200 = 1e-9.
      self.assertGreater(np.abs(value).max(), 0.009)
      self.assertLess(abs(value.mean()), 6.0 * 0.01 / math.sqrt(3.0 * value.size))

  def test_configuration_round_trip(self) -> None:
    decoder = lstm.LSTMDecoder(VOCABULARY, LATENT_DIM, EMBEDDING, HIDDEN, seed=3)
    clone = lstm.LSTMDecoder.from_config(decoder.get_config())
    self.assertEqual(clone.get_config(), decoder.get_config())
    self.assertAllEqual(clone(random_z(3), IDS, LENGTH), decoder(random_z(3), IDS, LENGTH))

  def test_special_ids_are_those_of_the_vocabulary(self) -> None:
    self.assertEqual((text_search.PAD_ID, text_search.START_ID, text_search.END_ID),
                     (vocabulary.PAD, vocabulary.START, vocabulary.END))


if __name__ == "__main__":
  tf.test.main()
