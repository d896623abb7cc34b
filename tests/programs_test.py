"""Child programs: their flags, their logs, and how they are stopped."""

import os
import pathlib
import signal
import subprocess
import threading
import time
from unittest import mock

from absl.testing import absltest

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import programs


class ProgramsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.log = pathlib.Path(self.create_tempdir().full_path) / "log"

  def call(self, children: programs.Programs, script: str) -> int:
    """Calls a program made of a line of shell."""
    start = subprocess.Popen
    with mock.patch.object(subprocess, "Popen", lambda command, **given: start(
        ["bash", "-c", script, "--", *command[3:]], **given)):
      return children.call("train", {"epochs": 3, "deterministic": True}, self.log)

  def test_flags_status_and_log(self):
    with programs.Programs() as children:
      self.assertEqual(self.call(children, 'echo "$@"; echo why >&2; exit 2'), 2)
    self.assertEqual(self.log.read_text(), "--epochs=3 --deterministic=true\nwhy\n")
    self.assertEqual(programs.last_line(self.log), "why")

  def test_programs_side_by_side_share_the_cores(self):
    with mock.patch.dict(os.environ), mock.patch.object(os, "cpu_count", lambda: 8):
      for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        os.environ.pop(name, None)
      with programs.Programs(4) as children:
        self.call(children, "echo $TF_NUM_INTRAOP_THREADS $OMP_NUM_THREADS")
      with programs.Programs(1) as children:
        self.call(children, "echo ${OMP_NUM_THREADS-none}")
    self.assertEqual(self.log.read_text(), "2 2\nnone\n")

  def test_what_stops_this_process_is_passed_on_and_nothing_is_begun_after_it(self):
    for number in (signal.SIGTERM, signal.SIGINT):
      before = signal.getsignal(number)
      with programs.Programs() as children:
        threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
        start = time.monotonic()
        with self.assertRaises(errors.PreemptedError):
          self.call(children, f"trap 'exit {command_line.EXIT_PREEMPTED}' TERM INT; "
                    "for _ in $(seq 300); do sleep 0.1; done")
        self.assertLess(time.monotonic() - start, 25.0)
        with self.assertRaises(errors.PreemptedError):
          self.call(children, "touch begun")
      self.assertEqual(signal.getsignal(number), before)

  def test_arguments_of_several_values_are_repeated(self):
    self.assertEqual(
        command_line.arguments({"run_dir": ["a", "b"], "gamma": 0.5, "overwrite": False}),
        ["--run_dir=a", "--run_dir=b", "--gamma=0.5", "--overwrite=false"])


if __name__ == "__main__":
  absltest.main()
