"""`pip install .` into a fresh environment: commands, flagfiles, types, metadata."""

import configparser
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv

from absl.testing import absltest
from absl.testing import parameterized

# Under Bazel this file is a link into the source tree, from which one installs.
ROOT = pathlib.Path(__file__).resolve().parent.parent
SETTINGS = configparser.ConfigParser()
SETTINGS.read(ROOT / "setup.cfg", encoding="utf-8")


def lines(section: str, option: str) -> list[str]:
  return SETTINGS[section][option].split("\n")[1:]


def requirements(name: str) -> tuple[set[str], set[str]]:
  """What a file of requirements asks for, for all and for development, without the remarks."""
  parts = (ROOT / name).read_text(encoding="utf-8").partition("# Development\n")
  everyone, developers = (
      {line.partition("#")[0].strip() for line in part.splitlines()} - {""}
      for part in (parts[0], parts[2]))
  return everyone, developers


class RequirementsTest(absltest.TestCase):

  def test_what_pip_installs_is_what_bazel_installs(self):
    everyone, developers = requirements("requirements.in")
    extras = {name: set(lines("options.extras_require", name))
              for name in SETTINGS["options.extras_require"]}
    self.assertEqual(
        {*lines("options", "install_requires"), *extras["beam"], *extras["ray"]}, everyone)
    self.assertEqual(extras["dev"], developers)
    self.assertEqual(requirements("requirements-gpu.in")[0], {
        "-c requirements.lock", "-r requirements.in", *extras["gpu"]})

  def test_every_entry_point_is_a_command(self):
    commands = dict(line.split(" = ") for line in lines("options.entry_points", "console_scripts"))
    programs = {path.stem for path in (ROOT / "du_vae_tf").glob("*.py")
                if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")}
    self.assertEqual(commands, {
        f"du-vae-{name.replace('_', '-')}": f"du_vae_tf.{name}:run" for name in programs})


class InstallationTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    source = cls.folder / "source"
    source.mkdir()
    # A copy, since building writes beside the sources.
    for name in ("du_vae_tf", "flags"):
      shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
      shutil.copy(ROOT / name, source)
    venv.create(cls.folder / "venv")
    cls.bin = cls.folder / "venv" / "bin"
    cls.packages = next((cls.folder / "venv").glob("lib/*/site-packages"))
    # TensorFlow and all others are those of the running interpreter.
    (cls.packages / "others.pth").write_text(sysconfig.get_paths()["purelib"])
    cls.run_alone(
        sys.executable, "-m", "pip", "--python", str(cls.bin / "python"), "install", "--quiet",
        "--no-deps", "--no-build-isolation", "--no-index", str(source))

  @classmethod
  def run_alone(cls, *command: str, status: int = 0) -> subprocess.CompletedProcess:
    """Runs a command elsewhere, without the sources on Python's path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cls.folder, env=environment, text=True, capture_output=True, check=False)
    if done.returncode != status:
      raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done

  def test_every_command_is_there(self):
    for line in lines("options.entry_points", "console_scripts"):
      name = line.split(" = ")[0]
      self.assertIn("--", self.run_alone(str(self.bin / name), "--help").stdout, name)

  def test_flagfiles_of_the_project_are_found_by_name(self):
    flag = "--flagfile=table1/yahoo_du_vae_0.5_0.8.flags"
    done = self.run_alone(
        str(self.bin / "du-vae-train"), flag, "--keep_prob=7", status=2)
    self.assertEqual(done.stderr, "--keep_prob=7.0: must be in (0, 1].\n")
    installed = {path.relative_to(self.packages / "flags")
                 for path in (self.packages / "flags").glob("**/*.flags")}
    self.assertEqual(
        installed, {path.relative_to(ROOT / "flags") for path in ROOT.glob("flags/**/*.flags")})

  def test_whole_package_is_there_and_nothing_else(self):
    def modules(root: pathlib.Path) -> set[pathlib.Path]:
      return {path.relative_to(root) for path in (root / "du_vae_tf").glob("**/*.py")}

    self.assertEqual(modules(self.packages), modules(ROOT))
    self.assertTrue((self.packages / "du_vae_tf" / "py.typed").is_file())
    others = {path.name for path in self.packages.iterdir()}
    self.assertEqual(
        others, {"du_vae_tf", "du_vae_tf-0.1.0.dist-info", "flags", "others.pth"})

  def test_versions_are_checked_from_the_metadata(self):
    (self.packages / "keras-1.0.dist-info").mkdir()
    self.addCleanup(shutil.rmtree, self.packages / "keras-1.0.dist-info")
    (self.packages / "keras-1.0.dist-info" / "METADATA").write_text("Name: keras\nVersion: 1.0\n")
    done = self.run_alone(str(self.bin / "du-vae-train"), status=2)
    self.assertEqual(
        done.stderr, "keras 1.0 is installed and 3.15.1 is needed: pip install keras==3.15.1\n")

  def test_type_checkers_know_the_package(self):
    program = self.folder / "program.py"
    program.write_text("import du_vae_tf\nreveal_type(du_vae_tf.load_run('x').sample(1))\n")
    done = self.run_alone(
        sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent",
        f"--python-executable={self.bin / 'python'}", str(program))
    self.assertIn('Revealed type is "list[str] | ', done.stdout.replace("builtins.", ""))


if __name__ == "__main__":
  absltest.main()
