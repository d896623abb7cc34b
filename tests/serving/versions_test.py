"""Numbers of versions, and that they appear complete or not at all."""

import os
import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.serving import versions


class VersionsTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path) / "export"

  def make(self, *names: str) -> None:
    for name in names:
      (self.folder / name).mkdir(parents=True)

  def numbers(self) -> list[str]:
    return sorted(path.name for path in self.folder.iterdir())

  def test_the_next_free_number_follows_the_largest(self):
    self.assertEqual(versions.choose(self.folder, None), self.folder / "1")
    self.make("1", "9", "10", ".11.unfinished", "notes")
    self.assertEqual(versions.choose(self.folder, None), self.folder / "11")
    self.assertEqual(versions.choose(self.folder, 3), self.folder / "3")

  @parameterized.parameters((0, "--version=0: must be"), (-1, "--version=-1: must be"),
                            (2**63, f"--version={2**63}: must be"),
                            (9, "--version=9: .*export/9 is there already"))
  def test_other_numbers_are_refused(self, number, message):
    self.make("9")
    with self.assertRaisesRegex(errors.UserError, message):
      versions.choose(self.folder, number)

  def test_a_folder_that_cannot_be_made_is_refused(self):
    self.folder.write_text("")
    for folder in (self.folder, self.folder / "below"):
      with self.assertRaisesRegex(errors.UserError, "--output_dir=.*: cannot be written"):
        versions.choose(folder, None)

  def test_a_version_has_its_number_once_it_is_complete(self):
    path = self.folder / "4"
    with versions.written(path, replace=False) as unfinished:
      (unfinished / "model").write_text("new")
      # A server takes folders whose names are numbers.
      self.assertFalse(any(name.isdecimal() for name in os.listdir(self.folder)))
    self.assertEqual((path / "model").read_text(), "new")
    self.assertEqual(self.numbers(), ["4"])

  def test_a_failed_version_leaves_nothing_and_the_old_one_alone(self):
    self.make("4")
    (self.folder / "4" / "model").write_text("old")
    with self.assertRaisesRegex(OSError, "disk is full"):
      with versions.written(self.folder / "4", replace=True) as unfinished:
        (unfinished / "model").write_text("new")
        raise OSError("the disk is full")
    self.assertEqual((self.folder / "4" / "model").read_text(), "old")
    self.assertEqual(self.numbers(), ["4"])

  def test_an_old_version_makes_way_if_asked_to(self):
    self.make("4")
    (self.folder / "4" / "old").write_text("old")
    with versions.written(self.folder / "4", replace=True) as unfinished:
      (unfinished / "new").write_text("new")
      self.assertTrue((self.folder / "4" / "old").exists())
    self.assertEqual(os.listdir(self.folder / "4"), ["new"])
    self.assertEqual(self.numbers(), ["4"])

  def test_the_version_of_another_process_stays(self):
    with self.assertRaisesRegex(errors.UserError, "--version=4: another process has written"):
      with versions.written(self.folder / "4", replace=False) as unfinished:
        (unfinished / "model").write_text("ours")
        self.make("4")
        (self.folder / "4" / "model").write_text("theirs")
    self.assertEqual((self.folder / "4" / "model").read_text(), "theirs")
    self.assertEqual(self.numbers(), ["4"])


if __name__ == "__main__":
  absltest.main()
