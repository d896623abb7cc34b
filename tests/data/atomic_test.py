"""Files and folders appear complete or not at all."""

import pathlib

from absl.testing import absltest

from du_vae_tf.data import atomic


class AtomicTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.parent = pathlib.Path(self.create_tempdir().full_path)
    self.folder = self.parent / "deep" / "folder"

  def test_a_folder_has_its_name_only_when_it_is_complete(self):
    with atomic.new_folder(self.folder) as unfinished:
      (unfinished / "file").write_text("content")
      self.assertFalse(self.folder.exists())
    self.assertEqual((self.folder / "file").read_text(), "content")
    self.assertEqual(list(self.folder.parent.iterdir()), [self.folder])

  def test_nothing_stays_of_a_block_that_raises(self):
    with self.assertRaisesRegex(OSError, "disk full"):
      with atomic.new_folder(self.folder) as unfinished:
        (unfinished / "file").write_text("content")
        raise OSError("disk full")
    self.assertEmpty(list(self.folder.parent.iterdir()))

  def test_the_folder_of_a_quicker_process_stays(self):
    with atomic.new_folder(self.folder) as unfinished:
      (unfinished / "file").write_text("ours")
      self.folder.mkdir()
      (self.folder / "file").write_text("theirs")
    self.assertEqual((self.folder / "file").read_text(), "theirs")
    self.assertEqual(list(self.folder.parent.iterdir()), [self.folder])

  def test_a_name_that_cannot_be_taken_is_an_error(self):
    with self.assertRaises(OSError):
      with atomic.new_folder(self.folder):
        self.folder.write_text("a file")

  def test_a_file_is_replaced_whole(self):
    path = self.parent / "new" / "file"
    atomic.write_file(path, b"first and long")
    atomic.write_file(path, b"second")
    self.assertEqual(path.read_bytes(), b"second")
    self.assertEqual(list(path.parent.iterdir()), [path])


if __name__ == "__main__":
  absltest.main()
