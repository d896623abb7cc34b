"""Which rows stand together in a batch."""

from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.data import batch_plans


def _lengths(num_rows: int) -> np.ndarray:
  return np.random.default_rng(0).integers(1, 60, num_rows)


def _near_equal(lengths: np.ndarray, batch_size: int, seed: int = 1,
                epoch: int = 0) -> batch_plans.NearEqual:
  return batch_plans.NearEqual(len(lengths), lambda rows: lengths[rows], batch_size, seed, epoch)


class NearEqualTest(parameterized.TestCase):

  @parameterized.product(num_rows=(16, 31, 32, 33, 1000), batch_size=(1, 7, 32))
  def test_no_row_is_lost_and_sizes_differ_by_at_most_one(self, num_rows, batch_size):
    for window in (64, 2**17):
      with mock.patch.object(batch_plans, "_WINDOW", window):
        plan = list(_near_equal(_lengths(num_rows), batch_size, seed=1, epoch=2))
      self.assertLen(plan, -(-num_rows // batch_size))
      sizes = [len(rows) for rows in plan]
      self.assertLessEqual(max(sizes) - min(sizes), 1)
      self.assertLessEqual(max(sizes), batch_size)
      self.assertEqual(sorted(np.concatenate(plan)), list(range(num_rows)))

  def test_little_is_padded(self):
    lengths = _lengths(10_000)
    plan = _near_equal(lengths, 32)
    padded = sum(len(rows) * lengths[rows].max() for rows in plan)
    # Sorted, a batch that mixes two neighbouring lengths pads less than one word a row; 58 of the
    # 313 batches can: below 58 * 32 words of about 300 000.
    self.assertLess(padded - lengths.sum(), 58 * 32)

  def test_the_order_of_batches_does_not_follow_length(self):
    lengths = _lengths(10_000)
    means = [lengths[rows].mean() for rows in _near_equal(lengths, 32)]
    correlation = np.corrcoef(means, np.arange(len(means)))[0, 1]
    self.assertLess(abs(correlation), 6.0 / np.sqrt(len(means)))  # six standard errors

  def test_depends_on_seed_and_epoch_alone(self):
    lengths = _lengths(200)
    for window in (64, 2**17):
      with mock.patch.object(batch_plans, "_WINDOW", window):
        plan, again = (list(_near_equal(lengths, 32)) for _ in range(2))
        np.testing.assert_array_equal(np.concatenate(plan), np.concatenate(again))
        for seed, epoch in ((2, 0), (1, 1)):
          self.assertNotEqual(
              {frozenset(rows.tolist()) for rows in plan},
              {frozenset(rows.tolist()) for rows in _near_equal(lengths, 32, seed, epoch)})

  def test_batches_are_the_same_in_whatever_order_they_are_asked_for(self):
    with mock.patch.object(batch_plans, "_WINDOW", 64):
      plan = _near_equal(_lengths(1000), 32)
      forwards = list(plan)
      for batch in reversed(range(len(plan))):
        np.testing.assert_array_equal(plan[batch], forwards[batch])
    with self.assertRaisesRegex(IndexError, r"in \[0, 32\). Received: 32"):
      plan[32]

  def test_the_windows_of_a_large_corpus_are_random_samples_of_it(self):
    num_rows, window = 200_000, 2**15
    with mock.patch.object(batch_plans, "_WINDOW", window):
      plan = _near_equal(np.ones(num_rows, int), 32)
      rows = np.concatenate([plan[batch] for batch in range(window // 32)])
    # Batches are permuted, rows within them are not: neighbours in a batch are neighbours of the
    # permutation of all rows.
    for distance in (1, 2, 4, 16):
      correlation = np.corrcoef(rows[:-distance], rows[distance:])[0, 1]
      self.assertLess(abs(correlation), 5.0 / np.sqrt(len(rows)))
    observed = np.histogram(rows, 100, (0, num_rows))[0]
    expected = len(rows) / 100
    chi_squared = ((observed - expected)**2).sum() / expected / (1 - len(rows) / num_rows)
    self.assertLess(chi_squared, 99 + 5 * np.sqrt(2 * 99))  # five standard deviations

  def test_lengths_are_asked_for_one_window_at_a_time(self):
    asked = []

    def lengths_of(rows: np.ndarray) -> np.ndarray:
      asked.append(len(rows))
      return np.ones_like(rows)

    with mock.patch.object(batch_plans, "_WINDOW", 64):
      plan = batch_plans.NearEqual(1000, lengths_of, 32, seed=1, epoch=0)
      self.assertEmpty(asked)
      list(plan)
    self.assertLen(asked, 16)
    self.assertLessEqual(max(asked), 64)


class EqualLengthTest(parameterized.TestCase):

  def test_one_length_in_a_batch_and_none_below_sixteen_rows(self):
    lengths = _lengths(3000)
    plan = batch_plans.equal_length(lengths, 32)
    rows = np.concatenate(plan)
    self.assertLen(set(rows.tolist()), len(rows))
    for batch in plan:
      self.assertLen(set(lengths[batch].tolist()), 1)
      self.assertBetween(len(batch), 16, 32)
    kept = sum(count // 32 * 32 + (count % 32 if count % 32 >= 16 else 0)
               for count in np.unique(lengths, return_counts=True)[1])
    self.assertLen(rows, kept)

  def test_a_run_is_cut_in_full_batches_first(self):
    plan = batch_plans.equal_length(np.array([5] * 70 + [3] * 40 + [4] * 15), 32)
    self.assertEqual([len(batch) for batch in plan], [32, 32, 32])
    plan = batch_plans.equal_length(np.array([5] * 80), 32)
    self.assertEqual([len(batch) for batch in plan], [32, 32, 16])


class EvaluationTest(absltest.TestCase):

  def test_every_row_once_shortest_first_and_equal_ones_in_order(self):
    lengths = _lengths(100)
    rows = np.concatenate(batch_plans.evaluation(lengths, 32))
    self.assertEqual(
        rows.tolist(), sorted(range(100), key=lambda row: (lengths[row], row)))

  def test_only_the_first_rows(self):
    plan = batch_plans.evaluation(_lengths(100), 32, max_examples=40)
    self.assertEqual([len(batch) for batch in plan], [32, 8])
    self.assertEqual(sorted(np.concatenate(plan)), list(range(40)))


if __name__ == "__main__":
  absltest.main()
