"""`import du_vae_tf`: quick, and typed as a user's type checker sees it."""

import pathlib
import subprocess
import sys

import mypy.api
from absl.testing import absltest
from absl.testing import parameterized

import du_vae_tf
from tests import binaries

PROGRAM = '''
import numpy as np

import du_vae_tf
from du_vae_tf import TrainedRun, load_run


def centers(run: TrainedRun, sentences: list[str]) -> np.ndarray:
  encoding: du_vae_tf.Encoding = run.encode(sentences)
  return encoding.center


def train(sentences: list[str]) -> dict[str, float]:
  model = du_vae_tf.VAE(method="du_vae", latent_dim=4)
  model.compile(steps_per_execution=2)
  model.fit(sentences, epochs=2, validation_data=sentences, verbose=0)
  for text in model.decode(np.zeros([1, 4]), decoding="sample", temperature=0.5):
    print(text)
  return model.evaluate(sentences)


try:
  loaded = load_run("runs/mine")
except du_vae_tf.UserError as error:
  print(error)
else:
  likelihood: float = loaded.log_likelihood(["a b"], samples=10, seed=1).sum()
  print(loaded.config.method, loaded.report and loaded.report.nll, loaded.sample(2, seed=1)[0])
'''


class PackageTest(parameterized.TestCase):

  def test_nothing_slow_is_imported_before_a_name_is_used(self):
    code = ("import sys, du_vae_tf; print(*dir(du_vae_tf));"
            "print({'tensorflow', 'keras', 'numpy', 'absl'} & set(sys.modules))")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(binaries.REPOSITORY)}, text=True,
        capture_output=True, check=True)
    names, slow = done.stdout.splitlines()
    self.assertContainsSubset(du_vae_tf.__all__, names.split())
    self.assertEqual(slow, "set()")

  def test_every_public_name_is_there_and_documented(self):
    for name in du_vae_tf.__all__:
      self.assertNotEmpty(getattr(du_vae_tf, name).__doc__, name)
    with self.assertRaisesRegex(AttributeError, "no attribute 'lod_run'"):
      du_vae_tf.lod_run  # noqa: B018

  def check_types(self, program: str) -> tuple[str, int]:
    folder = pathlib.Path(self.create_tempdir().full_path)
    (folder / "program.py").write_text(program)
    (folder / "du_vae_tf").symlink_to(binaries.REPOSITORY / "du_vae_tf")
    said, faults, status = mypy.api.run([
        "--strict", "--follow-imports=silent", f"--cache-dir={folder}/cache",
        "--config-file=", str(folder / "program.py")])
    self.assertEqual(faults, "")
    return said, status

  def test_a_program_that_uses_the_library_is_clean(self):
    said, status = self.check_types(PROGRAM)
    self.assertEqual(status, 0, said)

  def test_mistakes_in_such_a_program_are_found(self):
    said, _ = self.check_types(
        "import du_vae_tf\n"
        "du_vae_tf.lod_run\n"
        "run = du_vae_tf.load_run('x')\n"
        "run.interpolate('a')\n"
        "run.decode([[0.0]], beam=3)\n"
        "run.report.nll\n")
    self.assertEqual(
        [line.split(":")[1] for line in said.splitlines() if " error: " in line],
        ["2", "4", "5", "6"], said)


if __name__ == "__main__":
  absltest.main()
