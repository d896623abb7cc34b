"""The real commands on a tiny set of own images: train, resume, evaluate, export, errors."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from absl.testing import absltest
from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tests import binaries
from tests.data import own_images
from tests.training import tiny

SIDE, LATENT_DIM = 8, 2
PICTURES = ("samples", "reconstructions", "paths")

# Loads an exported model where this project cannot be imported.
_CLIENT = """
import sys
import numpy as np
import tensorflow as tf
try:
  import du_vae_tf
  sys.exit("the project is importable here")
except ImportError:
  pass
signatures = tf.saved_model.load(sys.argv[1]).signatures
image = tf.constant(np.load(sys.argv[2]))
seed = tf.range(len(image), dtype=tf.int64)
calls = {
    "serving_default": {"image": image}, "encode": {"image": image},
    "reconstruct": {"image": image, "seed": seed}, "generate": {"seed": seed},
    "log_likelihood": {"image": image, "seed": seed}}
np.savez(sys.argv[3], **{
    f"{name}_{key}": value.numpy()
    for name, given in calls.items() for key, value in signatures[name](**given).items()})
"""


class ImageEndToEndTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    files = own_images.write_arrays(str(cls.folder), side=SIDE, rows=70)
    cls.flags = [
        "--dataset=images", f"--latent_dim={LATENT_DIM}", "--batch_size=16", "--epochs=2",
        "--warmup_epochs=1", "--iw_samples=2", "--data_dir=data", "--deterministic",
        *(f"--{name}={pathlib.Path(path).name}" for name, path in files.items())]
    cls.straight = cls.run_command("train", *cls.flags, "--run_dir=straight")
    cls.run_dir = cls.folder / "straight"

  @classmethod
  def run_command(cls, name: str, *flags: str) -> subprocess.CompletedProcess:
    return binaries.run(name, *flags, cwd=str(cls.folder))

  def report(self, path: str) -> dict:
    return json.loads((self.folder / path).read_text())

  def check_figures(self, report: dict) -> None:
    self.assertIsNone(report["ppl"])
    for name in ("nll", "nll_std_error", "elbo_nll", "reconstruction", "kl", "mi", "mpd", "ce",
                 "train_seconds"):
      self.assertTrue(np.isfinite(report[name]), name)

  def test_a_run_leaves_its_report_weights_pictures_and_export(self):
    self.assertEqual(self.straight.returncode, 0, self.straight.stderr)
    for name in ("config.json", "metrics.jsonl", "report.json", "best/checkpoint",
                 "checkpoints/checkpoint", "export/1/saved_model.pb"):
      self.assertTrue((self.run_dir / name).is_file(), name)
    self.assertFalse((self.run_dir / "vocab.txt").exists())
    for name in PICTURES:
      content = (self.run_dir / "samples" / f"best-{name}.png").read_bytes()
      picture = tf.io.decode_png(content).numpy()
      self.assertEqual(picture.shape[-1], 1)
      self.assertGreater(np.ptp(picture), 200, name)  # From black to white.
    report = self.report("straight/report.json")
    self.assertEqual(
        (report["dataset"], report["method"], report["split"], report["num_examples"],
         report["iw_samples"], report["latent_dim"], report["epochs"]),
        ("images", "du_vae", "test", 20, 2, LATENT_DIM, 2))
    self.check_figures(report)
    # 64 pixels of a fair coin have 44 nats; even a poor model of binary images is near that.
    self.assertBetween(report["nll"], 5.0, 100.0)
    rows = self.metrics("straight")
    self.assertEqual([row["epoch"] for row in rows], [1, 2])
    self.assertNotIn("words_per_second", rows[0])

  def test_evaluate_reports_on_another_split(self):
    done = self.run_command("evaluate", "--run_dir=straight", "--split=valid", "--iw_samples=3")
    self.assertEqual(done.returncode, 0, done.stderr)
    report = self.report("straight/evaluations/valid-3.json")
    self.assertEqual((report["split"], report["iw_samples"]), ("valid", 3))
    self.check_figures(report)
    self.assertNotIn("perplexity", done.stdout)

  def test_the_export_answers_where_the_project_is_not(self):
    images = own_images.draw(3, SIDE, seed=1)[0][..., np.newaxis]
    np.save(self.folder / "request.npy", images)
    client = subprocess.run(
        [sys.executable, "-I", "-c", _CLIENT, str(self.run_dir / "export" / "1"), "request.npy",
         "answers.npz"], cwd=self.folder, capture_output=True, text=True, check=False)
    self.assertEqual(client.returncode, 0, client.stderr)
    answers = np.load(self.folder / "answers.npz")
    for moment in ("mean", "variance"):
      self.assertEqual(answers[f"encode_{moment}"].shape, (3, LATENT_DIM))
      np.testing.assert_array_equal(
          answers[f"encode_{moment}"], answers[f"serving_default_{moment}"])
    self.assertTrue(np.all(answers["encode_variance"] > 0.0))
    for name in ("reconstruct", "generate"):
      self.assertEqual(answers[f"{name}_image"].shape, (3, SIDE, SIDE, 1))
      self.assertContainsSubset(np.unique(answers[f"{name}_image"]), [0.0, 1.0])
      probabilities = answers[f"{name}_probabilities"]
      self.assertTrue(np.all((probabilities > 0.0) & (probabilities < 1.0)))
    self.assertEqual(answers["log_likelihood_log_likelihood"].shape, (3,))
    self.assertTrue(np.all(answers["log_likelihood_log_likelihood"] < 0.0))

  def test_killed_and_resumed_it_ends_with_the_weights_of_the_straight_run(self):
    process = binaries.start("train", *self.flags, "--run_dir=killed", cwd=str(self.folder))
    deadline = time.monotonic() + 300
    while not self.metrics("killed"):
      self.assertIsNone(process.poll(), "the run ended too early")
      self.assertLess(time.monotonic(), deadline)
      time.sleep(0.02)
    process.kill()
    process.communicate()
    self.assertEqual(process.returncode, -signal.SIGKILL)
    self.assertFalse((self.folder / "killed" / "report.json").exists())
    resumed = self.run_command("train", *self.flags, "--run_dir=killed")
    self.assertEqual(resumed.returncode, 0, resumed.stderr)
    self.assertIn("Resuming after epoch 1", resumed.stdout)
    for part in ("checkpoints", "best"):
      ours, theirs = (tf.train.load_checkpoint(str(self.folder / run / part))
                      for run in ("killed", "straight"))
      # The progress has wall times, the object graph numbers objects in order of their making.
      names = [name for name in theirs.get_variable_to_shape_map()
               if name.startswith(("model/", "optimizer/"))]
      # 13 layers, each with a kernel and four vectors of its normalization, are the least.
      self.assertGreater(len(names), 65)
      for name in names:
        np.testing.assert_array_equal(ours.get_tensor(name), theirs.get_tensor(name), name)
    for name in PICTURES:
      ours, theirs = ((self.folder / run / "samples" / f"best-{name}.png").read_bytes()
                      for run in ("killed", "straight"))
      self.assertEqual(ours, theirs, name)
    reports = [self.report(f"{run}/report.json") for run in ("killed", "straight")]
    for report in reports:
      del report["train_seconds"]
    self.assertEqual(*reports)

  def metrics(self, run: str) -> list[dict]:
    path = self.folder / run / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

  @parameterized.parameters(
      (["--dataset=images"], "--train_file", "--tfds_name"),
      (["--dataset=images", "--train_file=train.npz", "--max_length=9"], "--max_length", "yahoo"),
      (["--dataset=images", "--train_file=train.npz", "--decoder=lstm"], "--decoder=lstm",
       "pixel_cnn"),
      (["--dataset=images", "--train_file=train.npz", "--tfds_name=mnist"], "--tfds_name",
       "--train_file"),
      (["--dataset=text", "--decoder=pixel_cnn"], "--decoder=pixel_cnn", "lstm"),
      (["--dataset=text", "--tfds_name=mnist"], "--tfds_name", "images"),
  )
  def test_mistake_is_one_line_with_status_2(self, flags: list[str], *parts: str):
    tiny.write_sentences(str(self.folder))
    before = set(os.listdir(self.folder))
    done = self.run_command("train", *flags, "--data_dir=data")
    self.assertEqual(done.returncode, 2, done.stderr)
    lines = done.stderr.strip().splitlines()
    self.assertLen(lines, 1, done.stderr)
    for part in parts:
      self.assertIn(part, lines[0])
    self.assertEqual(set(os.listdir(self.folder)) - {"data"}, before - {"data"})


if __name__ == "__main__":
  absltest.main()
