"""Decoding against brute force over all sequences of a tiny language."""

import itertools

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.models.decoders import lstm
from du_vae_tf.models.decoders import text_search
from tests.testing import tolerances

VOCABULARY, LATENT_DIM, LONGEST = 6, 3, 4
PAD, START, END = text_search.PAD_ID, text_search.START_ID, text_search.END_ID


def make_decoder(spread: float = 1.0, vocab_size: int = VOCABULARY) -> lstm.LSTMDecoder:
  decoder = lstm.LSTMDecoder(vocab_size, LATENT_DIM, 4, 5, seed=1)
  decoder.build((None, LATENT_DIM))
  random = np.random.default_rng(2)
  for weight in decoder.weights:
    weight.assign(spread * random.normal(size=weight.shape))
  return decoder


def random_z(rows: int) -> np.ndarray:
  return np.random.default_rng(4).normal(size=(rows, LATENT_DIM)).astype(np.float32)


def log_probabilities(decoder: lstm.LSTMDecoder, z: np.ndarray, tokens: np.ndarray) -> np.ndarray:
  """Of sequences [s, t], END and padding included, after the start symbol, for z [s, n]."""
  ids = np.concatenate([np.full([len(tokens), 1], START), tokens], axis=1)
  ended = (tokens == END).any(axis=1)
  count = np.where(ended, (tokens == END).argmax(axis=1) + 1, tokens.shape[1])
  return decoder(z, ids.astype(np.int32), (count + 1).astype(np.int32)).numpy()


def all_sequences(longest: int = LONGEST) -> np.ndarray:
  """Every sequence that a search may give, [s, longest]."""
  words = range(END + 1, VOCABULARY)
  found = [list(body) + [END] + [PAD] * (longest - length - 1)
           for length in range(longest) for body in itertools.product(words, repeat=length)]
  return np.array(found + [list(body) for body in itertools.product(words, repeat=longest)])


class BeamSearchTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(False, True)
  def test_wide_beam_finds_the_likeliest_of_all_sequences(self, graph: bool) -> None:
    decoder, z = make_decoder(), random_z(7)
    every = all_sequences()
    run = tf.function(decoder.beam_search) if graph else decoder.beam_search
    ids, scores = run(z, LONGEST, 40)  # More than the 27 sequences that can be alive.
    for row in range(7):
      expected = log_probabilities(decoder, np.repeat(z[row:row + 1], len(every), axis=0), every)
      order = np.argsort(-expected)[:40]
      self.assertAllClose(scores[row], expected[order], rtol=1e-5, atol=1e-5)
      self.assertAllEqual(ids[row, 0], every[order[0]])

  def test_every_score_is_the_likelihood_of_its_sequence(self) -> None:
    decoder, z = make_decoder(0.7), random_z(9)
    ids, scores = decoder.beam_search(z, 12, 3)
    for beam in range(3):
      self.assertAllClose(scores[:, beam], log_probabilities(decoder, z, ids[:, beam].numpy()),
                          rtol=1e-5, atol=1e-5)
    self.assertAllGreaterEqual(scores[:, :-1] - scores[:, 1:], 0.0)
    rows = np.reshape(ids, [-1, ids.shape[-1]])
    for row in rows:
      end = np.flatnonzero(row == END)
      self.assertLessEqual(len(end), 1)
      length = end[0] + 1 if len(end) else len(row)
      self.assertAllInRange(row[:length], END, VOCABULARY - 1)
      self.assertAllEqual(row[length:], np.full(len(row) - length, PAD))
    for row in ids.numpy():  # No sequence twice.
      self.assertLen({tuple(beam) for beam in row}, 3)

  def test_a_beam_of_one_is_greedy(self) -> None:
    decoder, z = make_decoder(), random_z(30)
    ids, _ = decoder.beam_search(z, 9, 1)
    self.assertAllEqual(ids[:, 0], decoder.greedy(z, 9))

  def test_a_wider_beam_finds_what_is_likelier(self) -> None:
    decoder, z = make_decoder(), random_z(60)
    best = [decoder.beam_search(z, 8, width)[1][:, 0].numpy() for width in (1, 5)]
    self.assertGreater(np.sum(best[1] > best[0] + 1e-3), 3)
    self.assertGreater(best[1].mean(), best[0].mean())

  def test_rows_do_not_meet(self) -> None:
    decoder, z = make_decoder(), random_z(6)
    ids, scores = decoder.beam_search(z, 7, 3)
    for row in range(6):
      alone, score = decoder.beam_search(z[row:row + 1], 7, 3)
      length = alone.shape[-1]
      self.assertAllEqual(ids[row, :, :length], alone[0])
      self.assertAllEqual(ids[row, :, length:], np.zeros_like(ids[row, :, length:]))
      self.assertAllClose(scores[row], score[0], rtol=1e-6, atol=1e-6)

  def test_fewer_sequences_than_beams_leave_the_rest_impossible(self) -> None:
    decoder, z = make_decoder(vocab_size=4), random_z(2)
    ids, scores = decoder.beam_search(z, 2, 5)  # END, w END and w w, w being the only word.
    self.assertAllEqual(np.isfinite(scores), [[True] * 3 + [False] * 2] * 2)
    self.assertAllEqual(ids[:, 3:], np.zeros([2, 2, 2]))
    self.assertAllEqual(np.sort(scores[:, 3:]), np.full([2, 2], -np.inf))

  def test_stops_when_all_beams_have_ended(self) -> None:
    decoder, z = make_decoder(), random_z(3)
    kernel = np.zeros_like(decoder.cross_entropy.kernel)
    decoder.cross_entropy.kernel.assign(kernel)
    hidden = decoder.cross_entropy.logits  # All logits are equal: END is as likely as each word.
    decoder.cross_entropy.logits = lambda state: hidden(state) + tf.one_hot(END, VOCABULARY) * 30.0
    ids, scores = decoder.beam_search(z, 100, 3)
    self.assertLess(ids.shape[-1], 5)
    self.assertAllClose(scores[:, 0], np.zeros(3), atol=1e-6)

  def test_one_graph_takes_any_number_of_rows(self) -> None:
    decoder = make_decoder()
    search = tf.function(lambda z: decoder.beam_search(z, 5, 2),
                         input_signature=[tf.TensorSpec([None, LATENT_DIM])])
    for rows in (1, 4):
      self.assertAllEqual(search(random_z(rows))[0], decoder.beam_search(random_z(rows), 5, 2)[0])
    ids, scores = search(random_z(0))
    self.assertEqual((ids.shape, scores.shape), ([0, 2, 0], [0, 2]))

  def test_width_is_checked(self) -> None:
    with self.assertRaisesRegex(ValueError, "`width` must be at least 1. Received: width=0"):
      make_decoder().beam_search(random_z(1), 3, 0)


class SampleTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters((1.0, None), (2.0, None), (0.5, 3), (1.0, 2), (1.0, 100))
  def test_shares_of_first_tokens_are_the_probabilities(
      self, temperature: float, top_k: int | None) -> None:
    decoder, draws = make_decoder(0.5), 6_000
    z = np.repeat(random_z(1), draws, axis=0)
    ids = decoder.sample(z, 1, tf.range(draws, dtype=tf.int64), temperature, top_k).numpy()
    steps = lstm.LSTMSteps(decoder, z[:1])
    logits, _ = steps.step(tf.constant([START]), steps.begin())
    logits = logits.numpy()[0, END:] / temperature
    if top_k is not None:
      logits = np.where(np.argsort(np.argsort(-logits)) < top_k, logits, -np.inf)
    expected = np.exp(logits) / np.exp(logits).sum()
    found = np.bincount(ids[:, 0], minlength=VOCABULARY)[END:] / draws
    self.assertAllClose(found, expected, rtol=0.0, atol=tolerances.hoeffding_radius(draws))
    self.assertAllEqual(found[expected == 0.0], np.zeros(np.sum(expected == 0.0)))

  def test_sequences_have_the_probability_of_the_model(self) -> None:
    decoder, draws = make_decoder(0.5), 6_000
    z = np.repeat(random_z(1), draws, axis=0)
    ids = decoder.sample(z, 2, tf.range(draws, dtype=tf.int64)).numpy()
    every = all_sequences(2)
    # Padding and start are not drawn, which leaves the rest their share.
    expected = np.exp(log_probabilities(decoder, z[:len(every)], every))
    found = np.array([np.mean((ids == sequence).all(axis=1)) for sequence in every])
    self.assertAllClose(found.sum(), 1.0, atol=1e-6)
    steps = lstm.LSTMSteps(decoder, z[:1])

    def allowed(token: int, state: object) -> tuple[float, object]:
      logits, state = steps.step(tf.constant([token]), state)
      return float(tf.reduce_sum(tf.nn.softmax(logits)[0, END:])), state

    share, state = allowed(START, steps.begin())
    factors = [share if sequence[0] == END else share * allowed(sequence[0], state)[0]
               for sequence in every]
    self.assertAllClose(found, expected / factors, rtol=0.0,
                        atol=tolerances.hoeffding_radius(draws))

  def test_a_sentence_belongs_to_its_seed(self) -> None:
    decoder, z = make_decoder(0.5), random_z(8)
    seed = tf.constant([5, 6, 5, 7, 8, 9, 10, 11], tf.int64)
    z[2] = z[0]
    ids = decoder.sample(z, 9, seed).numpy()
    self.assertAllEqual(ids[0], ids[2])
    self.assertAllEqual(decoder.sample(z, 9, seed), ids)
    order = np.array([3, 0, 7])
    some = decoder.sample(z[order], 9, tf.gather(seed, order)).numpy()
    self.assertAllEqual(some, ids[order, :some.shape[1]])
    other = decoder.sample(z, 9, seed + 100).numpy()
    length = min(other.shape[1], ids.shape[1])
    self.assertFalse(np.array_equal(other[:, :length], ids[:, :length]))

  def test_the_likeliest_alone_is_greedy(self) -> None:
    decoder, z = make_decoder(), random_z(20)
    self.assertAllEqual(
        decoder.sample(z, 9, tf.range(20, dtype=tf.int64), top_k=1), decoder.greedy(z, 9))

  def test_one_graph_takes_any_number_of_rows(self) -> None:
    decoder = make_decoder()
    draw = tf.function(lambda z, seed: decoder.sample(z, 5, seed), input_signature=[
        tf.TensorSpec([None, LATENT_DIM]), tf.TensorSpec([None], tf.int64)])
    for rows in (1, 4):
      seed = tf.range(rows, dtype=tf.int64)
      self.assertAllEqual(draw(random_z(rows), seed), decoder.sample(random_z(rows), 5, seed))
    self.assertEqual(draw(random_z(0), tf.zeros([0], tf.int64)).shape, [0, 0])

  @parameterized.parameters(
      ({"temperature": 0.0}, "`temperature` must be > 0. Received: temperature=0.0"),
      ({"temperature": float("nan")}, "`temperature` must be > 0"),
      ({"top_k": 0}, "`top_k` must be at least 1. Received: top_k=0"))
  def test_arguments_are_checked(self, arguments: dict[str, float], message: str) -> None:
    with self.assertRaisesRegex(ValueError, message):
      make_decoder().sample(random_z(1), 3, tf.zeros([1], tf.int64), **arguments)


if __name__ == "__main__":
  tf.test.main()
