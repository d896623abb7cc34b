"""What is run, repeated and reported, with programs that only write what they should."""

import dataclasses
import json
import os
import pathlib

from absl.testing import absltest

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import report as report_lib
from du_vae_tf.analysis import probe_results
from du_vae_tf.reproduction import documents
from du_vae_tf.reproduction import exhibits
from du_vae_tf.reproduction import running
from du_vae_tf.training import run_folder

REPORT = report_lib.Report(
    dataset="short_yelp", method="vae", split="test", num_examples=9, iw_samples=50, nll=33.25,
    nll_std_error=0.5, ppl=20.0, elbo_nll=34.0, reconstruction=33.0, kl=1.0, mi=0.5, au=3, mpd=2.0,
    ce=40.0, latent_dim=32, seed=1, epochs=4, best_epoch=3, train_seconds=120.0,
    precision="float32")


class Programs:
  """Writes what `train` and `probe` would, and fails where it is told to."""

  def __init__(self, failing: str = ""):
    self.calls: list[tuple[str, str]] = []
    self._failing = failing

  def call(self, program, values, log):
    folder = pathlib.Path(values["run_dir"])
    self.calls.append((program, folder.name))
    if self._failing and self._failing in folder.name:
      log.write_text("first\nlast words\n")
      return 1
    folder.mkdir(parents=True, exist_ok=True)
    if program == "train":
      config = command_line.resolve({name: value for name, value in values.items()})
      run_folder.RunFolder(folder).save_config(config, "digest", {"vocab_size": 9})
      dataclasses.replace(REPORT, seed=values["seed"], epochs=config.epochs,
                          nll=33.0 + values["seed"]).write(folder / "report.json")
    else:
      probe_results.Probe(
          run=folder.name, dataset="short_yelp", method="vae", seed=1, classifier="paper",
          unit="labels", num_features=32, num_test=9, label_counts=[100, 500],
          accuracies=[[70.0, 72.0], [80.0, 82.0]]).write(folder / "probe-paper.json")
    return 0


class RunningTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.root = pathlib.Path(self.create_tempdir().full_path)
    self.exhibit = exhibits.TABLES["2"]

  def jobs(self, **given: object) -> list[running.Job]:
    rows = [row for row in self.exhibit.rows() if row.name in ("short_yelp_vae", "short_yelp_ae")]
    return running.jobs(self.exhibit, rows, [1, 2], {}, {"epochs": 4} | given, self.root,
                        self.root / "table_2")

  def run_all(self, children: Programs, work: list[running.Job]) -> list[running.Outcome]:
    return running.run_all(children, work, 2, lambda outcomes: None)

  def test_each_run_is_trained_then_probed_and_outcomes_keep_the_order(self):
    children, work = Programs(), self.jobs()
    outcomes = self.run_all(children, work)
    self.assertEqual([outcome.job for outcome in outcomes], work)
    self.assertCountEqual(children.calls, [
        (program, row) for row in ("short_yelp_ae", "short_yelp_vae")
        for program in ("train", "probe") for _ in range(2)])
    self.assertEqual([outcome.report.nll for outcome in outcomes], [34.0, 35.0, 34.0, 35.0])

  def test_what_is_done_is_not_repeated(self):
    self.run_all(Programs(), self.jobs())
    again = Programs()
    self.run_all(again, self.jobs())
    self.assertEmpty(again.calls)

  def test_more_epochs_and_other_reports_are_followed_up_whatever_the_clock_says(self):
    work = self.jobs()
    self.run_all(Programs(), work)
    longer = Programs()
    self.run_all(longer, self.jobs(epochs=5))
    self.assertLen([call for call in longer.calls if call[0] == "train"], 4)
    path = work[0].folder / "report.json"
    stat = os.stat(work[0].result)
    os.utime(path, (stat.st_atime + 9, stat.st_mtime + 9))
    again = Programs()
    self.run_all(again, self.jobs(epochs=5))
    self.assertEmpty(again.calls)
    dataclasses.replace(report_lib.Report.read(path), nll=1.0).write(path)
    os.utime(path, (stat.st_atime - 9, stat.st_mtime - 9))
    other = Programs()
    self.run_all(other, self.jobs(epochs=5))
    self.assertEqual(other.calls, [("probe", "short_yelp_ae")])

  def test_a_failure_is_reported_and_does_not_stop_the_others(self):
    outcomes = self.run_all(Programs("yelp_ae"), self.jobs())
    self.assertEqual([outcome.failure for outcome in outcomes], ["last words"] * 2 + [None] * 2)
    text = self.document(outcomes)
    self.assertIn("| `short_yelp_ae` | 1 | failed: last words |", text)
    self.assertIn("| `short_yelp_vae` | 34.50 ± 0.71 |", text)

  def document(self, outcomes: list[running.Outcome]) -> str:
    paths = documents.write("Table 2", self.exhibit, outcomes, 4, "paper", "the command", self.root)
    self.page = paths[1].read_text(encoding="utf-8")
    return paths[0].read_text(encoding="utf-8")

  def test_published_numbers_stand_beside_ours(self):
    text = self.document(self.run_all(Programs(), self.jobs()))
    # Two seeds of two draws each; published 71.10 and 71.43.
    self.assertIn("| `short_yelp_vae`<br>published<br>difference"
                  " | 71.00 ± 1.15<br>71.10<br>-0.10 | 81.00 ± 1.15<br>71.43<br>+9.57 |", text)
    self.assertIn("MPD", text)
    self.assertIn("the numbers do not compare", text)
    self.assertIn("--flagfile=table2/short_yelp_vae.flags --epochs=4 --seed=2", text)
    self.assertIn("![accuracy](table_2/accuracy.png)", text)
    self.assertIn('src="data:image/png;base64,', self.page)
    self.assertNotIn('src="table_2', self.page)
    self.assertIn("<td>71.00 ± 1.15<br>71.10<br>-0.10</td>", self.page)

  def test_a_document_is_there_before_the_first_run_ends(self):
    self.assertIn("0 of 4 runs", self.document([]))

  def test_a_step_with_all_runs_takes_the_first_seed_and_may_fail(self):
    calls = []

    class Visualize:
      def call(self, program, values, log):
        calls.append((program, values))
        log.write_text("why\n")
        return 2

    self.exhibit = dataclasses.replace(
        self.exhibit, together=exhibits.FIGURES["1"].together)
    outcomes = self.run_all(Programs(), self.jobs())
    with self.assertRaisesRegex(errors.DivergedError, "visualize failed: why"):
      running.complete_together(Visualize(), self.exhibit, outcomes, self.root)
    (program, values), = calls
    self.assertEqual(program, "visualize")
    self.assertEqual(values["run_dir"], [
        self.root / "runs" / "1" / row for row in ("short_yelp_ae", "short_yelp_vae")])

  def test_a_run_of_another_kind_in_the_folder_is_left_to_train(self):
    work = self.jobs()
    self.run_all(Programs(), work)
    path = work[0].folder / "config.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"learning_rate": 0.25}))
    self.assertFalse(running.is_done(work[0]))
    self.assertTrue(running.is_done(work[1]))


if __name__ == "__main__":
  absltest.main()
