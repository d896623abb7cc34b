"""Which rows stand together in a batch."""

from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.data import batch_plans


def _lengths(num_rows: int) -> np.ndarray:
  return np.random.default_rng(0).integers(1, 60, num_rows)


class NearEqualTest(parameterized.TestCase):

  @parameterized.product(num_rows=(16, 31, 32, 33, 1000), batch_size=(1, 7, 32))
  def test_no_row_is_lost_and_sizes_differ_by_at_most_one(self, num_rows, batch_size):
    for window in (64, 2**17):
      with mock.patch.object(batch_plans, "_WINDOW", window):
        plan = batch_plans.near_equal(_lengths(num_rows), batch_size, seed=1, epoch=2)
      self.assertLen(plan, -(-num_rows // batch_size))
      sizes = [len(rows) for rows in plan]
      self.assertLessEqual(max(sizes) - min(sizes), 1)
      self.assertLessEqual(max(sizes), batch_size)
      self.assertEqual(sorted(np.concatenate(plan)), list(range(num_rows)))

  def test_little_is_padded(self):
    lengths = _lengths(10_000)
    plan = batch_plans.near_equal(lengths, 32, seed=1, epoch=0)
    padded = sum(len(rows) * lengths[rows].max() for rows in plan)
    # Sorted, a batch that mixes two neighbouring lengths pads less than one word a row; 58 of the
    # 313 batches can: below 58 * 32 words of about 300 000.
    self.assertLess(padded - lengths.sum(), 58 * 32)

  def test_the_order_of_batches_does_not_follow_length(self):
    lengths = _lengths(10_000)
    means = [lengths[rows].mean() for rows in batch_plans.near_equal(lengths, 32, 1, 0)]
    correlation = np.corrcoef(means, np.arange(len(means)))[0, 1]
    self.assertLess(abs(correlation), 6.0 / np.sqrt(len(means)))  # six standard errors

  def test_depends_on_seed_and_epoch_alone(self):
    lengths = _lengths(200)
    plan = batch_plans.near_equal(lengths, 32, 1, 0)
    again = batch_plans.near_equal(lengths, 32, 1, 0)
    np.testing.assert_array_equal(np.concatenate(plan), np.concatenate(again))
    for seed, epoch in ((2, 0), (1, 1)):
      other = batch_plans.near_equal(lengths, 32, seed, epoch)
      self.assertNotEqual(
          {frozenset(rows.tolist()) for rows in plan}, {frozenset(rows.tolist()) for rows in other})


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
