"""Which figures of a run compare, what is known of it, and the table of a sweep."""

import dataclasses
import json
import os
import pathlib
import threading
import time

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import folder_lock
from du_vae_tf import programs
from du_vae_tf import report as report_lib
from du_vae_tf.sweeping import tables
from du_vae_tf.sweeping import trials
from du_vae_tf.training import run_folder

REPORT = report_lib.Report(
    dataset="synthetic", method="du_vae", split="test", num_examples=9, iw_samples=500, nll=33.25,
    nll_std_error=0.5, ppl=20.0, elbo_nll=34.0, reconstruction=33.0, kl=1.0, mi=0.5, au=3, mpd=2.0,
    ce=40.0, latent_dim=2, seed=1, epochs=50, best_epoch=3, train_seconds=120.0,
    precision="float32")


class Programs:
  """Writes what `train` and `evaluate` would, or fails."""

  def __init__(self, failing: str = "", nll: float = 30.0):
    self.calls: list[str] = []
    self._failing = failing
    self._nll = nll

  def check(self):
    pass

  def call(self, program, values, log):
    self.calls.append(program)
    log.write_text(f"{program} said this\n")
    folder = pathlib.Path(values["run_dir"])
    if program == self._failing:
      return 2
    if program == "train":
      folder.mkdir(exist_ok=True)
      config = command_line.resolve(command_line.explicit_values(
          command_line.config_flags(), command_line.arguments(values)))
      run_folder.RunFolder(folder).save_config(config, "digest", {"vocab_size": 9})
      dataclasses.replace(REPORT, epochs=config.epochs).write(folder / "report.json")
    else:
      (folder / "evaluations").mkdir(exist_ok=True)
      test = report_lib.Report.read(folder / "report.json")
      dataclasses.replace(test, split=values["split"], nll=self._nll).write(
          folder / "evaluations" / f"valid-{values['iw_samples']}.json")
    return 0


class TrialsTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)

  def trial(self, name="a", **flags) -> trials.Trial:
    return trials.Trial(name, self.folder / name, flags)

  def write_metrics(self, trial: trials.Trial, weights: list[float]) -> None:
    trial.folder.mkdir()
    (trial.folder / "metrics.jsonl").write_text("".join(json.dumps({
        "epoch": epoch, "kl_weight": weight, "elbo_nll": 50.0 - epoch,
        "reconstruction": 20.0 - epoch}) + "\n" for epoch, weight in enumerate(weights, 1)))

  @parameterized.parameters(
      ({"warmup_epochs": "2", "epochs": "5"}, [0.5, 1, 1, 1, 1], [2, 3, 4, 5]),
      ({"warmup_epochs": "0", "epochs": "3"}, [1, 1, 1], [1, 2, 3]),
      ({"kl_start": "1", "epochs": "3"}, [1, 1, 1], [1, 2, 3]),
      ({"warmup_epochs": "9", "epochs": "3"}, [0.1, 0.2, 0.3], []),
      ({"method": "beta_vae", "epochs": "2"}, [0.4, 0.4], [1, 2]),
      ({"method": "ae", "epochs": "2"}, [0, 0], [1, 2]),
      ({"method": "cyclical_vae", "warmup_epochs": "2", "cycle_epochs": "3", "epochs": "7"},
       [0.5, 1, 1, 0.5, 1, 1, 0.5], [2, 3, 5, 6]))
  def test_figures_before_the_final_weight_do_not_count(self, flags, weights, epochs):
    trial = self.trial(**flags)
    self.assertEqual(trials.figures(trial), [])
    self.write_metrics(trial, weights)
    base = 20.0 if flags.get("method") == "ae" else 50.0
    self.assertEqual(
        trials.figures(trial), [trials.Figure(epoch, base - epoch) for epoch in epochs])
    self.assertEqual(trials.num_figures(trial.config), len(epochs))

  def test_what_is_done_is_not_repeated(self):
    trial = self.trial(gamma="0.5")
    self.assertIsNone(trials.known(trial))
    children = Programs()
    outcome = trials.complete(children, trial)
    self.assertEqual((outcome.nll, outcome.report.nll), (30.0, 33.25))
    self.assertEqual(children.calls, ["train", "evaluate"])
    self.assertEqual(trials.known(trial), outcome)
    self.assertEqual(trials.complete(children, trial), outcome)
    self.assertEqual(children.calls, ["train", "evaluate"])
    self.assertIsNone(trials.known(self.trial(gamma="0.6")))
    self.assertIsNone(trials.known(self.trial(gamma="0.5", epochs="60")))
    # Other weights than those that were evaluated.
    dataclasses.replace(REPORT, best_epoch=4).write(trial.folder / "report.json")
    self.assertIsNone(trials.known(trial))
    trials.complete(children, trial)
    self.assertEqual(children.calls, ["train", "evaluate", "evaluate"])

  @parameterized.parameters("train", "evaluate")
  def test_failure_is_what_was_said_last(self, program):
    outcome = trials.complete(Programs(failing=program), self.trial())
    self.assertEqual(outcome.failure, f"{program} said this")
    self.assertIsNone(trials.known(self.trial()))

  def test_stop_is_remembered_until_the_run_is_completed_after_all(self):
    trial = self.trial()
    self.assertIsNone(trials.known_stopped(trial))
    outcome = trials.stop_early(trial, trials.Figure(7, 41.5))
    self.assertEqual(trials.known_stopped(trial), outcome)
    self.assertEqual(outcome.line(), "stopped after epoch 7 at 41.50")
    trials.complete(Programs(), trial)
    self.assertIsNone(trials.known_stopped(trial))

  def test_run_that_another_process_has_is_waited_for(self):
    trial = self.trial()
    lock = folder_lock.FolderLock(trial.folder, "run_dir")
    lock.acquire()
    self.assertFalse(folder_lock.FolderLock(trial.folder, "run_dir").is_free)
    children = Programs()
    waiting = threading.Thread(target=trials.complete, args=(children, trial))
    waiting.start()
    time.sleep(0.2)
    self.assertEqual(children.calls, [])
    lock.release()
    waiting.join()
    self.assertEqual(children.calls, ["train", "evaluate"])

    lock.acquire()
    stopped = programs.Programs()
    stopped.stop()
    with self.assertRaises(errors.PreemptedError):
      trials.complete(stopped, trial)
    lock.release()

  def test_clearing_deletes_a_run_and_nothing_else(self):
    trial, other = self.trial(), self.trial("b")
    for one in (trial, other):
      trials.complete(Programs(), one)
      trials.stop_early(one, trials.Figure(1, 2.0))
    trials.clear(trial)
    self.assertEqual(list(trial.folder.iterdir()), [])
    self.assertFalse(trial.log.exists() or trial.stopped.exists())
    self.assertTrue(other.log.exists() and other.stopped.exists())
    self.assertIsNotNone(trials.known(other))
    (trial.folder / "mine").touch()
    with self.assertRaisesRegex(errors.UserError, "no run folder"):
      trials.clear(trial)


class TablesTest(absltest.TestCase):

  def test_runs_are_ranked_and_the_best_is_linked(self):
    folder = pathlib.Path(self.create_tempdir().full_path)
    (folder / "runs" / "good").mkdir(parents=True)
    (folder / "runs" / "better").mkdir()

    def outcome(name, **values):
      return trials.Outcome(trials.Trial(name, folder / "runs" / name, {}), **values)

    failed = outcome("failed", failure="why")
    early = outcome("early", stopped=trials.Figure(2, 10.0))
    late = outcome("late", stopped=trials.Figure(6, 20.0))
    good = outcome("good", nll=31.0, report=REPORT)
    better = outcome("better", nll=30.0, report=dataclasses.replace(REPORT, mi=None, au=None))
    tables.write(folder, [failed, early])
    self.assertFalse((folder / "best").exists())
    tables.write(folder, [failed, early, late, good])
    self.assertEqual(os.readlink(folder / "best"), "runs/good")
    tables.write(folder, [failed, early, late, good, better])
    self.assertEqual(os.readlink(folder / "best"), "runs/better")
    self.assertEqual((folder / "sweep.md").read_text().splitlines()[2:], [
        "| better | 30.00 | 33.25 | 1.00 | – | – | 120 |",
        "| good | 31.00 | 33.25 | 1.00 | 0.50 | 3 | 120 |",
        "| late | stopped after epoch 6 at 20.00 |  |  |  |  |  |",
        "| early | stopped after epoch 2 at 10.00 |  |  |  |  |  |",
        "| failed | failed: why |  |  |  |  |  |"])
    rows = json.loads((folder / "sweep.json").read_text())
    self.assertEqual(rows[1], {"run": "good", "nll": 31.0, "test": dataclasses.asdict(REPORT)})
    self.assertEqual(rows[2], {"run": "late", "stopped": {"epoch": 6, "value": 20.0}})
    self.assertEqual(rows[4], {"run": "failed", "failure": "why"})
    self.assertCountEqual(os.listdir(folder), ["best", "runs", "sweep.json", "sweep.md"])


if __name__ == "__main__":
  absltest.main()
