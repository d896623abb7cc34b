"""Linear classifiers: gradient, the two published trainings, validated logistic regression."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.analysis import linear_probe


def blobs(seed: int, size: int, spread: float, classes: int = 3) -> linear_probe.Examples:
  """Gaussian clouds around the corners of a simplex."""
  random = np.random.default_rng(seed)
  labels = np.arange(size) % classes
  features = 3.0 * np.eye(classes, 5)[labels] + spread * random.standard_normal((size, 5))
  return linear_probe.Examples(features, labels)


class SoftmaxTest(absltest.TestCase):

  def test_gradient_is_the_slope_of_the_summed_cross_entropy(self):
    examples = blobs(0, 12, 1.0)
    model = linear_probe.Softmax(5, 3, np.random.default_rng(1))
    gradient = model.gradient(examples)
    step = 1e-6
    for place in np.ndindex(*model.weights.shape):
      losses = []
      for sign in (1.0, -1.0):
        model.weights[place] += sign * step
        losses.append(12 * model.loss(examples))
        model.weights[place] -= sign * step
      self.assertAlmostEqual((losses[0] - losses[1]) / (2 * step), gradient[place], delta=1e-6)

  def test_probabilities_sum_to_one_for_large_logits(self):
    model = linear_probe.Softmax(5, 3, np.random.default_rng(1))
    model.weights *= 1e4
    sums = np.exp(model.log_probabilities(blobs(0, 9, 1.0).features)).sum(axis=1)
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)

  def test_starts_within_the_published_bound(self):
    weights = linear_probe.Softmax(400, 50, np.random.default_rng(1)).weights
    self.assertLessEqual(np.abs(weights).max(), 0.05)
    self.assertGreater(np.abs(weights).max(), 0.049)


class TrainingTest(parameterized.TestCase):

  @parameterized.parameters("sgd", "adam", "logistic_regression")
  def test_well_separated_classes_are_told_apart(self, name):
    train, valid, test = blobs(1, 150, 0.3), blobs(2, 60, 0.3), blobs(3, 60, 0.3)
    random = np.random.default_rng(4)
    if name == "sgd":
      accuracy = linear_probe.sgd(train, valid, 3, random).accuracy(test)
    elif name == "adam":
      accuracy = linear_probe.adam(train, 3, random).accuracy(test)
    else:
      accuracy = linear_probe.logistic_regression(train, valid)(test)
    self.assertEqual(accuracy, 1.0)

  def test_sgd_answers_with_the_weights_of_the_lowest_validation_loss(self):
    # Labels of training are noise, so that more training only harms.
    random = np.random.default_rng(5)
    train, valid = blobs(1, 40, 3.0), blobs(2, 40, 3.0)
    train = linear_probe.Examples(train.features, random.integers(0, 3, 40))
    losses = []

    class Recorded(linear_probe.Softmax):
      def loss(self, examples):
        losses.append(super().loss(examples))
        return losses[-1]

    original, linear_probe.Softmax = linear_probe.Softmax, Recorded
    try:
      model = linear_probe.sgd(train, valid, 3, np.random.default_rng(6))
    finally:
      linear_probe.Softmax = original
    kept = len(losses)
    self.assertEqual(model.loss(valid), min(losses[:kept]))
    # Two epochs without progress for each of five decays, and no more than the limit.
    self.assertBetween(kept, 10, 100)

  def test_sgd_limits_the_norm_of_a_step(self):
    train = linear_probe.Examples(np.full((4, 5), 1e6), np.array([0, 1, 2, 0]))
    model = linear_probe.sgd(train, train, 3, np.random.default_rng(7))
    # One batch an epoch and at most 100 epochs of steps of norm 5 and rate 1.
    self.assertLess(np.linalg.norm(model.weights), 501.0)

  def test_penalty_is_chosen_on_validation_or_by_folds(self):
    # One informative feature among much noise: a weak penalty fits the noise.
    random = np.random.default_rng(8)

    def noisy(size):
      labels = random.integers(0, 2, size)
      features = random.standard_normal((size, 60))
      features[:, 0] += 4.0 * labels
      return linear_probe.Examples(features, labels)

    train, valid, test = noisy(60), noisy(400), noisy(2000)
    chosen = linear_probe.logistic_regression(train, valid)(test)
    folded = linear_probe.logistic_regression(train, None)(test)
    self.assertGreater(chosen, 0.9)
    self.assertGreater(folded, 0.85)

  def test_one_class_alone_is_always_answered(self):
    train = linear_probe.Examples(np.ones((3, 5)), np.array([1, 1, 1]))
    test = linear_probe.Examples(np.ones((4, 5)), np.array([1, 0, 1, 1]))
    self.assertEqual(linear_probe.logistic_regression(train, None)(test), 0.75)

  def test_classes_of_one_example_each_are_fitted_without_folds(self):
    train = linear_probe.Examples(np.eye(3, 5), np.arange(3))
    self.assertEqual(linear_probe.logistic_regression(train, None)(train), 1.0)


if __name__ == "__main__":
  absltest.main()
