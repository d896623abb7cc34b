"""What a process does that is asked to stop."""

import os
import signal
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

from du_vae_tf import errors
from du_vae_tf.training import signals


class StopRequestTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    for number in (signal.SIGTERM, signal.SIGINT):
      self.addCleanup(signal.signal, number, signal.getsignal(number))
    self.stop = signals.StopRequest()
    self.stop.install()

  def test_work_goes_on_until_it_asks(self):
    self.stop.check()
    os.kill(os.getpid(), signal.SIGTERM)
    self.assertTrue(self.stop.requested)
    with self.assertRaisesRegex(errors.PreemptedError, "continues from the last saved state"):
      self.stop.check()

  def test_second_interrupt_ends_the_process(self):
    os.kill(os.getpid(), signal.SIGINT)
    self.assertEqual(signal.getsignal(signal.SIGINT), signal.SIG_DFL)

  def test_work_that_is_not_kept_ends_at_once_and_cleans_up(self):
    cleaned = mock.Mock()
    with self.assertRaisesRegex(errors.PreemptedError, r"\Astopped as asked; "):
      with self.stop.at_once():
        try:
          os.kill(os.getpid(), signal.SIGTERM)
          self.fail("must not be reached")
        finally:
          cleaned()
    cleaned.assert_called_once_with()

  def test_whatever_the_work_makes_of_its_end_is_told_the_same_way(self):
    with self.assertRaisesRegex(errors.PreemptedError, r"\Astopped as asked; "):
      with self.stop.at_once():
        try:
          os.kill(os.getpid(), signal.SIGTERM)
        except errors.PreemptedError as error:
          raise RuntimeError("two\nlines") from error

  def test_work_is_not_begun_after_a_signal(self):
    os.kill(os.getpid(), signal.SIGTERM)
    with self.assertRaises(errors.PreemptedError), self.stop.at_once():
      self.fail("must not be reached")

  def test_mistakes_pass_and_later_work_goes_on_until_it_asks(self):
    with self.assertRaisesRegex(errors.UserError, "mine"), self.stop.at_once():
      raise errors.UserError("mine")
    os.kill(os.getpid(), signal.SIGTERM)
    self.assertTrue(self.stop.requested)

  def test_lifted_for_a_while(self):
    handler = signal.getsignal(signal.SIGTERM)
    with self.stop.lifted():
      self.assertEqual(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)
    self.assertEqual(signal.getsignal(signal.SIGTERM), handler)

  def test_of_no_effect_once_all_is_done_also_while_python_shuts_down(self):
    script = """
import os, signal
from du_vae_tf.training import signals

class Last:
  # Python has taken its handlers of signals away by the time that it takes modules apart.
  def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGTERM):
    kill(pid, number)

signals.last = Last()
stop = signals.StopRequest()
stop.install()
stop.done()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
  absltest.main()
