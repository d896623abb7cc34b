"""Checkpoints: every variable of a model of images and of its optimizer comes back."""

import contextlib
import functools
import io
import pathlib
import time
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.models import vae
from du_vae_tf.training import checkpoints
from du_vae_tf.training import optimizers
from du_vae_tf.training import regimes
from du_vae_tf.training import run_folder
from tests.training import tiny_images


def make_model(seed: int) -> tuple[vae.VAE, optimizers.Optimizers]:
  model = tiny_images.build_model(tiny_images.make_config(seed=seed))
  make = functools.partial(regimes.REGIMES["image"].optimizer, 0.001)
  return model, optimizers.Optimizers(make, model)


def change_all(variables: list[keras.Variable]) -> None:
  """Gives every element of every variable a value that no new one has."""
  generator = np.random.default_rng(5)
  for variable in variables:
    new = generator.integers(2, 100, variable.shape) + 0.0
    variable.assign(new.astype(variable.dtype))


def values(variables: list[keras.Variable]) -> dict[str, np.ndarray]:
  return {variable.path: variable.numpy() for variable in variables}


def flipped(content: bytes, place: int) -> bytes:
  """With one bit of one byte the other way."""
  return content[:place] + bytes([content[place] ^ 4]) + content[place + 1:]


def hurt(path: pathlib.Path, damage: str) -> None:
  """Does to a file what disks and crashes do."""
  content = path.read_bytes() if path.exists() else b""
  if damage == "gone":
    path.unlink(missing_ok=True)
  else:
    path.write_bytes({"emptied": b"", "cut": content[:len(content) // 2],
                      "flipped": flipped(content, len(content) // 2)}[damage])


class CheckpointsTest(tf.test.TestCase, parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = run_folder.RunFolder(self.create_tempdir().full_path)
    self.model, self.optimizer = make_model(seed=1)
    change_all([*self.model.variables, *self.optimizer.variables])
    self.saved = values(self.model.variables), values(self.optimizer.variables)
    self.checkpoints = checkpoints.Checkpoints(self.folder, self.model, self.optimizer)

  def check(self, found: dict[str, np.ndarray], saved: dict[str, np.ndarray],
            equal: bool) -> None:
    self.assertEqual(found.keys(), saved.keys())
    for path, value in saved.items():
      self.assertEqual(np.array_equal(value, found[path]), equal, path)

  def test_all_variables_have_a_place(self):
    kinds = {path.rsplit("/", 1)[-1] for path in self.saved[0]}
    self.assertContainsSubset({"kernel", "bias", "scale", "shift", "moving_mean",
                               "moving_variance"}, kinds)
    for part in ("encoder", "decoder", "mean_normalization"):
      self.assertTrue(any(part in path for path in self.saved[0]), part)
    # Two moments of each weight, and of both parts the step and the learning rate.
    self.assertLen(self.saved[1], 2 * len(self.model.trainable_variables) + 2 * 2)

  def test_every_variable_is_saved_and_restored(self):
    self.checkpoints.progress.step = 7
    self.checkpoints.progress.history.append({"epoch": 1})
    self.checkpoints.save()
    model, optimizer = make_model(seed=2)
    other = checkpoints.Checkpoints(self.folder, model, optimizer)
    self.check(values(model.variables), self.saved[0], equal=False)
    self.check(values(optimizer.variables), self.saved[1], equal=False)
    self.assertTrue(other.resume())
    self.check(values(model.variables), self.saved[0], equal=True)
    self.check(values(optimizer.variables), self.saved[1], equal=True)
    self.assertEqual((other.progress.step, other.progress.history), (7, [{"epoch": 1}]))

  def test_restore_best_gives_a_model_every_variable(self):
    self.checkpoints.save_best(4)
    change_all(self.model.variables[::-1])
    self.checkpoints.save_best(6)
    model, _ = make_model(seed=2)
    self.check(values(model.variables), self.saved[0], equal=False)
    # The progress decides, not which file is the latest.
    checkpoints.restore_best(self.folder, model, checkpoints.Progress(epoch=6, best_epoch=4))
    self.check(values(model.variables), self.saved[0], equal=True)

  def test_reload_best_puts_every_variable_back(self):
    self.checkpoints.save_best(4)
    self.checkpoints.progress.best_epoch = 4
    for variable in self.model.variables:
      variable.assign(variable + 1.0)
    self.check(values(self.model.variables), self.saved[0], equal=False)
    self.checkpoints.reload_best()
    self.check(values(self.model.variables), self.saved[0], equal=True)

  def test_run_without_best_weights_is_refused(self):
    with self.assertRaisesRegex(errors.UserError, "no best weights"):
      checkpoints.restore_best(self.folder, self.model, checkpoints.Progress(epoch=1))

  def test_new_folder_has_nothing_to_resume(self):
    self.assertFalse(self.checkpoints.resume())
    self.check(values(self.model.variables), self.saved[0], equal=True)

  def save_twice(self) -> list[pathlib.Path]:
    """States of steps 99 and 100; the files of the newer one."""
    for step in (99, 100):
      self.checkpoints.progress.step = step
      self.checkpoints.save()
    return sorted(self.folder.checkpoints.glob("state-100.*"))

  @parameterized.product(name=("index", "data-00000-of-00001"),
                         damage=("emptied", "cut", "flipped", "gone"))
  def test_damaged_state_gives_way_to_the_one_before(self, name: str, damage: str) -> None:
    self.save_twice()
    path = self.folder.checkpoints / f"state-100.{name}"
    hurt(path, damage)
    model, optimizer = make_model(seed=2)
    other = checkpoints.Checkpoints(self.folder, model, optimizer)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
      self.assertTrue(other.resume())
    self.check(values(model.variables), self.saved[0], equal=True)
    self.check(values(optimizer.variables), self.saved[1], equal=True)
    self.assertEqual(other.progress.step, 99)
    if (name, damage) != ("index", "gone"):  # Without it there is no state of this step.
      self.assertRegex(
          said.getvalue(), r"\A.*/state-100: is damaged.*; going on from state-99\.\n\Z")
    # The run goes on and saves, beside the damaged state.
    other.progress.step = 100
    other.save()
    self.assertTrue(self.checkpoints.resume())
    self.assertEqual(self.checkpoints.progress.step, 100)

  @parameterized.parameters("model", "optimizer")
  def test_state_that_is_not_finite_gives_way_to_the_one_before(self, part: str) -> None:
    self.checkpoints.progress.step = 99
    self.checkpoints.save()
    variables = self.model.variables if part == "model" else self.optimizer.variables
    faulty = next(variable for variable in variables if variable.dtype == "float32"
                  and len(variable.shape))
    faulty.assign(np.full(faulty.shape, np.nan))
    self.checkpoints.progress.step = 100
    self.checkpoints.save()
    model, optimizer = make_model(seed=2)
    other = checkpoints.Checkpoints(self.folder, model, optimizer)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
      self.assertTrue(other.resume())
    self.assertRegex(
        said.getvalue(), rf"\A.*/state-100: .*{faulty.path} is not finite\); going on from"
        r" state-99\.\n\Z")
    self.check(values(model.variables), self.saved[0], equal=True)
    self.check(values(optimizer.variables), self.saved[1], equal=True)
    self.assertEqual(other.progress.step, 99)

  def test_no_saved_state_is_written_over(self) -> None:
    before = {path: path.read_bytes() for path in self.save_twice()}
    # As after the validation: the epoch is over, and no step was taken.
    self.checkpoints.progress.epoch = 1
    self.checkpoints.save()
    for path, content in before.items():
      self.assertEqual(path.read_bytes(), content)
    model, optimizer = make_model(seed=2)
    other = checkpoints.Checkpoints(self.folder, model, optimizer)
    self.assertTrue(other.resume())
    self.assertEqual((other.progress.step, other.progress.epoch), (100, 1))

  def test_flipped_bits_anywhere_are_found(self) -> None:
    random = np.random.default_rng(4)
    model, optimizer = make_model(seed=2)
    other = checkpoints.Checkpoints(self.folder, model, optimizer)
    for path in self.save_twice():
      whole = path.read_bytes()
      for place in random.integers(0, len(whole), 15):
        path.write_bytes(flipped(whole, int(place)))
        for variable in [*model.variables, *optimizer.variables]:
          variable.assign(variable * 0)
        with contextlib.redirect_stdout(io.StringIO()):
          self.assertTrue(other.resume())
        # What is whole after all is used; nothing else is.
        self.check(values(model.variables), self.saved[0], equal=True)
        self.check(values(optimizer.variables), self.saved[1], equal=True)
      path.write_bytes(whole)

  def test_nothing_is_begun_anew_over_states_that_cannot_be_read(self) -> None:
    self.save_twice()
    for path in self.folder.checkpoints.glob("state-*.index"):
      hurt(path, "cut")
    with (contextlib.redirect_stdout(io.StringIO()),
          self.assertRaisesRegex(errors.UserError, "state-100: is damaged")):
      self.checkpoints.resume()
    with (contextlib.redirect_stdout(io.StringIO()),
          self.assertRaisesRegex(errors.UserError, "state-100: is damaged")):
      checkpoints.read_progress(self.folder)

  def test_list_of_the_states_may_be_damaged(self) -> None:
    self.save_twice()
    for damage in ("cut", "flipped", "emptied", "gone"):
      hurt(self.folder.checkpoints / "checkpoint", damage)
      model, optimizer = make_model(seed=2)
      other = checkpoints.Checkpoints(self.folder, model, optimizer)
      self.assertTrue(other.resume())
      self.assertEqual(other.progress.step, 100)
      self.assertEqual(checkpoints.read_progress(self.folder).step, 100)

  def test_clock_that_was_set_back_is_nothing_to_warn_of(self) -> None:
    later = time.time() + 7 * 3600
    with mock.patch.object(time, "time", lambda: later):
      checkpoints.Checkpoints(self.folder, self.model, self.optimizer).save()
    with self.assertNoLogs("tensorflow", "WARNING"):
      other = checkpoints.Checkpoints(self.folder, self.model, self.optimizer)
    self.assertTrue(other.resume())

  def test_damaged_best_weights_are_told(self) -> None:
    self.checkpoints.save_best(4)
    hurt(self.folder.best / "epoch-4.data-00000-of-00001", "flipped")
    self.checkpoints.progress.best_epoch = 4
    for restore in (self.checkpoints.reload_best, lambda: checkpoints.restore_best(
        self.folder, self.model, self.checkpoints.progress)):
      with self.assertRaisesRegex(errors.UserError, "best/epoch-4: is damaged"):
        restore()

  def test_variables_of_one_path_are_refused(self):
    model = mock.Mock(variables=[keras.Variable([1.0], name="same") for _ in range(2)])
    with self.assertRaisesRegex(ValueError, r"different paths. Received: \['same', 'same'\]"):
      checkpoints.Checkpoints(self.folder, model, self.optimizer)


if __name__ == "__main__":
  tf.test.main()
