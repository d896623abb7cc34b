"""The synthetic language is pinned: its sentences and its true log-likelihood."""

import math

import numpy as np
from absl.testing import absltest

from du_vae_tf.data import synthetic_generator


class SyntheticGeneratorTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.splits = synthetic_generator.generate()

  def test_sizes(self):
    self.assertEqual(
        {name: split.words.shape for name, split in self.splits.items()},
        {"train": (16_000, 10), "valid": (2_000, 10), "test": (2_000, 10)})

  def test_the_first_sentence_is_pinned(self):
    self.assertEqual(
        self.splits["train"].texts()[0], b"w713 w795 w140 w634 w74 w747 w66 w588 w314 w261")
    self.assertEqual(self.splits["train"].labels[0], 0)

  def test_the_number_of_distinct_training_sentences_is_pinned(self):
    self.assertLen(set(self.splits["train"].texts()), 11_657)

  def test_the_mean_log_likelihood_is_pinned(self):
    self.assertAlmostEqual(-self.splits["test"].log_likelihood.mean(), 5.947, delta=5e-4)

  def test_labels_name_the_component_of_z(self):
    train = self.splits["train"]
    self.assertEqual(set(train.labels.tolist()), {0, 1, 2, 3, 4})
    for label, mean in enumerate(synthetic_generator.COMPONENT_MEANS):
      own = train.z[train.labels == label]
      # Six standard errors of the mean of unit normals.
      np.testing.assert_allclose(own.mean(axis=0), mean, rtol=0.0, atol=6.0 / math.sqrt(len(own)))

  def test_the_log_likelihood_is_that_of_the_described_network(self):
    rng = np.random.default_rng(20210609)
    embeddings, into, recurrent = (rng.uniform(-1, 1, (n, 100)) for n in (1001, 400, 400))
    bias = rng.uniform(-1, 1, 400) + rng.uniform(-1, 1, 400)
    to_state, state_bias = rng.uniform(-1, 1, (100, 2)), rng.uniform(-1, 1, 100)
    out, out_bias = rng.uniform(-5, 5, (1000, 102)), rng.uniform(-5, 5, 1000)
    train = self.splits["train"]
    for row in range(3):
      state, cell, word, total = to_state @ train.z[row] + state_bias, np.zeros(100), 1000, 0.0
      for target in train.words[row]:
        gates = into @ embeddings[word] + recurrent @ state + bias
        i, f, o = (1.0 / (1.0 + np.exp(-gates[at:at + 100])) for at in (0, 100, 300))
        cell = f * cell + i * np.tanh(gates[200:300])
        state = o * np.tanh(cell)
        logits = out @ np.concatenate([state, train.z[row]]) + out_bias
        total += logits[target] - np.logaddexp.reduce(logits)
        word = target
      # Ten float64 steps through logits up to about 300: errors stay far below 1e-9.
      self.assertAlmostEqual(train.log_likelihood[row], total, delta=1e-9)


if __name__ == "__main__":
  absltest.main()
