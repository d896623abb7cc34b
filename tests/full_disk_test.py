"""A disk that is really full and a folder that really may not be written, told in one line."""

import os
import subprocess
import sys
import tempfile

from absl.testing import absltest

# In a process of its own, which alone sees these disks and has started no threads.
_SCRIPT = """
import pathlib
import sys

from benchmarks import fault_mounts
from du_vae_tf import errors
from du_vae_tf import exhaustion
from du_vae_tf import files
from du_vae_tf import folder_lock

reason = fault_mounts.enter()
if reason is not None:
  sys.exit(f"skipped: {reason}")
disk = pathlib.Path(sys.argv[1], "disk")


def write(size):
  try:
    with exhaustion.told("no remedy"):
      files.write_bytes_atomically(disk / "file", bytes(size))
  except errors.ExhaustedError as error:
    print(error)


with fault_mounts.small_disk(disk, 200):
  write(100_000)
  write(300_000)
  print(*((path.name, path.stat().st_size) for path in disk.iterdir()))
  lock = folder_lock.FolderLock(disk / "run", "run_dir")
  lock.acquire()
  with fault_mounts.read_only(disk):
    write(10)
    lock.release()
  lock.acquire()
  lock.release()
  (disk / "run").rmdir()
  fault_mounts.grow(disk, 1000)
  write(300_000)
  print(*((path.name, path.stat().st_size) for path in disk.iterdir()))
print(disk.is_mount())
"""


class FullDiskTest(absltest.TestCase):

  def test_what_was_there_stays_and_the_rest_is_told(self):
    folder = self.enter_context(tempfile.TemporaryDirectory())
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, folder], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    if "skipped" in done.stderr:
      self.skipTest(done.stderr)
    self.assertEqual((done.returncode, done.stderr), (0, ""))
    full, before, forbidden, after, stays = done.stdout.splitlines()
    self.assertStartsWith(full, f"{folder}/disk/file: the disk is full; make room: what was saved")
    self.assertEqual(before, "('file', 100000)")
    self.assertRegex(forbidden, rf"^{folder}/disk/\S+: may not be used \(Read-only file system\)")
    self.assertEqual(after, "('file', 300000)")
    self.assertEqual(stays, "False")


if __name__ == "__main__":
  absltest.main()
