"""Packages that are missing or of another version are named in one line, before TensorFlow."""

import importlib.metadata
import pathlib
import subprocess
import sys
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf import versions
from tests import binaries


def installed(**changes: str | None):
  """What is asked for versions of packages, with some that are others, or missing."""
  real = importlib.metadata.version

  def version(name: str) -> str:
    found = changes.get(name.replace("-", "_"), "")
    if found is None:
      raise importlib.metadata.PackageNotFoundError(name)
    return found or real(name)

  return mock.patch.object(importlib.metadata, "version", version)


class VersionsTest(parameterized.TestCase):

  def test_what_is_installed_here_is_what_is_wanted(self):
    versions.check()

  def test_every_package_that_is_checked_is_pinned(self):
    python, pins = versions.wanted()
    self.assertEqual(python, ">=3.11,<3.12")
    self.assertContainsSubset(versions.CHECKED, pins)

  def test_an_installed_package_has_the_versions_in_its_metadata(self):
    metadata = importlib.metadata.PackageMetadata
    written = mock.create_autospec(metadata, instance=True)
    written.__getitem__.side_effect = {"Requires-Python": "<3.12,>=3.11"}.get
    written.get_all.return_value = ["keras==3.0.0", "numpy", 'ray[tune]==2.60.0; extra == "ray"']
    with mock.patch.object(versions, "_SETTINGS", pathlib.Path("nowhere")), (
        mock.patch.object(importlib.metadata, "metadata", return_value=written)):
      python, pins = versions.wanted()
      self.assertEqual((python, pins["keras"]), ("<3.12,>=3.11", "3.0.0"))
      with self.assertRaisesRegex(errors.UserError, "keras==3.0.0$"):
        versions.check()

  def test_code_that_was_merely_copied_is_not_checked(self):
    with mock.patch.object(versions, "_SETTINGS", pathlib.Path("nowhere")):
      with mock.patch.object(versions, "_NAME", "du_vae_tf_that_is_nowhere"):
        self.assertEqual(versions.wanted(), ("", {}))
        versions.check()

  @parameterized.parameters(
      ({"keras": "3.9.0"}, "keras 3.9.0 is installed and 3.15.1 is needed: pip install"
       " keras==3.15.1"),
      ({"tf_keras": None}, "tf-keras is missing and 2.21.0 is needed: pip install"
       " tf-keras==2.21.0"),
      ({"tensorflow": "2.20.0", "tensorflow_datasets": None},
       "tensorflow 2.20.0 is installed and 2.21.0 is needed; tensorflow-datasets is missing and"
       " 4.9.10 is needed: pip install tensorflow==2.21.0 tensorflow-datasets==4.9.10"))
  def test_packages_are_named_with_the_remedy(self, changes, message):
    with installed(**changes), self.assertRaises(errors.UserError) as caught:
      versions.check()
    self.assertEqual(str(caught.exception), message)

  def test_what_a_builder_adds_to_a_version_does_not_count(self):
    with installed(tensorflow="2.21.0+local.1"):
      versions.check()

  @parameterized.parameters((3, 10), (3, 12), (4, 0))
  def test_another_python_is_named(self, *running):
    with mock.patch.object(sys, "version_info", (*running, 0)):
      with self.assertRaisesRegex(
          errors.UserError,
          rf"this is Python {running[0]}\.{running[1]} and >=3.11,<3.12 is needed"):
        versions.check()


class StartTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    # In front of everything that is installed.
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    info = self.folder / "keras-3.9.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.9.0\n")

  def start(self, *arguments: str) -> subprocess.CompletedProcess:
    path = f"{self.folder}:{binaries.REPOSITORY}"
    return subprocess.run(
        [sys.executable, *arguments], env={"PYTHONPATH": path}, cwd=self.folder, text=True,
        capture_output=True, check=False)

  def test_a_command_answers_in_one_line(self):
    done = self.start("-m", "du_vae_tf.train", "--epochs=1")
    self.assertEqual((done.returncode, done.stdout), (2, ""))
    self.assertEqual(
        done.stderr,
        "keras 3.9.0 is installed and 3.15.1 is needed: pip install keras==3.15.1\n")
    self.assertEqual(self.start("-m", "du_vae_tf.train", "--help").returncode, 0)

  def test_the_library_answers_before_tensorflow_is_loaded(self):
    done = self.start("-c", "import sys, du_vae_tf\n"
                      "try: du_vae_tf.load_run\n"
                      "except du_vae_tf.UserError as error: print(error)\n"
                      "print('tensorflow' in sys.modules)")
    self.assertEqual(done.stderr, "")
    self.assertEqual(done.stdout.splitlines(), [
        "keras 3.9.0 is installed and 3.15.1 is needed: pip install keras==3.15.1", "False"])


if __name__ == "__main__":
  absltest.main()
