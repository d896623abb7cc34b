"""Sweeps: what is trained, how runs are ranked, and the grids of the paper."""

import contextlib
import json
import os
import pathlib
import time
from typing import Any
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import grids
from du_vae_tf import sweep
from du_vae_tf.sweeping import local_engine
from du_vae_tf.sweeping import trials
from tests import binaries
from tests.training import tiny


def combinations(*arguments: str) -> list[dict[str, str]]:
  return grids.combinations(command_line.explicit_values(grids.specs(), arguments))


class CombinationsTest(parameterized.TestCase):

  def test_every_combination_is_trained_in_order(self):
    self.assertEqual(
        combinations("--gamma=0.4,0.5", "--epochs=3", "--keep_prob=1,0.9"),
        [{"gamma": "0.4", "keep_prob": "1"}, {"gamma": "0.4", "keep_prob": "0.9"},
         {"gamma": "0.5", "keep_prob": "1"}, {"gamma": "0.5", "keep_prob": "0.9"}])
    self.assertEqual(combinations("--method=vae,du_vae"), [{"method": "vae"}, {"method": "du_vae"}])

  @parameterized.parameters(
      ([], "no flag has several values"), (["--gamma=0.4"], "no flag has several values"),
      (["--gamma=0.4,x"], "--gamma=x: must be a number"),
      (["--gamma=0.4,-1"], "--gamma=-1.0: must be"),
      (["--method=vae", "--gamma=0.4,0.5"], "--gamma has no effect on --method=vae"),
      (["--epochs=3,4"], "--epochs=3,4"), (["--method=vae,nix"], "--method=nix"))
  def test_mistakes_are_named_before_anything_is_trained(self, arguments, message):
    with self.assertRaisesRegex(errors.UserError, message):
      combinations(*arguments)

  def test_no_grid_of_the_paper_is_missing(self):
    folder = command_line.FLAGS_FOLDER / "grids"
    sizes = {path.stem: len(combinations(f"--flagfile=grids/{path.name}"))
             for path in folder.glob("*.flags")}
    rows = {"free_bits": 5, "iaf_free_bits": 5, "delta_vae": 4, "bn_vae": 5, "iaf_bn": 5, "mae": 9,
            "du_vae": 20, "beta_vae": 4, "du_iaf": 12}
    expected = {f"{dataset}_{method}": size for method, size in rows.items()
                for dataset in ("yahoo", "yelp", "omniglot")}
    expected |= {"omniglot_du_iaf": 16, "synthetic_bn_vae": 4, "synthetic_du_vae": 16,
                 "yahoo_bn_fixed_shift": 5, "short_yelp_bn_fixed_shift": 5}
    self.assertEqual(sizes, expected)
    for name in sizes:
      head = (folder / f"{name}.flags").read_text(encoding="utf-8").splitlines()
      self.assertEqual(head[0], f"#   bazel run //du_vae_tf:sweep -- --flagfile=grids/{name}.flags")
      self.assertRegex(head[1], r"^# Published: \S")


class CheckTest(parameterized.TestCase):

  @parameterized.parameters(
      (["--trials=3"], "--trials: has an effect with --search=random only"),
      (["--search_seed=3"], "--search_seed: has an effect with --search=random only"),
      (["--search=random"], "--trials: must be given with --search=random"),
      (["--search=random", "--trials=0"], "--trials=0: must be at least 1"),
      (["--parallel=0"], "--parallel=0: must be at least 1"),
      (["--ray_address=auto"], "--ray_address: has an effect with --engine=ray only"),
      (["--early_stopping=asha"], "--early_stopping: has an effect with --engine=ray only"),
      (["--engine=spark"], "--engine=spark"),
      (["--search=random", "--trials=3"], "--gamma=0.4,x: must be a number|--gamma=x"))
  def test_mistake_is_named_before_anything_is_made(self, flags, message):
    folder = self.create_tempdir().full_path
    with (contextlib.chdir(folder),
          self.assertRaisesRegex(errors.UserError, message) as caught):
      sweep.main(command_line.explicit_values(sweep.SPECS, ["--gamma=0.4,x", *flags]))
    self.assertNotIn("\n", str(caught.exception))
    self.assertEmpty(os.listdir(folder))


class MainTest(absltest.TestCase):
  """With an engine that trains nothing."""

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    self.begun: list[trials.Trial] = []

  def main(self, *flags: str) -> None:
    def run(work, parallel, on_outcome):
      self.begun += work
      for number, trial in enumerate(work):
        trial.folder.mkdir(exist_ok=True)
        (trial.folder / "config.json").touch()
        on_outcome(trials.Outcome(trial, failure=f"{number} of {parallel}"))

    with (contextlib.chdir(self.folder), mock.patch.object(local_engine, "run", run),
          self.assertRaisesRegex(errors.DivergedError, "runs failed")):
      sweep.main(command_line.explicit_values(sweep.SPECS, flags))

  def test_flags_of_the_runs_and_their_folders(self):
    self.main("--gamma=0.4,0.5", "--epochs=7", "--parallel=3", "--run_dir=here")
    self.assertEqual([trial.flags for trial in self.begun], [
        {"gamma": "0.4", "epochs": 7}, {"gamma": "0.5", "epochs": 7}])
    self.assertEqual([trial.folder for trial in self.begun], [
        self.folder / "here" / "runs" / f"gamma={gamma}" for gamma in ("0.4", "0.5")])
    self.assertIn("1 of 3", (self.folder / "here" / "sweep.md").read_text())
    self.assertFalse((self.folder / "here" / "lock").exists())

  def test_how_it_is_run_does_not_change_the_folder_but_the_draws_do(self):
    random = ["--search=random", "--gamma=0.4:0.7"]
    for flags in (["--gamma=0.4,0.5"], ["--gamma=0.4,0.5", "--parallel=2", "--search=grid"],
                  [*random, "--trials=2"], [*random, "--trials=3"],
                  [*random, "--trials=2", "--search_seed=1"]):
      self.main(*flags)
    self.assertLen(list((self.folder / "runs").iterdir()), 3)
    names = [trial.name for trial in self.begun]
    self.assertEqual(names[:2], names[2:4])
    self.assertEqual(names[4:6], names[6:8])

  def test_starting_anew_clears_the_runs_and_is_not_passed_on(self):
    self.main("--gamma=0.4,0.5", "--run_dir=here")
    left = self.folder / "here" / "runs" / "gamma=0.4" / "config.json"
    self.assertTrue(left.exists())
    with mock.patch.object(pathlib.Path, "touch"):
      self.main("--gamma=0.4,0.5", "--run_dir=here", "--overwrite")
    self.assertFalse(left.exists())
    self.assertEqual(self.begun[-1].flags, {"gamma": "0.5"})


class RunTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    self.sweep = self.folder / "sweep"

  def write_sentences(self, count: int = 70) -> list[str]:
    """Own sentences for tiny runs, and the flags of these."""
    tiny.write_sentences(str(self.folder), count)
    return ["--dataset=text", "--latent_dim=2", "--hidden_size=8", "--embedding_size=6",
            "--batch_size=16", "--iw_samples=3", "--data_dir=data", "--train_file=train.txt",
            "--valid_file=valid.txt", "--test_file=test.txt", "--run_dir=sweep"]

  def run_sweep(self, *flags: str) -> str:
    done = binaries.run("sweep", *flags, cwd=str(self.folder))
    self.assertEqual(done.returncode, 0, done.stderr)
    return done.stdout

  def rows(self) -> list[dict[str, Any]]:
    return json.loads((self.sweep / "sweep.json").read_text())

  def metrics(self, run: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without what the machine's speed decides on."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{name: value for name, value in json.loads(line).items() if "per_second" not in name}
            for line in lines]

  def test_runs_are_ranked_by_validation_and_not_repeated(self):
    flags = [*self.write_sentences(), "--epochs=1", "--warmup_epochs=1",
             "--learning_rate=0.01,1"]
    said = self.run_sweep(*flags, "--parallel=2")
    rows = self.rows()
    self.assertEqual({row["run"] for row in rows}, {"learning_rate=0.01", "learning_rate=1"})
    self.assertLessEqual(rows[0]["nll"], rows[1]["nll"])
    for row in rows:
      run = self.sweep / "runs" / row["run"]
      valid = json.loads((run / "evaluations" / "valid-3.json").read_text())
      self.assertEqual((row["nll"], valid["split"]), (valid["nll"], "valid"))
      self.assertEqual(row["test"], json.loads((run / "report.json").read_text()) | {
          name: None for name in row["test"] if name.startswith(("z0_", "ce_", "null_"))})
      self.assertIn(f"| {row['run']} | {row['nll']:.2f} |", said)
    self.assertEqual((self.sweep / "best").resolve().name, rows[0]["run"])
    self.assertRegex(said, f"Best: .*sweep/runs/{rows[0]['run']}")

    log = self.sweep / "runs" / "learning_rate=1.log"
    before = log.read_text()
    self.assertEqual(before.count("epoch 1/1:"), 1)
    self.assertIn("2 of them finished before", self.run_sweep(*flags))
    self.assertEqual(log.read_text(), before)

    # Without its data a finished sweep is shown all the same, and never cleared for a new one.
    (self.folder / "train.txt").unlink()
    self.assertIn("2 of them finished before", self.run_sweep(*flags))
    done = binaries.run("sweep", *flags, "--overwrite", cwd=str(self.folder))
    self.assertEqual((done.returncode, log.read_text()), (2, before))
    self.assertRegex(done.stderr, r"^--train_file=.*train\.txt")
    self.assertIn("2 of them finished before", self.run_sweep(*flags))

  def test_a_run_that_fails_does_not_stop_the_others(self):
    flags = [*self.write_sentences(), "--epochs=1", "--warmup_epochs=0", "--learning_rate=1e30,1"]
    done = binaries.run("sweep", *flags, cwd=str(self.folder))
    self.assertEqual(done.returncode, 1, done.stdout)
    self.assertIn("1 of 2 runs failed: learning_rate=1e30", done.stderr)
    self.assertRegex((self.sweep / "sweep.md").read_text(),
                     r"(?s)\| learning_rate=1 \| \d+.*learning_rate=1e30 \| failed: .*finite")

  def test_by_ray_killed_and_continued(self):
    """The good run comes first, so that the other one, which learns nothing, is stopped."""
    flags = [*self.write_sentences(1500), "--epochs=6", "--warmup_epochs=2",
             "--learning_rate=1,1e-7", "--engine=ray", "--early_stopping=asha"]
    process = binaries.start("sweep", *flags, cwd=str(self.folder))
    good, bad = (self.sweep / "runs" / f"learning_rate={rate}" for rate in ("1", "1e-7"))
    while not (good / "metrics.jsonl").is_file():
      self.assertIsNone(process.poll())
      time.sleep(0.05)
    process.kill()
    process.communicate()
    self.assertFalse((self.sweep / "sweep.json").exists())
    self.run_sweep(*flags)
    rows = self.rows()
    self.assertEqual([row["run"] for row in rows], [good.name, bad.name])
    self.assertIn("nll", rows[0])
    self.assertBetween(rows[1]["stopped"]["epoch"], 2, 4)
    self.assertEqual((self.sweep / "best").resolve().name, good.name)
    # What Ray makes is what `train` makes.
    self.assertLen(self.metrics(good), 6)
    alone = [flag for flag in flags[:-5] if flag != "--run_dir=sweep"]
    done = binaries.run("train", *alone, "--epochs=6", "--warmup_epochs=2", "--learning_rate=1",
                        "--run_dir=alone", cwd=str(self.folder))
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertEqual(self.metrics(self.folder / "alone"), self.metrics(good))
    # Without early stopping, and without Ray, the stopped run goes on to its end.
    self.run_sweep(*flags[:-2])
    self.assertLen(self.metrics(bad), 6)
    self.assertTrue(all("nll" in row for row in self.rows()))
    self.assertEqual(self.metrics(self.folder / "alone"), self.metrics(good))


if __name__ == "__main__":
  absltest.main()
