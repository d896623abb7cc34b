"""One pass over a split: what is collected, and under which noise."""

from unittest import mock

import numpy as np
import tensorflow as tf

from du_vae_tf import config
from du_vae_tf import seeds
from du_vae_tf.data import text_batching
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.models import builders
from du_vae_tf.models import vae

SEED = 5


def sentences(count: int) -> list[list[int]]:
  random = np.random.default_rng(1)
  return [random.integers(4, 20, random.integers(1, 8)).tolist() for _ in range(count)]


def dataset(words: list[list[int]], batch_size: int, extra_padding: int = 0) -> tf.data.Dataset:
  batches = []
  for first in range(0, len(words), batch_size):
    batch = text_batching.pad_batch(words[first:first + batch_size], extra_padding)
    batches.append(batch | {"row": batch["row"] + first})
  return tf.data.Dataset.from_generator(
      lambda: iter(batches), output_signature=text_batching.ELEMENT_SPEC)


def make_model(method: str = "du_vae") -> vae.VAE:
  values = {"latent_dim": 2, "hidden_size": 9, "embedding_size": 5, "seed": 1, "method": method}
  return builders.build_model(config.resolve(values, {}), {"vocab_size": 20})


class PosteriorPassTest(tf.test.TestCase):

  def setUp(self) -> None:
    super().setUp()
    self.model = make_model()
    self.words = sentences(11)

  def collect(self, batch_size: int, active: bool = True, purpose: str = "validation",
              extra_padding: int = 0) -> posterior_pass.Collected:
    return posterior_pass.PosteriorPass(self.model, SEED, purpose).collect(
        dataset(self.words, batch_size, extra_padding), active)

  def test_collects_the_terms_of_every_example(self) -> None:
    collected = self.collect(batch_size=4)
    noise = seeds.row_normals(SEED, "validation", tf.range(11, dtype=tf.int64), [2])
    terms = self.model.terms(text_batching.pad_batch(self.words), noise)
    for name in ("reconstruction", "kl", "mean", "variance"):
      self.assertAllClose(getattr(collected, name), terms[name], rtol=1e-5, atol=1e-6)
    self.assertAllClose(collected.kl_per_dimension, np.mean(terms["kl_per_dimension"], axis=0),
                        rtol=1e-5, atol=1e-6)
    self.assertAllClose(
        collected.sample, terms["mean"] + np.sqrt(terms["variance"]) * noise, rtol=1e-5, atol=1e-6)
    # The end symbol is predicted, the start symbol is not.
    self.assertEqual(collected.tokens, sum(len(sentence) + 1 for sentence in self.words))

  def test_batches_and_padding_do_not_matter(self) -> None:
    whole = self.collect(batch_size=11).figures()
    for batch_size, extra_padding in ((1, 0), (4, 3)):
      figures = self.collect(batch_size, extra_padding=extra_padding).figures()
      self.assertAllClose(figures, whole, rtol=1e-5, atol=1e-5)

  def test_every_pass_has_the_same_noise_and_every_purpose_its_own(self) -> None:
    validation = self.collect(batch_size=4)
    self.assertAllEqual(self.collect(batch_size=4).sample, validation.sample)
    self.assertNotAllClose(self.collect(batch_size=4, purpose="evaluation").sample,
                           validation.sample)

  def test_the_floor_of_the_variance_may_be_off(self) -> None:
    floor = self.model.variance_dropout.floor
    self.assertAllClose(self.collect(4).variance - self.collect(4, active=False).variance,
                        np.full([11, 2], floor), rtol=1e-5)

  def test_figures(self) -> None:
    collected = self.collect(batch_size=4)
    figures = collected.figures()
    self.assertEqual(
        list(figures), ["elbo_nll", "reconstruction", "kl", "mi", "au", "mpd", "ce"])
    self.assertAllClose(figures["elbo_nll"], np.mean(collected.reconstruction + collected.kl))
    self.assertAllClose(figures["elbo_nll"], figures["reconstruction"] + figures["kl"])
    self.assertAllClose(figures["kl"], collected.kl_per_dimension.sum())
    self.assertEqual(figures["au"], np.sum(np.var(collected.mean, axis=0, ddof=1) >= 0.01))

  def test_figures_of_a_flow(self) -> None:
    self.model = make_model("du_iaf")
    collected = self.collect(batch_size=4)
    figures = collected.figures()
    self.assertEqual(list(figures), [
        "elbo_nll", "reconstruction", "kl", "mi", "au", "mpd", "ce", "ce_std_error", "z0_mi",
        "z0_au", "z0_mpd", "z0_ce"])
    self.assertEqual([figures[name] for name in ("mi", "au", "mpd")], [None] * 3)
    noise = seeds.row_normals(SEED, "validation", tf.range(11, dtype=tf.int64), [8, 2])
    noise = tf.transpose(noise, [1, 0, 2])
    posterior = self.model.posterior(text_batching.pad_batch(self.words))
    z, log_prob = posterior.sample_and_log_prob(noise)
    # KL is the mean over eight samples of each example.
    kl = np.mean(log_prob + 0.5 * np.sum(np.square(z) + np.log(2.0 * np.pi), axis=-1), axis=0)
    self.assertAllClose(collected.kl, kl, rtol=1e-4, atol=1e-4)
    self.assertAllClose(collected.sample, posterior.mean + posterior.base.scale * noise[0],
                        rtol=1e-5, atol=1e-5)
    # The log-determinant alone is estimated; the entropy before the flow is closed.
    base_log_prob = posterior.base.sample_and_log_prob(noise)[1]
    entropies = (posterior.base.distribution.entropy()
                 + tf.reduce_mean(base_log_prob - log_prob, axis=0)).numpy()
    self.assertAllClose(figures["ce"], entropies.mean(), rtol=1e-4)
    self.assertAllClose(figures["ce_std_error"], entropies.std(ddof=1) / np.sqrt(11), rtol=1e-3)
    self.assertLess(figures["ce"], figures["z0_ce"])
    self.assertAllClose(figures["z0_ce"], np.mean(posterior.base.distribution.entropy()), rtol=1e-5)
    self.assertEqual(figures["z0_au"], np.sum(np.var(collected.mean, axis=0, ddof=1) >= 0.01))

  def test_a_single_example_of_a_flow_has_no_standard_error(self) -> None:
    self.model, self.words = make_model("du_iaf"), sentences(1)
    self.assertIsNone(self.collect(batch_size=4).figures()["ce_std_error"])

  def test_one_graph_serves_every_pass(self) -> None:
    passes = posterior_pass.PosteriorPass(self.model, SEED, "validation")
    with mock.patch.object(self.model, "terms", wraps=self.model.terms) as terms:
      for active in (False, True):
        passes.collect(dataset(self.words, 4), active)
      self.assertEqual(terms.call_count, 1)

  def test_a_check_between_batches_may_interrupt(self) -> None:
    check = mock.Mock(side_effect=[None, InterruptedError])
    with self.assertRaises(InterruptedError):
      posterior_pass.PosteriorPass(self.model, SEED, "validation").collect(
          dataset(self.words, 4), check=check)
    self.assertEqual(check.call_count, 2)

  def test_empty_data_set_is_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "at least one batch. Received an empty one"):
      posterior_pass.PosteriorPass(self.model, SEED, "validation").collect(dataset([], 4))


if __name__ == "__main__":
  tf.test.main()
