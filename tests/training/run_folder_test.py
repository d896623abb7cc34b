"""Locks, refusals and the configuration of a run folder."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.training import run_folder


class RunFolderTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.path = self.create_tempdir().full_path
    self.folder = run_folder.RunFolder(f"{self.path}/run")
    self.folder.acquire()
    self.addCleanup(self.folder.release)

  def test_second_owner_is_refused_and_told_of_the_first(self):
    with self.assertRaisesRegex(errors.UserError, "--run_dir=.*in use by process .* on "):
      run_folder.RunFolder(self.folder.path).acquire()

  def test_lock_of_a_killed_process_is_gone(self):
    other = f"{self.path}/killed"
    code = ("import os, signal; from du_vae_tf.training import run_folder;"
            f"run_folder.RunFolder({other!r}).acquire(); os.kill(os.getpid(), signal.SIGKILL)")
    subprocess.run([sys.executable, "-c", code], check=False,
                   env={"PYTHONPATH": ":".join(sys.path)})
    self.assertTrue(pathlib.Path(other, "lock").exists())
    folder = run_folder.RunFolder(other)
    folder.acquire()
    folder.release()
    self.assertFalse(pathlib.Path(other, "lock").exists())

  def test_configuration_survives_the_round_trip(self):
    config = config_lib.resolve({"dataset": "yahoo", "gamma": 0.7, "manual_dir": "corpora"}, {})
    self.folder.save_config(config, "digest", {"vocab_size": 9})
    loaded, digest, sizes = self.folder.load_config()
    self.assertEqual(digest, "digest")
    self.assertEqual(sizes, {"vocab_size": 9})
    self.assertEqual(loaded.mathematics(), config.mathematics())
    self.assertTrue(loaded.manual_dir.endswith("/corpora"))
    self.assertTrue(pathlib.Path(loaded.manual_dir).is_absolute())

  def test_other_mathematics_is_refused_with_the_flags_named(self):
    config = config_lib.resolve({}, {})
    self.folder.save_config(config, "digest", {"vocab_size": 9})
    other = dataclasses.replace(config, gamma=0.9, seed=5, epochs=7)
    with self.assertRaisesRegex(
        errors.UserError, "--gamma was 1.0 and is 0.9; --seed was 783435 and is 5") as caught:
      self.folder.save_config(other, "digest", {"vocab_size": 9})
    self.assertNotIn("epochs", str(caught.exception))
    with self.assertRaisesRegex(errors.UserError, "content of the data files differs"):
      self.folder.save_config(config, "other digest", {"vocab_size": 9})
    self.assertEqual(self.folder.load_config()[0].gamma, 1.0)

  def test_more_epochs_are_accepted(self):
    config = config_lib.resolve({}, {})
    self.folder.save_config(config, "digest", {"vocab_size": 9})
    self.folder.save_config(dataclasses.replace(config, epochs=70), "digest", {"vocab_size": 9})
    self.assertEqual(self.folder.load_config()[0].epochs, 70)

  def test_folder_of_something_else_is_left_alone(self):
    self.folder.path.joinpath("thesis.tex").write_text("precious")
    with self.assertRaisesRegex(errors.UserError, "not empty and holds no run"):
      self.folder.save_config(config_lib.resolve({}, {}), "digest", {"vocab_size": 9})
    with self.assertRaisesRegex(errors.UserError, "no run folder and is left alone"):
      self.folder.clear()
    self.assertEqual(self.folder.path.joinpath("thesis.tex").read_text(), "precious")

  def test_overwrite_deletes_a_run(self):
    self.folder.save_config(config_lib.resolve({}, {}), "digest", {"vocab_size": 9})
    self.folder.best.mkdir()
    self.folder.clear()
    self.assertEqual([entry.name for entry in self.folder.path.iterdir()], ["lock"])

  def test_missing_or_broken_configuration_is_one_line(self):
    with self.assertRaisesRegex(errors.UserError, "no run here.*config.json"):
      self.folder.load_config()
    for text in ("{", "[]", "{}", json.dumps({"dataset": 3, "epochs": "many"})):
      self.folder.config.write_text(text)
      with self.assertRaisesRegex(errors.UserError, "not a configuration of a run"):
        self.folder.load_config()

  @parameterized.parameters(("du_vae", "gamma"), ("sa_vae", "svi_rate"), ("vae", "hidden_size"))
  def test_configuration_that_makes_no_model_is_refused(self, method: str, name: str) -> None:
    self.folder.save_config(config_lib.resolve({"method": method}, {}), "digest", {"vocab_size": 9})
    self.assertEqual(self.folder.load_config()[0].method, method)
    self.folder.config.write_text(re.sub(f'"{name}": [^,]+', f'"{name}": null',
                                         self.folder.config.read_text()))
    with self.assertRaisesRegex(errors.UserError, f"missing: {name}"):
      self.folder.load_config()

  def test_path_that_is_a_file_is_refused(self):
    path = pathlib.Path(self.path, "file")
    path.write_text("")
    with self.assertRaisesRegex(errors.UserError, "--run_dir=.*cannot be written"):
      run_folder.RunFolder(path).acquire()


if __name__ == "__main__":
  absltest.main()
