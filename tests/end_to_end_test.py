"""The real commands on a tiny data set: train, resume, evaluate, export, errors."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from benchmarks import fault_runs
from tests import binaries
from tests.training import tiny

# Loads an exported model where this project cannot be imported.
_CLIENT = """
import json, sys
import tensorflow as tf
try:
  import du_vae_tf
  sys.exit("the project is importable here")
except ImportError:
  pass
model = tf.saved_model.load(sys.argv[1])
text = tf.constant(json.loads(sys.argv[2]))
seed = tf.zeros([len(text)], tf.int64)
answers = {}
for name in ("serving_default", "reconstruct", "log_likelihood"):
  extra = {"seed": seed} if name == "log_likelihood" else {}
  for key, value in model.signatures[name](text=text, **extra).items():
    value = value.numpy()
    answers[key] = [item.decode() for item in value] if value.dtype == object else value.tolist()
print(json.dumps(answers))
"""


class EndToEndTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    files = tiny.write_sentences(str(self.folder))
    self.flags = [
        "--dataset=text", "--latent_dim=2", "--hidden_size=8", "--embedding_size=6",
        "--batch_size=16", "--epochs=3", "--warmup_epochs=1", "--iw_samples=5", "--data_dir=data",
        "--deterministic", *(f"--{name}={pathlib.Path(path).name}" for name, path in files.items())]

  def run_command(self, name: str, *flags: str) -> subprocess.CompletedProcess:
    return binaries.run(name, *flags, cwd=str(self.folder))

  def test_train_again_evaluate_and_use_the_export(self):
    done = self.run_command("train", *self.flags)
    self.assertEqual(done.returncode, 0, done.stderr)
    run_dir, = self.folder.glob("runs/text-du_vae-????????")
    for name in ("config.json", "vocab.txt", "metrics.jsonl", "report.json", "best/checkpoint",
                 "checkpoints/checkpoint", "export/1/saved_model.pb"):
      self.assertTrue((run_dir / name).is_file(), name)
    self.assertFalse((run_dir / "lock").exists())
    report = json.loads((run_dir / "report.json").read_text())
    self.assertEqual(
        (report["dataset"], report["method"], report["split"], report["num_examples"],
         report["iw_samples"], report["latent_dim"], report["epochs"]),
        ("text", "du_vae", "test", 20, 5, 2, 3))
    for name in ("nll", "nll_std_error", "ppl", "elbo_nll", "reconstruction", "kl", "mi", "mpd",
                 "ce", "train_seconds"):
      self.assertTrue(np.isfinite(report[name]), name)

    again = self.run_command("train", *self.flags)
    self.assertEqual(again.returncode, 0, again.stderr)
    self.assertIn("finished", again.stdout)
    self.assertNotIn("epoch 1/", again.stdout)

    evaluated = self.run_command(
        "evaluate", f"--run_dir={run_dir}", "--split=valid", "--iw_samples=7")
    self.assertEqual(evaluated.returncode, 0, evaluated.stderr)
    later = json.loads((run_dir / "evaluations" / "valid-7.json").read_text())
    self.assertEqual((later["split"], later["iw_samples"]), ("valid", 7))

    texts = ["w1 w2 w3", "", "w5 never_seen <s>   w7"]
    client = subprocess.run(
        [sys.executable, "-I", "-c", _CLIENT, str(run_dir / "export" / "1"), json.dumps(texts)],
        cwd=self.folder, capture_output=True, text=True, check=False)
    self.assertEqual(client.returncode, 0, client.stderr)
    answers = json.loads(client.stdout)
    self.assertLen(answers["text"], 3)
    self.assertEqual(np.shape(answers["mean"]), (3, 2))
    self.assertTrue(np.all(np.array(answers["variance"]) > 0))
    self.assertTrue(np.all(np.array(answers["log_likelihood"]) < 0))

  def test_terminated_run_saves_says_how_to_go_on_and_exits_75(self):
    process = binaries.start("train", *self.flags, "--epochs=4000", cwd=str(self.folder))
    self.wait_for_epochs(process, 2)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    self.assertEqual(process.returncode, 75, err)
    self.assertIn("the same command continues", err)
    self.assertNotIn("Traceback", err)
    rows = len(self.metrics())
    resumed = self.run_command("train", *self.flags, f"--epochs={rows + 1}")
    self.assertEqual(resumed.returncode, 0, resumed.stderr)
    self.assertIn("Resuming", resumed.stdout)
    self.assertEqual([row["epoch"] for row in self.metrics()], list(range(1, rows + 2)))

  def test_asked_to_stop_while_it_prepares_a_large_file_it_does_so_at_once(self):
    with (self.folder / "train.txt").open("a", encoding="utf-8") as file:
      file.writelines(f"w1 w{number % 30}\n" for number in range(2_000_000))
    process = binaries.start("train", *self.flags, cwd=str(self.folder))
    while process.poll() is None and not [*self.folder.glob("data/tfds/*/*/*incomplete*")]:
      time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    # The whole preparation takes longer than that.
    out, err = process.communicate(timeout=30)
    self.assertEqual((process.returncode, out, err), (
        75, "", "stopped as asked; the same command continues from the last saved state.\n"))
    self.assertEmpty([path for path in self.folder.glob("data/tfds/**/*") if path.is_file()])

  def test_stopped_while_it_starts_it_says_so_and_exits_75(self):
    process = binaries.start("train", *self.flags, cwd=str(self.folder))
    fault_runs.wait_until_heard(process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    self.assertEqual((process.returncode, err), (
        75, "stopped as asked; the same command continues from the last saved state.\n"))
    self.assertFalse((self.folder / "runs").exists())

  def test_killed_three_times_it_ends_with_the_weights_of_the_straight_run(self):
    epochs = "--epochs=60"
    straight = self.run_command("train", *self.flags, epochs, "--run_dir=straight")
    self.assertEqual(straight.returncode, 0, straight.stderr)
    for wanted in (1, 20, 40):
      process = binaries.start("train", *self.flags, epochs, "--run_dir=killed",
                               cwd=str(self.folder))
      self.wait_for_epochs(process, wanted, "killed")
      process.kill()
      process.communicate()
      self.assertEqual(process.returncode, -signal.SIGKILL)
    resumed = self.run_command("train", *self.flags, epochs, "--run_dir=killed")
    self.assertEqual(resumed.returncode, 0, resumed.stderr)
    for part in ("checkpoints", "best"):
      ours, theirs = (tf.train.load_checkpoint(str(self.folder / run / part))
                      for run in ("killed", "straight"))
      # The progress has wall times, the object graph numbers objects in order of their making.
      names = [name for name, shape in theirs.get_variable_to_shape_map().items()
               if shape or name.startswith("optimizer/")]
      self.assertGreaterEqual(len(names), 14)
      for name in names:
        np.testing.assert_array_equal(ours.get_tensor(name), theirs.get_tensor(name), name)
    reports = [json.loads((self.folder / run / "report.json").read_text())
               for run in ("killed", "straight")]
    for report in reports:
      del report["train_seconds"]
    self.assertEqual(*reports)

  def metrics(self, run: str = "runs/*") -> list[dict]:
    paths = list(self.folder.glob(f"{run}/metrics.jsonl"))
    return [json.loads(line) for line in paths[0].read_text().splitlines()] if paths else []

  def wait_for_epochs(self, process: subprocess.Popen, epochs: int, run: str = "runs/*") -> None:
    deadline = time.monotonic() + 120
    while len(self.metrics(run)) < epochs:
      self.assertIsNone(process.poll(), "the run ended too early")
      self.assertLess(time.monotonic(), deadline)
      time.sleep(0.02)

  @parameterized.parameters(
      ("train", ["--epochs=x"], "--epochs=x"),
      ("train", ["--dataset=yahoo", "--manual_dir=nowhere"], "--manual_dir"),
      ("train", ["--dataset=text"], "--train_file"),
      ("evaluate", [], "--run_dir"),
      ("evaluate", ["--run_dir=nowhere"], "--run_dir=nowhere"),
  )
  def test_mistake_is_one_line_with_status_2(self, name, flags, message):
    done = self.run_command(name, *flags)
    self.assertEqual(done.returncode, 2, done.stderr)
    lines = done.stderr.strip().splitlines()
    self.assertLen(lines, 1, done.stderr)
    self.assertIn(message, lines[0])

  def test_help_is_whole_and_quick(self):
    for name in ("train", "evaluate"):
      done = self.run_command(name, "--help")
      self.assertEqual(done.returncode, 0)
      self.assertIn("--run_dir", done.stdout)
      self.assertEqual(done.stderr, "")


if __name__ == "__main__":
  absltest.main()
