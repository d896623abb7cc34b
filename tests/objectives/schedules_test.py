"""Warm-up from the integer step: where it is exactly 1."""

import fractions
import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.objectives import schedules

TEXT = schedules.warmup_steps(10, 100_000, 32)
IMAGES = schedules.warmup_steps(10, 22_345, 50)


class WarmupStepsTest(parameterized.TestCase):

  def test_published_set_ups(self) -> None:
    self.assertEqual(TEXT, 31_250)
    self.assertEqual(IMAGES, 4_470)

  @parameterized.parameters((3, 64, 32, 6), (3, 65, 32, 9), (2, 1, 32, 2), (0, 65, 32, 0))
  def test_a_partial_batch_is_a_step(self, epochs: int, examples: int, batch: int,
                                     expected: int) -> None:
    self.assertEqual(schedules.warmup_steps(epochs, examples, batch), expected)


class LinearWarmupTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(total=(TEXT, IMAGES, 7, 1), start=(0.0, 0.1), tensor=(False, True))
  def test_ends_exactly_at_its_last_step(self, total: int, start: float, tensor: bool) -> None:
    warmup = schedules.LinearWarmup(start, total)

    def at(step: int) -> tuple[float, bool]:
      given = tf.constant(step, tf.int64) if tensor else step
      return float(warmup.weight(given)), bool(warmup.settled(given))

    if total > 1:
      weight, finished = at(total - 1)
      self.assertLess(weight, 1.0)
      self.assertFalse(finished)
    for step in (total, total + 1, 1000 * total):
      self.assertEqual(at(step), (1.0, True))

  @parameterized.parameters((0.0, TEXT), (0.1, IMAGES), (0.5, 3))
  def test_first_step_already_has_an_increment_and_all_are_equal(self, start: float,
                                                                total: int) -> None:
    warmup = schedules.LinearWarmup(start, total)
    increment = (1 - fractions.Fraction(start)) / total
    for step in (1, 2, total // 2, total - 1):
      expected = float(fractions.Fraction(start) + step * increment)
      # Computed in float64, rounded once.
      self.assertAllClose(warmup.weight(step), expected, rtol=2.0**-23, atol=0.0)

  @parameterized.parameters((0.0, 0), (1.0, 5), (1.0, 0))
  def test_no_warmup_is_weight_one_from_the_first_step(self, start: float, total: int) -> None:
    warmup = schedules.LinearWarmup(start, total)
    self.assertEqual(float(warmup.weight(1)), 1.0)
    self.assertTrue(warmup.settled(1))

  def test_one_graph_takes_every_step(self) -> None:
    warmup = schedules.LinearWarmup(0.0, 4)
    traces = []

    @tf.function
    def run(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      traces.append(step)
      return warmup.weight(step), warmup.settled(step)

    results = [run(tf.constant(step, tf.int64)) for step in range(1, 7)]
    self.assertAllEqual([weight for weight, _ in results], [0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    self.assertAllEqual([finished for _, finished in results], [False] * 3 + [True] * 3)
    self.assertEqual(results[0][0].dtype, tf.float32)
    self.assertLen(traces, 1)

  def test_it_never_falls(self) -> None:
    warmup = schedules.LinearWarmup(0.1, 997)
    weights = warmup.weight(tf.range(1, 1200, dtype=tf.int64)).numpy()
    self.assertTrue(np.all(np.diff(weights) >= 0.0))

  @parameterized.parameters(-0.1, 1.1, math.nan)
  def test_start_out_of_range_is_refused(self, start: float) -> None:
    with self.assertRaisesRegex(ValueError, r"`start` must be in \[0, 1\]\. Received: start="):
      schedules.LinearWarmup(start, 3)

  def test_negative_total_is_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "Received: total_steps=-1"):
      schedules.LinearWarmup(0.0, -1)


class ConstantTest(tf.test.TestCase):

  def test_weight_never_changes_and_is_final_from_the_first_step(self) -> None:
    schedule = schedules.Constant(0.4)
    for step in (1, 10_000, tf.constant(3, tf.int64)):
      self.assertAllClose(schedule.weight(step), 0.4)
      self.assertTrue(schedule.settled(step))

  def test_negative_weight_is_refused(self) -> None:
    with self.assertRaisesRegex(ValueError, "value=-0.1"):
      schedules.Constant(-0.1)


class CyclicalTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(False, True)
  def test_cycles_are_warm_ups(self, tensor: bool) -> None:
    schedule, warmup = schedules.Cyclical(0.1, 4, 7), schedules.LinearWarmup(0.1, 4)
    for cycle in range(3):
      for place in range(1, 8):
        step = 7 * cycle + place
        given = tf.constant(step, tf.int64) if tensor else step
        self.assertAllEqual(schedule.weight(given), warmup.weight(place))
        self.assertEqual(bool(schedule.settled(given)), place >= 4)

  def test_a_cycle_without_ramp_is_a_weight_of_one(self) -> None:
    schedule = schedules.Cyclical(0.0, 0, 5)
    self.assertEqual([float(schedule.weight(step)) for step in range(1, 12)], [1.0] * 11)

  @parameterized.parameters((0.0, 4, 3), (0.0, 0, 0), (1.5, 2, 4))
  def test_impossible_cycles_are_refused(self, start: float, ramp: int, cycle: int) -> None:
    with self.assertRaisesRegex(ValueError, "Received"):
      schedules.Cyclical(start, ramp, cycle)


if __name__ == "__main__":
  tf.test.main()
