"""Sweeps: what is trained, how runs are ranked, and the grids of the paper."""

import json
import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import grids
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


class RunTest(absltest.TestCase):

  def test_runs_are_ranked_by_validation_and_not_repeated(self):
    folder = pathlib.Path(self.create_tempdir().full_path)
    tiny.write_sentences(str(folder))
    flags = ["--dataset=text", "--latent_dim=2", "--hidden_size=8", "--embedding_size=6",
             "--batch_size=16", "--epochs=1", "--warmup_epochs=1", "--iw_samples=3",
             "--data_dir=data", "--train_file=train.txt", "--valid_file=valid.txt",
             "--test_file=test.txt", "--learning_rate=0.01,1", "--run_dir=sweep"]
    done = binaries.run("sweep", *flags, cwd=str(folder))
    self.assertEqual(done.returncode, 0, done.stderr)
    rows = json.loads((folder / "sweep" / "sweep.json").read_text())
    self.assertEqual({row["run"] for row in rows}, {"learning_rate=0.01", "learning_rate=1"})
    self.assertLessEqual(rows[0]["nll"], rows[1]["nll"])
    for row in rows:
      run = folder / "sweep" / row["run"]
      valid = json.loads((run / "evaluations" / "valid-3.json").read_text())
      self.assertEqual((row["nll"], valid["split"]), (valid["nll"], "valid"))
      self.assertEqual(row["test"], json.loads((run / "report.json").read_text()) | {
          name: None for name in row["test"] if name.startswith(("z0_", "ce_", "null_"))})
      self.assertIn(f"| {row['run']} | {row['nll']:.2f} |", done.stdout)
    self.assertIn(f"Best: sweep/{rows[0]['run']}", done.stdout)

    again = binaries.run("sweep", *flags, cwd=str(folder))
    self.assertEqual(again.returncode, 0, again.stderr)
    log = (folder / "sweep" / "learning_rate=1.log").read_text()
    self.assertEqual(log.count("epoch 1/1:"), 1)
    self.assertIn("finished", log)

  def test_a_run_that_fails_does_not_stop_the_others(self):
    folder = pathlib.Path(self.create_tempdir().full_path)
    tiny.write_sentences(str(folder))
    done = binaries.run(
        "sweep", "--dataset=text", "--latent_dim=2", "--hidden_size=8", "--embedding_size=6",
        "--batch_size=16", "--epochs=1", "--warmup_epochs=0", "--iw_samples=3", "--data_dir=data",
        "--train_file=train.txt", "--valid_file=valid.txt", "--test_file=test.txt",
        "--learning_rate=1e30,1", "--run_dir=sweep", cwd=str(folder))
    self.assertEqual(done.returncode, 1, done.stdout)
    self.assertIn("1 of 2 runs failed: learning_rate=1e30", done.stderr)
    table = (folder / "sweep" / "sweep.md").read_text()
    self.assertRegex(
        table, r"(?s)\| learning_rate=1 \| \d+.*learning_rate=1e30 \| failed: .*finite")


if __name__ == "__main__":
  absltest.main()
