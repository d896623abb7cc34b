"""Files that are not there, cannot be read or hold nothing."""

import pathlib
from unittest import mock

from absl.testing import absltest

from du_vae_tf import errors
from du_vae_tf.data import raw_files


class RawFilesTest(absltest.TestCase):

  def test_a_file_with_content_is_read(self):
    path = pathlib.Path(self.create_tempfile(content=b"\x00a\n", mode="wb").full_path)
    raw_files.check(path, "bytes")
    self.assertEqual(raw_files.read_bytes(path, "bytes"), b"\x00a\n")

  def test_a_missing_file_is_named_with_its_flag(self):
    with self.assertRaisesRegex(
        errors.UserError, r"^--valid_file=/no/file\.txt: no such file; expected a text file\.$"):
      raw_files.check(pathlib.Path("/no/file.txt"), "a text file", "valid_file")

  def test_an_empty_file_is_refused(self):
    path = pathlib.Path(self.create_tempfile(content="").full_path)
    with self.assertRaisesRegex(errors.UserError, "is empty; expected images"):
      raw_files.read_bytes(path, "images")

  def test_a_folder_is_not_a_file(self):
    with self.assertRaisesRegex(errors.UserError, "is not a file; expected images"):
      raw_files.read_bytes(pathlib.Path(self.create_tempdir().full_path), "images")

  def test_an_impossible_name_is_refused(self):
    for name in ("x" * 5000, "a\x00b"):
      with self.assertRaisesRegex(errors.UserError, "--test_file="):
        raw_files.check(pathlib.Path(name), "a text file", "test_file")

  def test_a_file_without_permission_is_refused(self):
    path = pathlib.Path(self.create_tempfile(content="a").full_path)
    denied = PermissionError(13, "Permission denied")
    with mock.patch.object(pathlib.Path, "read_bytes", side_effect=denied):
      with self.assertRaisesRegex(errors.UserError, r"cannot be read \(Permission denied\)"):
        raw_files.read_bytes(path, "a text file")


if __name__ == "__main__":
  absltest.main()
