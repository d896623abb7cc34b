"""Every method of the table, from data to export, on a tiny text and a tiny set of images."""

import dataclasses
import json
import pathlib
from unittest import mock

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import methods
from du_vae_tf import pipeline
from du_vae_tf.analysis import best_epoch
from du_vae_tf.training import signals
from tests.data import own_images
from tests.training import running
from tests.training import tiny
from tests.training import tiny_images

# Networks of flows are wide by default, refinement is slow.
_SMALL = {"flow_width": 4, "svi_steps": 2}


class MethodsTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self) -> None:
    super().setUp()
    self.folder = self.create_tempdir().full_path

  def make_config(self, method: str, modality: str) -> config_lib.RunConfig:
    row = methods.METHODS[method]
    small = {name: value for name, value in _SMALL.items() if name in row.defaults}
    warms_up = row.kl_schedules and "warmup_epochs" in methods.KL_SCHEDULES[row.kl_schedules[0]]
    small["warmup_epochs"] = 1 if warms_up else None
    if modality == "text":
      return tiny.make_config(self.folder, method=method, epochs=1, deterministic=None, **small)
    files = own_images.write_arrays(self.folder, side=tiny_images.SIDE, rows=40)
    return config_lib.resolve({
        "dataset": "images", "latent_dim": tiny_images.LATENT_DIM, "batch_size": 16,
        "learning_rate": 0.001, "epochs": 1, "iw_samples": 3, "method": method,
        "run_dir": f"{self.folder}/run", "data_dir": f"{self.folder}/data"} | files | {
            name: value for name, value in small.items() if value is not None}, {})

  @parameterized.product(method=tuple(methods.METHODS), modality=("text", "image"))
  def test_trains_resumes_evaluates_and_exports(self, method: str, modality: str) -> None:
    config = self.make_config(method, modality)
    # What TensorBoard shows of a finished run depends on no method; pipeline_test looks at it.
    with tiny_images.thin_decoder(), mock.patch.object(best_epoch, "write"):
      running.train(config)
      # More epochs continue the run from its checkpoint.
      report = pipeline.train(dataclasses.replace(config, epochs=2), signals.StopRequest())
    folder = pathlib.Path(config.run_dir)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    self.assertEqual([row["epoch"] for row in rows], [1, 2])
    self.assertEqual((report.method, report.epochs), (method, 2))
    self.assertTrue(np.isfinite(report.nll))
    signature = tf.saved_model.load(str(folder / "export" / "1")).signatures["encode"]
    given = ({"text": tf.constant(["w1 w2", "w3"])} if modality == "text" else
             {"image": tf.zeros([2, tiny_images.SIDE, tiny_images.SIDE, 1])})
    for value in signature(**given).values():
      self.assertEqual(value.shape[0], 2)
      self.assertTrue(np.all(np.isfinite(value)))


if __name__ == "__main__":
  tf.test.main()
