"""Processes that end with the one that started them."""

import os
import signal
import subprocess
import sys
import textwrap

from absl.testing import absltest

from du_vae_tf import parent_process

# Starts a child that waits for its end, says its number once it follows, and waits too.
_PARENT = """
    import os, subprocess, sys, time
    from du_vae_tf import parent_process
    child = '''
    import os, signal, sys, time
    from du_vae_tf import parent_process
    parent_process.follow()
    print(os.getpid(), "DU_VAE_TF_PARENT" in os.environ, flush=True)
    signal.pause()
    '''
    subprocess.Popen([sys.executable, "-c", "".join(
        line.strip() + chr(10) for line in child.splitlines())],
        env=os.environ | {following})
    time.sleep(600)
"""


def start(following: str) -> tuple[subprocess.Popen, int]:
  """A parent, and the number of its child, which has begun to follow it."""
  parent = subprocess.Popen(
      [sys.executable, "-c", textwrap.dedent(_PARENT).replace("{following}", following)],
      env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, stdout=subprocess.PIPE, text=True)
  number, is_passed_on = parent.stdout.readline().split()
  assert is_passed_on == "False"
  return parent, int(number)


class ParentProcessTest(absltest.TestCase):

  def test_child_of_a_killed_parent_ends(self):
    parent, child = start("parent_process.environment()")
    parent.kill()
    parent.wait()
    # The pipe is closed when the last process that writes to it has ended.
    self.assertEqual(parent.stdout.read(), "")
    parent.stdout.close()

  def test_child_that_was_not_told_to_follow_lives_on(self):
    parent, child = start("{}")
    parent.kill()
    parent.wait()
    os.kill(child, 0)
    os.kill(child, signal.SIGKILL)
    self.assertEqual(parent.stdout.read(), "")
    parent.stdout.close()

  def test_environment_names_this_process(self):
    self.assertEqual(parent_process.environment(), {"DU_VAE_TF_PARENT": str(os.getpid())})


if __name__ == "__main__":
  absltest.main()
