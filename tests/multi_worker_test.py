"""Two workers through the real command: training, a worker that is lost or stopped, mistakes."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from absl.testing import absltest

from benchmarks import local_workers
from du_vae_tf import config as config_lib
from tests import binaries
from tests.training import differing_worker
from tests.training import tiny

PATIENCE_SECONDS = 300


class MultiWorkerTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.enterContext(tempfile.TemporaryDirectory())
    self.run_dir = pathlib.Path(self.folder) / "run"
    self.flags = [
        "--dataset=text", "--latent_dim=2", "--hidden_size=8", "--embedding_size=6",
        "--batch_size=16", "--warmup_epochs=1", "--iw_samples=3", "--run_dir=run",
        *(f"--{name}={path}" for name, path in tiny.write_sentences(self.folder).items())]

  def start(self, *flags: str, of_one: Sequence[Sequence[str]] = ((), ())
            ) -> list[subprocess.Popen]:
    """Both workers; each may have flags of its own."""
    started = [binaries.start("train", *self.flags, "--strategy=multi_worker", *flags, *own,
                              cwd=self.folder, **variables)
               for variables, own in zip(local_workers.environments(2), of_one, strict=True)]
    for process in started:
      self.addCleanup(process.wait)
      self.addCleanup(process.kill)
    return started

  def end(self, process: subprocess.Popen) -> tuple[int, str, str]:
    """Status and output of a worker."""
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err

  def wait_for_epoch(self, chief: subprocess.Popen, number: int) -> None:
    for line in chief.stdout:
      if line.startswith(f"epoch {number}/"):
        return
    self.fail(f"no epoch {number}: {chief.stderr.read()}")

  def epochs(self) -> list[int]:
    lines = (self.run_dir / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["epoch"] for line in lines]

  def test_lost_and_stopped_workers_and_other_strategies_go_on_where_the_run_was(self):
    chief, other = self.start("--epochs=1000")
    self.wait_for_epoch(chief, 2)
    other.send_signal(signal.SIGKILL)
    status, _, err = self.end(chief)
    self.assertEqual(status, 75, err)
    self.assertRegex(err, r"\Aanother worker was lost, .* last saved state\.\n\Z")
    done = self.epochs()[-1]
    self.assertGreaterEqual(done, 2)

    chief, other = self.start("--epochs=1000")
    self.wait_for_epoch(chief, done + 1)
    other.send_signal(signal.SIGTERM)
    for process in (chief, other):
      status, _, err = self.end(process)
      self.assertEqual(status, 75, err)
      self.assertRegex(err, r"\Astopped as asked; .*\n\Z")
    done = self.epochs()[-1]

    # One device goes on, and its epochs stand below those of two workers.
    alone = binaries.run("train", *self.flags, f"--epochs={done + 2}",
                         cwd=self.folder)
    self.assertEqual(alone.returncode, 0, alone.stderr)
    self.assertIn(f"Resuming after epoch {done}, step ", alone.stdout)
    self.assertEqual(self.epochs(), [*range(1, done + 3)])
    self.assertTrue((self.run_dir / "report.json").is_file())

  def test_two_workers_train_as_one_device_and_the_chief_alone_writes_and_speaks(self):
    chief, other = map(self.end, self.start("--epochs=2"))
    self.assertEqual((chief[0], other[0]), (0, 0), chief[2] + other[2])
    self.assertIn("importance-weighted, 3 samples", chief[1])
    self.assertRegex(other[1], r"\Aworker 1 of 2 in all: waiting for the others at .*\n\Z")
    self.assertEqual((chief[2], other[2]), ("", ""))
    rows = [json.loads(line) for line in (self.run_dir / "metrics.jsonl").read_text().splitlines()]
    self.assertEqual([row["step"] for row in rows], [5, 10])
    self.assertLess(rows[1]["elbo_nll"], rows[0]["elbo_nll"])
    for name in (".settings", ".best"):
      self.assertLen([*(self.run_dir / "tensorboard").glob(f"*{name}")], 1)
    chief, other = map(self.end, self.start("--epochs=2"))
    self.assertEqual((chief[0], other[0]), (0, 0), chief[2] + other[2])
    self.assertIn("This run is finished", chief[1])

  def test_all_workers_decide_by_the_figures_of_the_chief(self):
    started = [subprocess.Popen(
        [sys.executable, "-m", "tests.training.differing_worker", self.folder],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | variables,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for variables in local_workers.environments(2)]
    for process in started:
      self.addCleanup(process.wait)
      self.addCleanup(process.kill)
    chief, other = map(self.end, started)
    self.assertEqual((chief[0], other[0]), (0, 0), chief[2] + other[2])
    decided, same = (json.loads(out.splitlines()[-1]) for _, out, _ in (chief, other))
    self.assertEqual(decided[0], differing_worker.EPOCHS)
    self.assertEqual(same, decided)

  def test_workers_that_differ_are_refused(self):
    for process in self.start(of_one=(("--gamma=0.5",), ("--gamma=0.6",))):
      status, _, err = self.end(process)
      self.assertEqual(status, 2, err)
      self.assertEqual(err, "--strategy=multi_worker: the workers have different flags or data.\n")
    self.assertFalse(self.run_dir.exists())

  def test_mistake_of_one_worker_ends_all(self):
    chief, other = map(self.end, self.start(of_one=((), ("--train_file=nothing.txt",))))
    self.assertEqual((chief[0], other[0]), (2, 2), chief[2] + other[2])
    self.assertEqual(chief[2], "--strategy=multi_worker: another worker could not begin; its own"
                               " message says why.\n")
    self.assertRegex(other[2], r"\A--train_file=nothing\.txt: .*\n\Z")


class ChoicesTest(absltest.TestCase):

  def test_strategy_does_not_change_the_run(self):
    values = {"dataset": "yahoo", "method": "vae"}
    one, two = (config_lib.resolve(values | {"strategy": name}, {})
                for name in ("one_device", "multi_worker"))
    self.assertEqual(one.mathematics(), two.mathematics())


if __name__ == "__main__":
  absltest.main()
