"""When runs are stopped early, and what an actor reports; without a Ray cluster."""

import json
import math
import pathlib
import types
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf import programs
from du_vae_tf.sweeping import ray_engine
from du_vae_tf.sweeping import trials


class RayEngineTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)

  def trial(self, name: str, **flags: str) -> trials.Trial:
    return trials.Trial(name, self.folder / name, {
        "epochs": "12", "warmup_epochs": "3", **flags})

  def write_metrics(self, trial: trials.Trial, values: list[float], first: int = 1) -> None:
    trial.folder.mkdir(exist_ok=True)
    (trial.folder / "metrics.jsonl").write_text("".join(json.dumps({
        "epoch": epoch, "kl_weight": min(1.0, epoch / 3), "elbo_nll": value}) + "\n"
        for epoch, value in enumerate(values, first)))

  def decisions(self, scheduler, name: str, values: list[float]) -> list[str]:
    """What is decided on a trial, figure by figure, until it is stopped."""
    trial = types.SimpleNamespace(trial_id=name)
    scheduler.on_trial_add(None, trial)
    made = []
    for number in range(len(values)):
      made.append(scheduler.on_trial_result(None, trial, ray_engine._result(
          [trials.Figure(3 + figure, value) for figure, value in enumerate(values[:number + 1])])))
      if made[-1] == "STOP":
        break
    return made

  def test_best_third_goes_on_at_rungs_after_the_warm_up(self):
    """Ten epochs count, 3 to 12, so the rungs are at the first and the third of them."""
    scheduler = ray_engine.scheduler([self.trial("a"), self.trial("b")])
    going_on = ["CONTINUE"] * 10
    self.assertEqual(self.decisions(scheduler, "first", [50.0] * 10), going_on)
    self.assertEqual(self.decisions(scheduler, "worse", [60.0] * 10), ["STOP"])
    self.assertEqual(self.decisions(scheduler, "better", [40.0] * 10), going_on)
    # It begins well and is behind at the second rung.
    self.assertEqual(self.decisions(scheduler, "slow", [30.0, 30.0, 45.0] + [10.0] * 7),
                     ["CONTINUE", "CONTINUE", "STOP"])
    # Once past the rungs nothing stops it, however bad it becomes.
    self.assertEqual(self.decisions(scheduler, "late", [20.0] * 3 + [99.0] * 7), going_on)

  def test_epochs_of_the_warm_up_are_not_judged(self):
    scheduler = ray_engine.scheduler([self.trial("a")])
    self.decisions(scheduler, "first", [50.0] * 10)
    trial = types.SimpleNamespace(trial_id="new")
    scheduler.on_trial_add(None, trial)
    for _ in range(5):
      self.assertEqual(
          scheduler.on_trial_result(None, trial, ray_engine._result([])), "CONTINUE")

  def test_runs_of_an_earlier_sweep_count(self):
    stopped, left = self.trial("stopped"), self.trial("left")
    self.write_metrics(stopped, [0.0, 0.0, 50.0])
    trials.stop_early(stopped, trials.Figure(3, 50.0))
    self.write_metrics(left, [0.0, 0.0, 10.0])
    scheduler = ray_engine.scheduler([stopped, left])
    # That of the trial that is left is reported when it goes on, and not twice.
    self.assertEqual(self.decisions(scheduler, "new", [49.0]), ["CONTINUE"])
    self.assertEqual(self.decisions(scheduler, "worse", [51.0]), ["STOP"])

  def test_without_epochs_that_compare_it_is_refused(self):
    with self.assertRaisesRegex(errors.UserError, "1 of the epochs.*fewer --warmup_epochs"):
      ray_engine.scheduler([self.trial("a", epochs="3")])
    with self.assertRaisesRegex(errors.UserError, "elbo_nll, reconstruction.*do not compare"):
      ray_engine.scheduler([
          trials.Trial(name, self.folder / name, {"method": name}) for name in ("vae", "ae")])

  def test_actor_reports_what_is_there_before_it_trains_and_ends_with_the_outcome(self):
    trial = self.trial("a")
    self.write_metrics(trial, [90.0, 80.0, 50.0, 49.0])

    def complete(children, given):
      """Trains an epoch, then ends."""
      self.assertIsInstance(children, programs.Programs)
      self.assertEqual(given, trial)
      self.write_metrics(trial, [90.0, 80.0, 50.0, 49.0, 48.0])
      return trials.Outcome(trial, failure="why")

    actor = ray_engine.TrialActor.__new__(ray_engine.TrialActor)
    actor.setup({"environment": {}, "trial": {
        "name": "a", "folder": trial.folder, "flags": trial.flags}})
    with mock.patch.object(trials, "complete", complete):
      results = [actor.step() for _ in range(4)]
      actor.cleanup()
    self.assertEqual([(result["figures"], result["value"]) for result in results], [
        (1, 50.0), (2, 49.0), (3, 48.0), (3, 48.0)])
    self.assertEqual([result.get("done", False) for result in results], [False] * 3 + [True])
    self.assertEqual(results[-1]["failure"], "why")

  def test_actor_of_a_run_without_figures_reports_no_number(self):
    trial = self.trial("a")
    actor = ray_engine.TrialActor.__new__(ray_engine.TrialActor)
    actor.setup({"environment": {}, "trial": {
        "name": "a", "folder": trial.folder, "flags": trial.flags}})
    with mock.patch.object(trials, "complete", lambda *_: trials.Outcome(trial, failure="why")):
      result = actor.step()
    self.assertEqual((result["figures"], result["value"], result["done"]), (0, math.inf, True))


if __name__ == "__main__":
  absltest.main()
