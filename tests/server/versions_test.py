"""Which version of an exported model is served."""

import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.server import versions


class NewestTest(parameterized.TestCase):

  def folder(self, *names: str) -> pathlib.Path:
    root = pathlib.Path(self.create_tempdir().full_path)
    for name in names:
      (root / name).mkdir(parents=True)
      (root / name / "saved_model.pb").touch()
    return root

  def newest(self, folder: pathlib.Path) -> versions.Version:
    return versions.newest(folder, "--model_dir=m", "write one")

  def test_largest_number_is_taken(self):
    root = self.folder("9", "10", "2")
    self.assertEqual(self.newest(root), versions.Version(10, root / "10"))

  def test_what_is_no_version_is_passed_over(self):
    root = self.folder("1", ".2.unfinished", "v3", "-4")
    (root / "5").mkdir()
    (root / "6").touch()
    self.assertEqual(self.newest(root).number, 1)

  def test_number_may_have_zeros_before_it(self):
    root = self.folder("0003")
    self.assertEqual(self.newest(root), versions.Version(3, root / "0003"))

  @parameterized.parameters(
      ("nowhere", "--model_dir=m: no folder .*nowhere; write one"),
      ("1", "--model_dir=m: is itself a version of a model; give the folder that it lies in"),
      ("1/variables", "--model_dir=m: no exported model in .*saved_model.pb.*write one"))
  def test_mistakes_get_one_line(self, name, message):
    root = self.folder("1")
    (root / "1" / "variables").mkdir()
    with self.assertRaisesRegex(errors.UserError, message):
      self.newest(root / name)


if __name__ == "__main__":
  absltest.main()
