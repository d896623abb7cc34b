"""Importance-weighted NLL on a model whose likelihood is known, and on a small real one."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf import config
from du_vae_tf import seeds
from du_vae_tf.data import text_batching
from du_vae_tf.estimators import importance_nll
from du_vae_tf.models import builders

SEED = 3
LATENT = 2
WORDS = 7  # Longest sentence.
NOISE = 0.8

# A seeded mean is this many standard errors away with a probability of 2e-9.
SIX = 6.0

_random = np.random.default_rng(0)
VALUES = _random.normal(size=20)
SLOPES = _random.normal(size=(WORDS + 4, LATENT))  # Room for an end symbol and padding.


class LinearGaussian:
  """Token number `i` at position `t` stands for an observation x_t = VALUES[i].

  x_t = slopes[t] z + NOISE e_t with z, e ~ N(0, 1), so that log p(x) is known. The first token is
  given, as a start symbol is. q(z | x) has the exact mean, moved, and a variance of its own.
  """

  latent_dim = LATENT

  def __init__(self, shift: float = 0.3, factor: float = 1.4, slopes: np.ndarray = SLOPES):
    self._shift = shift
    self._factor = factor
    self._slopes = slopes
    self.traces = 0

  def log_weights(self, batch: Mapping[str, tf.Tensor], noise: tf.Tensor,
                  samples_at_once: tf.Tensor | None = None) -> tf.Tensor:
    del samples_at_once
    self.traces += 1
    x = tf.gather(VALUES, batch["ids"])[:, 1:]
    steps = tf.shape(x)[1]
    mask = tf.sequence_mask(batch["length"] - 1, steps, tf.float64)
    slopes = tf.constant(self._slopes)[:steps]
    # Exact posterior: precision I + W^T W / s^2, mean covariance W^T x / s^2, words only.
    precision = (tf.eye(LATENT, dtype=tf.float64)
                 + tf.einsum("bt,tn,tm->bnm", mask, slopes, slopes) / NOISE**2)
    covariance = tf.linalg.inv(precision)
    mean = tf.einsum("bnm,tm,bt->bn", covariance, slopes, mask * x) / NOISE**2 + self._shift
    scale = tf.sqrt(self._factor * tf.linalg.diag_part(covariance))
    noise = tf.cast(noise, tf.float64)
    z = mean + scale * noise
    error = x - tf.einsum("tn,sbn->sbt", slopes, z)
    likelihood = -0.5 * tf.reduce_sum(
        mask * (tf.square(error / NOISE) + math.log(2.0 * math.pi * NOISE**2)), axis=-1)
    prior = -0.5 * tf.reduce_sum(tf.square(z), axis=-1)
    posterior = -0.5 * tf.reduce_sum(tf.square(noise), axis=-1) - tf.reduce_sum(
        tf.math.log(scale), axis=-1)
    return tf.cast(likelihood + prior - posterior, tf.float32)


def exact_nll(sentence: Sequence[int], slopes: np.ndarray = SLOPES) -> float:
  """-log p(x) of a sentence and its end symbol, by the covariance of x."""
  x = VALUES[[*sentence, 2]]
  slopes = slopes[:len(x)]
  covariance = slopes @ slopes.T + NOISE**2 * np.eye(len(x))
  _, log_determinant = np.linalg.slogdet(2.0 * math.pi * covariance)
  return float(0.5 * (log_determinant + x @ np.linalg.solve(covariance, x)))


def sentences(count: int) -> list[list[int]]:
  random = np.random.default_rng(1)
  return [random.integers(4, 20, random.integers(1, WORDS + 1)).tolist() for _ in range(count)]


def dataset(words: Sequence[Sequence[int]], batch_size: int, extra_padding: int = 0,
            order: Sequence[int] | None = None) -> tf.data.Dataset:
  """Batches of the sentences, each numbered by its place in `words`."""
  order = list(range(len(words)) if order is None else order)
  batches = []
  for first in range(0, len(order), batch_size):
    rows = order[first:first + batch_size]
    batch = text_batching.pad_batch([words[row] for row in rows], extra_padding)
    batches.append(batch | {"row": tf.constant(rows, tf.int64)})
  return tf.data.Dataset.from_generator(
      lambda: iter(batches), output_signature=text_batching.ELEMENT_SPEC)


class Recorder:
  """Progress that remembers what it was told."""

  def __init__(self) -> None:
    self.starts: list[tuple[int, float]] = []
    self.counts: list[int] = []

  def start(self, total: int, expected_seconds: float) -> None:
    self.starts.append((total, expected_seconds))

  def update(self, count: int) -> None:
    self.counts.append(count)


def estimate(model: object, data: tf.data.Dataset, num_samples: int, seed: int = SEED,
             **arguments: int) -> np.ndarray:
  """The estimates in the order of the rows."""
  weighted = importance_nll.ImportanceNLL(model, num_samples, seed, **arguments).estimate(
      data, Recorder())
  return weighted.nll[np.argsort(weighted.rows)]


class KnownLikelihoodTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(1, 10)
  def test_equals_the_definition(self, num_samples: int) -> None:
    words = sentences(6)
    model = LinearGaussian()
    noise = seeds.row_normals(
        SEED, "importance_weights", tf.range(6, dtype=tf.int64), [num_samples, LATENT])
    weights = model.log_weights(
        text_batching.pad_batch(words), tf.transpose(noise, [1, 0, 2])).numpy().astype(np.float64)
    self.assertAllClose(
        estimate(model, dataset(words, 6), num_samples), -np.log(np.mean(np.exp(weights), axis=0)),
        rtol=1e-6, atol=0.0)

  def test_with_the_exact_posterior_one_sample_is_enough(self) -> None:
    # One word and the end symbol with slopes along one axis each: the exact posterior is diagonal.
    words = [[word] for word in range(4, 12)]
    slopes = np.zeros_like(SLOPES)
    slopes[0, 0], slopes[1, 1] = 0.7, -1.2
    model = LinearGaussian(shift=0.0, factor=1.0, slopes=slopes)
    self.assertAllClose(estimate(model, dataset(words, 3), 1),
                        [exact_nll(sentence, slopes) for sentence in words], rtol=1e-5, atol=0.0)

  @parameterized.parameters(1, 7, 50)
  def test_mean_likelihood_is_unbiased_for_every_number_of_samples(self, num_samples: int) -> None:
    sentence = sentences(1)[0]
    nll = estimate(LinearGaussian(), dataset([sentence] * 2000, 500), num_samples)
    ratio = np.exp(exact_nll(sentence) - nll)
    error = ratio.std(ddof=1) / math.sqrt(len(ratio))
    self.assertAllClose(ratio.mean(), 1.0, rtol=0.0, atol=SIX * error)
    self.assertLess(SIX * error, 0.2)

  def test_falls_with_the_number_of_samples_towards_the_exact_value(self) -> None:
    sentence = sentences(1)[0]
    data = dataset([sentence] * 2000, 500)
    model = LinearGaussian()
    estimates = [estimate(model, data, num_samples) for num_samples in (1, 4, 16)]
    # Each falls by more than six standard errors, so the order is no accident of the seed.
    for fewer, more in zip(estimates[:-1], estimates[1:], strict=True):
      error = math.hypot(fewer.std(ddof=1), more.std(ddof=1)) / math.sqrt(len(more))
      self.assertGreater(fewer.mean() - more.mean(), SIX * error)
    self.assertGreater(estimates[-1].mean(), exact_nll(sentence))

    many = estimate(model, dataset([sentence] * 4, 4), 20_000)
    # Deviation of a weight from a single sample's estimates, which are their logarithms.
    deviation = np.exp(exact_nll(sentence) - estimates[0]).std(ddof=1)
    self.assertAllClose(many, np.full(4, exact_nll(sentence)), rtol=0.0,
                        atol=1.5 * SIX * deviation / math.sqrt(20_000))

  def test_one_sample_gives_the_negative_elbo_in_expectation(self) -> None:
    sentence = sentences(1)[0]
    nll = estimate(LinearGaussian(), dataset([sentence] * 4000, 1000), 1)
    gap = nll - exact_nll(sentence)
    error = gap.std(ddof=1) / math.sqrt(len(gap))
    # -ELBO - NLL is KL(q || exact posterior).
    slopes = SLOPES[:len(sentence) + 1]
    precision = np.eye(LATENT) + slopes.T @ slopes / NOISE**2
    spread = 1.4 * np.diag(np.linalg.inv(precision))
    shift = np.full(LATENT, 0.3)
    divergence = 0.5 * (
        np.sum(np.diag(precision) * spread) + shift @ precision @ shift - LATENT
        - np.linalg.slogdet(precision)[1] - np.sum(np.log(spread)))
    self.assertAllClose(gap.mean(), divergence, rtol=0.0, atol=SIX * error)
    self.assertGreater(divergence, SIX * error)


class StreamingTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      {"batch_size": 1}, {"batch_size": 5}, {"batch_size": 5, "extra_padding": 2},
      {"batch_size": 4, "order": tuple(reversed(range(13)))})
  def test_batches_padding_and_order_do_not_matter(self, **arguments: object) -> None:
    words = sentences(13)
    model = LinearGaussian()
    whole = estimate(model, dataset(words, 13), 11)
    self.assertAllClose(
        estimate(model, dataset(words, **arguments), 11), whole, rtol=1e-6, atol=0.0)

  # 11 samples at once, in chunks that do not divide 11, one by one; several sentences or one.
  @parameterized.parameters(10_000, 99 * 5, 99, 40, 30, 1)
  def test_chunks_do_not_matter(self, max_positions: int) -> None:
    words = sentences(13)
    model = LinearGaussian()
    whole = estimate(model, dataset(words, 13), 11)
    self.assertAllClose(
        estimate(model, dataset(words, 6), 11, max_positions=max_positions), whole,
        rtol=1e-6, atol=0.0)

  @parameterized.parameters(500, 60, 25)
  def test_memory_is_bounded_and_every_sample_is_drawn_once(self, max_positions: int) -> None:
    taken = []

    class Watched(LinearGaussian):

      def log_weights(self, batch: Mapping[str, tf.Tensor], noise: tf.Tensor,
                      samples_at_once: tf.Tensor | None = None) -> tf.Tensor:
        size = tf.stack(
            [samples_at_once, tf.shape(noise)[0], *tf.unstack(tf.shape(batch["ids"]))])
        tf.py_function(lambda shape: taken.append(tuple(shape.numpy())), [size], [])
        return super().log_weights(batch, noise)

    estimate(Watched(), dataset(sentences(13), 6), 11, max_positions=max_positions)
    first, *taken = taken  # The first pass is there to build the graph.
    self.assertEqual(first[1], 1)
    for at_once, samples, rows, positions in taken:
      # At least one sample of one sentence.
      self.assertLessEqual(min(at_once, samples) * rows * positions,
                           max(max_positions, positions))
    self.assertEqual(sum(samples * rows for _, samples, rows, _ in taken), 11 * 13)

  def test_seed_changes_the_samples_and_is_all_that_does(self) -> None:
    data = dataset(sentences(5), 5)
    model = LinearGaussian()
    first = estimate(model, data, 4)
    self.assertAllEqual(estimate(model, data, 4), first)
    self.assertNotAllClose(estimate(model, data, 4, seed=SEED + 1), first)

  def test_one_graph_serves_all_batches(self) -> None:
    model = LinearGaussian()
    estimate(model, dataset(sentences(40), 3), 11, max_positions=50)
    self.assertEqual(model.traces, 1)

  def test_progress(self) -> None:
    recorder = Recorder()
    importance_nll.ImportanceNLL(LinearGaussian(), 11, SEED, max_positions=200).estimate(
        dataset(sentences(13), 6), recorder)
    (total, seconds), = recorder.starts
    self.assertEqual(total, 13)
    self.assertEqual(sum(recorder.counts), 13)
    self.assertGreater(len(recorder.counts), 3)
    self.assertGreater(seconds, 0.0)

  def test_progress_may_interrupt(self) -> None:
    class Impatient(Recorder):

      def update(self, count: int) -> None:
        raise InterruptedError

    with self.assertRaises(InterruptedError):
      importance_nll.ImportanceNLL(LinearGaussian(), 2, SEED).estimate(
          dataset(sentences(3), 3), Impatient())

  def test_rows_come_with_their_estimates(self) -> None:
    words = sentences(5)
    order = [3, 0, 4, 1, 2]
    weighted = importance_nll.ImportanceNLL(LinearGaussian(), 4, SEED).estimate(
        dataset(words, 2, order=order), Recorder())
    self.assertAllEqual(weighted.rows, order)
    self.assertEqual(weighted.nll.dtype, np.float64)

  def test_empty_data_set_is_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "at least one example. Received an empty one"):
      estimate(LinearGaussian(), dataset([], 2), 4)


class TextModelTest(tf.test.TestCase):

  def test_batches_and_padding_do_not_matter_and_one_sample_is_the_negative_elbo(self) -> None:
    values = {"latent_dim": 2, "hidden_size": 9, "embedding_size": 5, "seed": 1}
    model = builders.build_model(config.resolve(values, {}), {"vocab_size": 20})
    words = sentences(9)
    whole = estimate(model, dataset(words, 9), 7)
    for arguments in ({"batch_size": 2}, {"batch_size": 4, "extra_padding": 5}):
      self.assertAllClose(
          estimate(model, dataset(words, **arguments), 7, max_positions=60), whole,
          rtol=1e-5, atol=0.0)

    noise = seeds.row_normals(SEED, "importance_weights", tf.range(9, dtype=tf.int64), [1, 2])
    terms = model.terms(text_batching.pad_batch(words), noise[:, 0])
    z = terms["mean"] + tf.sqrt(terms["variance"]) * noise[:, 0]
    log_ratio = 0.5 * tf.reduce_sum(
        tf.square(z) - tf.square(noise[:, 0]) - tf.math.log(terms["variance"]), axis=1)
    self.assertAllClose(estimate(model, dataset(words, 9), 1),
                        terms["reconstruction"] + log_ratio, rtol=1e-5, atol=0.0)


if __name__ == "__main__":
  tf.test.main()
