"""A run on two replicas (two logical CPU devices), and its continuation on one."""

import json
import pathlib

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.training import loop
from du_vae_tf.training import run_folder
from du_vae_tf.training import runs
from du_vae_tf.training import signals
from tests.training import tiny


class MirroredTest(tf.test.TestCase):

  def train(self, config: config_lib.RunConfig) -> loop.Training:
    corpus = corpus_lib.load(config)
    folder = run_folder.RunFolder(config.run_dir)
    folder.acquire()
    folder.save_config(config, corpus.digest, corpus.sizes)
    corpus.vocabulary.save(folder.vocabulary)
    training = loop.Training(config, corpus, folder, signals.StopRequest())
    training.run()
    folder.release()
    return training

  def test_two_replicas_train_and_one_device_continues(self):
    self.assertLen(tf.config.list_logical_devices("CPU"), 2)
    folder = self.create_tempdir().full_path
    config = tiny.make_config(folder, strategy="mirrored", epochs=2, deterministic=False)
    mirrored = self.train(config)
    rows = [json.loads(line) for line in
            pathlib.Path(config.run_dir, "metrics.jsonl").read_text().splitlines()]
    self.assertLen(rows, 2)
    self.assertLess(rows[1]["elbo_nll"], rows[0]["elbo_nll"])

    run = runs.load(config.run_dir)
    self.assertEqual(run.progress.epoch, 2)
    best = {variable.path: variable.numpy() for variable in run.model.variables}
    if run.progress.best_epoch == 2:
      for variable in mirrored.model.variables:
        np.testing.assert_array_equal(variable.numpy(), best[variable.path])

    continued = self.train(tiny.make_config(folder, strategy="one_device", epochs=3))
    self.assertEqual((continued.progress.epoch, continued.progress.step), (3, 15))


if __name__ == "__main__":
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
