"""What a user is told when memory or the disk runs out, or a path is taken."""

import errno
import os
import pathlib
import re

import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf import exhaustion
from du_vae_tf import files

REMEDY = "give a smaller --batch_size than 32"


class ToldTest(parameterized.TestCase):

  @parameterized.parameters(
      (MemoryError(), r"memory ran out; give a smaller --batch_size than 32: what was saved"),
      (MemoryError("7 GiB"), r"memory ran out \(7 GiB\); give a smaller --batch_size than 32: "),
      (tf.errors.ResourceExhaustedError(
          None, None, "OOM when allocating tensor with shape[9]\n\nDetected at node x"),
       r"memory ran out \(OOM when allocating tensor with shape\[9\]\); give a smaller"
       r" --batch_size than 32: "),
      (tf.errors.ResourceExhaustedError(
          None, None, "Graph execution error:\n\nDetected at node x\n\n{{function_node f}} OOM when"
          " allocating tensor with shape[9] [Op:Fill] name: \n\t [[{{node x}}]]"),
       r"memory ran out \(OOM when allocating tensor with shape\[9\]\); give a smaller"),
      (tf.errors.AbortedError(
          None, None, "Graph execution error:\n\nOperation received an exception:Status: 1,"
          " message: could not create a primitive, in file mkl_op.cc:106\n\t [[{{node x}}]]"),
       r"memory ran out \(Operation .* a primitive, .*\); give a smaller"),
      (tf.errors.ResourceExhaustedError(None, None, "r/state-1; No space left on device"),
       r"the disk is full \(r/state-1; No space left on device\); make room: "),
      (tf.errors.PermissionDeniedError(
          None, None, "{{function_node f}} r/state-1_temp; Read-only file system [Op:SaveV2]"),
       r"a file may not be used \(r/state-1_temp; Read-only file system\); allow it: "),
      (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "r/metrics.jsonl"),
       r"r/metrics\.jsonl: the disk is full; make room: "),
      (OSError(errno.EROFS, os.strerror(errno.EROFS), "r/report.json"),
       r"r/report\.json: may not be used \(Read-only file system\); allow it: "))
  def test_one_line_with_the_remedy(self, error, expected):
    with (self.assertRaisesRegex(errors.ExhaustedError, rf"\A{expected}.*from there\.\Z") as caught,
          exhaustion.told(REMEDY)):
      raise error
    self.assertIs(caught.exception.__cause__, error)

  @parameterized.parameters(
      ("file", lambda path: path.mkdir(exist_ok=True), "file: is not a folder; give another path"),
      ("file/a/b", lambda path: path.mkdir(parents=True), "file/a/b: .*file is not a folder; give"),
      ("link", lambda path: path.mkdir(exist_ok=True), "link: is not a folder; give another path"),
      ("folder", lambda path: path.write_text("x"), "folder: is a folder; give the path of a file"),
      ("folder", lambda path: files.write_text_atomically(path, "x"), "folder: is a folder; give"))
  def test_path_that_is_taken_is_a_mistake_of_the_user(self, name, write, expected):
    folder = self.make_folder()
    with (self.assertRaisesRegex(errors.UserError, rf"\A{re.escape(str(folder))}/{expected}"),
          exhaustion.told(REMEDY)):
      write(folder / name)
    self.assertEqual((folder / "file").read_text(), "kept")

  def test_folder_that_is_made_twice_is_no_mistake_of_the_user(self):
    folder = self.make_folder()
    with self.assertRaises(FileExistsError), exhaustion.told(REMEDY):
      (folder / "folder").mkdir()

  def make_folder(self) -> pathlib.Path:
    folder = pathlib.Path(self.create_tempdir().full_path)
    (folder / "file").write_text("kept")
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("nowhere")
    return folder

  @parameterized.parameters(
      (FileNotFoundError(errno.ENOENT, "no such file", "x"),), (ValueError("x"),),
      (errors.UserError("x"),), (tf.errors.InvalidArgumentError(None, None, "x"),),
      (tf.errors.AbortedError(None, None, "another worker is gone"),))
  def test_other_faults_pass(self, error):
    with self.assertRaises(type(error)) as caught, exhaustion.told(REMEDY):
      raise error
    self.assertIs(caught.exception, error)

  def test_memory_that_there_is_not(self):
    @tf.function
    def larger_than_any_machine(side):
      return tf.reduce_sum(tf.zeros([side, side]))

    with (self.assertRaisesRegex(
        errors.ExhaustedError, r"\Amemory ran out \(OOM when allocating tensor with"
        r" shape\[4194304,4194304\] [^{}]*\); give a smaller --batch_size than 32: "),
          exhaustion.told(REMEDY)):
      larger_than_any_machine(tf.constant(2**22))


if __name__ == "__main__":
  absltest.main()
