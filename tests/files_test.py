"""Files that appear complete or not at all."""

import os
import pathlib
from unittest import mock

from absl.testing import absltest

from du_vae_tf import errors
from du_vae_tf import files


class FilesTest(absltest.TestCase):

  def setUp(self) -> None:
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)

  def test_what_cannot_be_written_is_refused_early(self) -> None:
    files.check_writable(self.folder, "to")
    files.check_writable(self.folder / "new" / "newer", "to")
    self.assertEmpty(list(self.folder.iterdir()))
    (self.folder / "file").touch()
    for name, reason in (("file", "Not a directory"), ("file/below/it", "Not a directory"),
                         ("a" * 300, "File name too long")):
      with self.assertRaisesRegex(errors.UserError, rf"^--to=.*/{name}: .*\({reason}\)"):
        files.check_writable(self.folder / name, "to")
    with (mock.patch.object(os, "access", lambda path, mode: path != self.folder),
          self.assertRaisesRegex(errors.UserError, r"new: .*\(Permission denied\)")):
      files.check_writable(self.folder / "new", "to")

  def test_writes_into_a_new_folder(self) -> None:
    path = self.folder / "a" / "b.json"
    files.write_text_atomically(path, "ä\n")
    self.assertEqual(path.read_bytes(), b"\xc3\xa4\n")
    self.assertEqual(os.listdir(path.parent), ["b.json"])

  def test_replaces(self) -> None:
    path = str(self.folder / "b")
    files.write_bytes_atomically(path, b"old and longer")
    files.write_bytes_atomically(path, b"new")
    self.assertEqual(pathlib.Path(path).read_bytes(), b"new")

  def test_file_that_is_not_finished_is_not_there(self) -> None:
    path = self.folder / "new" / "b"
    with self.assertRaises(ZeroDivisionError), files.new_file(path) as unfinished:
      unfinished.write_text("x")
      self.assertFalse(path.exists())
      raise ZeroDivisionError
    self.assertEmpty(list(path.parent.iterdir()))

  def test_only_what_killed_processes_left_is_removed(self) -> None:
    kept = ["a", ".hidden", ".a.b", f"a.{'0' * 32}", f".a.{'0' * 31}", f".a.{'g' * 32}"]
    for name in kept:
      (self.folder / name).touch()
    with files.new_file(self.folder / "b.json") as unfinished:
      unfinished.touch()
      files.remove_unfinished(self.folder)
      self.assertFalse(unfinished.exists())
      unfinished.touch()
    self.assertCountEqual(os.listdir(self.folder), [*kept, "b.json"])

  def test_a_failed_write_leaves_the_old_file_and_nothing_else(self) -> None:
    path = self.folder / "b"
    files.write_bytes_atomically(path, b"old")
    write = pathlib.Path.write_bytes

    def full_disk(target: pathlib.Path, content: bytes) -> None:
      write(target, content[:1])
      raise OSError("No space left on device")

    with (mock.patch.object(pathlib.Path, "write_bytes", full_disk),
          self.assertRaisesRegex(OSError, "No space left")):
      files.write_bytes_atomically(path, b"new")
    self.assertEqual(path.read_bytes(), b"old")
    self.assertEqual(os.listdir(self.folder), ["b"])

  def test_the_file_is_complete_when_it_gets_its_name(self) -> None:
    replace = os.replace

    def checked(source: pathlib.Path, target: pathlib.Path) -> None:
      self.assertEqual(pathlib.Path(source).read_bytes(), b"new")
      self.assertEqual(pathlib.Path(source).parent, pathlib.Path(target).parent)
      replace(source, target)

    with mock.patch.object(os, "replace", checked):
      files.write_bytes_atomically(self.folder / "b", b"new")
    self.assertEqual((self.folder / "b").read_bytes(), b"new")


class NewFolderTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.parent = pathlib.Path(self.create_tempdir().full_path)
    self.folder = self.parent / "deep" / "folder"

  def test_a_folder_has_its_name_only_when_it_is_complete(self):
    with files.new_folder(self.folder) as unfinished:
      (unfinished / "file").write_text("content")
      self.assertFalse(self.folder.exists())
    self.assertEqual((self.folder / "file").read_text(), "content")
    self.assertEqual(list(self.folder.parent.iterdir()), [self.folder])

  def test_nothing_stays_of_a_block_that_raises(self):
    with self.assertRaisesRegex(OSError, "disk full"):
      with files.new_folder(self.folder) as unfinished:
        (unfinished / "file").write_text("content")
        raise OSError("disk full")
    self.assertEmpty(list(self.folder.parent.iterdir()))

  def test_the_folder_of_a_quicker_process_stays(self):
    with files.new_folder(self.folder) as unfinished:
      (unfinished / "file").write_text("ours")
      self.folder.mkdir()
      (self.folder / "file").write_text("theirs")
    self.assertEqual((self.folder / "file").read_text(), "theirs")
    self.assertEqual(list(self.folder.parent.iterdir()), [self.folder])

  def test_a_name_that_cannot_be_taken_is_an_error(self):
    with self.assertRaises(OSError):
      with files.new_folder(self.folder):
        self.folder.write_text("a file")


if __name__ == "__main__":
  absltest.main()
