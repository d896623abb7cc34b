"""Traces of the learning-rate schedule."""

import json
from collections.abc import Sequence

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.training import plateau


def run(losses: Sequence[float], schedule: plateau.Plateau | None = None, first: int = 0,
        rule: plateau.Rule = plateau.TEXT_RULE) -> tuple[list[int], int | None]:
  """The 0-based epochs that decay, and the one that stops."""
  schedule = schedule or plateau.Plateau(rule)
  decays = []
  for epoch, loss in enumerate(losses, first):
    decision = schedule.observe(epoch, loss)
    if decision.decay:
      decays.append(epoch)
    if decision.stop:
      return decays, epoch
  return decays, None


class PlateauTest(parameterized.TestCase):

  def test_the_published_rules(self) -> None:
    self.assertEqual(plateau.TEXT_RULE, plateau.Rule(
        patience=5, first_epoch=15, factor=0.5, max_decays=5, keeps_best=False,
        counts_warmup=True))
    self.assertEqual(plateau.IMAGE_RULE, plateau.Rule(
        patience=20, first_epoch=0, factor=0.5, max_decays=5, keeps_best=True,
        counts_warmup=False))

  def test_on_images_a_constant_worse_loss_decays_every_twenty_epochs(self) -> None:
    losses = [10.0, 9.0] + [9.5] * 150
    expected = [21, 41, 61, 81, 101]
    self.assertEqual(run(losses, rule=plateau.IMAGE_RULE), (expected, 101))

  def test_on_images_losses_are_compared_with_the_best_of_all(self) -> None:
    # Better than the epochs since the decay, but not than the best: no reset.
    losses = [9.0] + [12.0] * 20 + [11.0, 10.0] + [10.5] * 18
    self.assertEqual(run(losses, rule=plateau.IMAGE_RULE), ([20, 40], None))
    # A new best resets the counter.
    losses = [9.0] + [12.0] * 19 + [8.0] + [12.0] * 19
    self.assertEqual(run(losses, rule=plateau.IMAGE_RULE), ([], None))
    self.assertEqual(run(losses + [12.0], rule=plateau.IMAGE_RULE), ([40], None))

  @parameterized.parameters(
      # The counter runs before epoch 15: if it is full by then, that epoch decays at once.
      (1, [15, 20, 25, 30, 35]),
      (10, [15, 20, 25, 30, 35]),
      (11, [15, 20, 25, 30, 35]),
      (12, [16, 21, 26, 31, 36]),
      (40, [44, 49, 54, 59, 64]))
  def test_losses_that_only_get_worse(self, first_worse: int, expected: list[int]) -> None:
    losses = [100.0 - epoch for epoch in range(first_worse)]
    losses += [200.0 + epoch for epoch in range(60)]
    self.assertEqual(run(losses), (expected, expected[-1]))

  def test_a_constant_worse_loss_decays_once_as_it_becomes_the_reference(self) -> None:
    self.assertEqual(run([1.0] + [2.0] * 99), ([15], None))

  def test_an_improvement_on_the_reference_resets_the_counter(self) -> None:
    # Better than the reference in epoch 15, so the next five count from there.
    self.assertEqual(run([10.0] + [11.0] * 14 + [9.0] + [12.0] * 5), ([20], None))

  def test_a_loss_equal_to_the_reference_resets_the_counter(self) -> None:
    self.assertEqual(run([10.0] * 60), ([], None))
    self.assertEqual(run([10.0] + [11.0] * 14 + [10.0] + [11.0] * 4), ([], None))

  def test_after_a_decay_losses_are_compared_with_the_worse_one(self) -> None:
    # 19 is worse than the best loss, 10, and better than that of the decay, 20.
    losses = [10.0] + [15.0] * 14 + [20.0] + [19.0] + [19.5] * 4
    self.assertEqual(run(losses), ([15], None))
    self.assertEqual(run(losses + [19.5]), ([15, 21], None))

  def test_learning_rate_halves_with_every_decay(self) -> None:
    schedule = plateau.Plateau(plateau.TEXT_RULE)
    factors = []
    for epoch in range(36):
      schedule.observe(epoch, float(epoch))
      factors.append(schedule.factor)
    self.assertEqual(
        factors, [0.5**decays for decays, epochs in enumerate((15, 5, 5, 5, 5, 1))
                  for _ in range(epochs)])

  @parameterized.parameters(range(1, 60, 4))
  def test_a_schedule_from_a_saved_state_goes_on_as_if_never_stopped(self, cut: int) -> None:
    noise = np.random.default_rng(0).normal(0.0, 2.0, 60)
    losses = (noise + 0.3 * np.arange(60)).tolist()
    decays, stop = run(losses)
    self.assertLen(decays, 5)

    begun = plateau.Plateau(plateau.TEXT_RULE)
    before, stopped = run(losses[:cut], begun)
    if stopped is None:
      state = json.loads(json.dumps(begun.state))
      resumed = plateau.Plateau(plateau.TEXT_RULE, state)
      self.assertEqual(resumed.factor, 0.5**len(before))
      after, stopped = run(losses[cut:], resumed, first=cut)
      before += after
    self.assertEqual((before, stopped), (decays, stop))


if __name__ == "__main__":
  absltest.main()
