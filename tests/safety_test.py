"""Nothing that is loaded runs code: what would is refused, and did not run."""

import ast
import pathlib
import zipfile

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import du_vae_tf
from du_vae_tf import errors
from du_vae_tf.data import image_reader
from tests.bad_inputs import export_cases
from tests.bad_inputs import image_cases

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Modules whose business is to run what they are given.
_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "code", "runpy"}
_CALLS = {"eval", "exec", "compile", "__import__"}


def dangers(source: str) -> list[str]:
  """What a source text has that could run what a file says."""
  found = []
  for node in ast.walk(ast.parse(source)):
    if isinstance(node, (ast.Import, ast.ImportFrom)):
      names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
      found += [name for name in names if name.split(".")[0] in _MODULES]
    if not isinstance(node, ast.Call):
      continue
    name = ast.unparse(node.func)
    options = {option.arg: ast.unparse(option.value) for option in node.keywords}
    if name in _CALLS:
      found.append(name)
    if name in ("np.load", "np.save") and options.get("allow_pickle", "True") != "False":
      found.append(f"{name} without allow_pickle=False")
    if name.endswith(("load_model", "enable_unsafe_deserialization")) or (
        options.get("safe_mode") == "False"):
      found.append(name)
    if name.endswith(".extractall") or name == "yaml.load":
      found.append(name)
  return found


class SourceTest(parameterized.TestCase):

  def test_no_source_file_can_run_what_it_reads(self):
    files = sorted(ROOT.glob("du_vae_tf/**/*.py"))
    self.assertGreater(len(files), 100)
    self.assertEqual({str(path): found for path in files
                      if (found := dangers(path.read_text(encoding="utf-8")))}, {})

  @parameterized.parameters(
      "import pickle", "from pickle import loads", "np.load(path)", "eval(text)",
      "np.load(path, allow_pickle=True)", "keras.models.load_model(path)", "tar.extractall()",
      "layer.from_config(c, safe_mode=False)")
  def test_a_planted_danger_is_found(self, source):
    self.assertLen(dangers(source), 1)


class LoadedTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    self.ran = self.folder / "ran"

  @parameterized.parameters("a.npy", "a.npz")
  def test_a_pickle_among_images_is_not_unpickled(self, name):
    path = self.folder / name
    image_cases.pickled(path, self.ran)
    with self.assertRaisesRegex(errors.UserError, rf"{name}: cannot be read"):
      image_reader.read_files({"train": path})
    self.assertFalse(self.ran.exists())

  def test_the_pickle_would_have_run(self):
    path = self.folder / "a.npy"
    image_cases.pickled(path, self.ran)
    np.load(path, allow_pickle=True)
    self.assertTrue(self.ran.exists())

  def test_an_exported_model_that_writes_files_is_not_loaded(self):
    export_cases.writing(self.folder / "1", self.ran)
    with self.assertRaisesRegex(errors.UserError, "does more than compute .operation WriteFile"):
      export_cases.load(self.folder)
    self.assertFalse(self.ran.exists())

  def test_weights_that_are_a_pickle_or_a_whole_keras_model_are_refused(self):
    model = du_vae_tf.VAE(method="vae", latent_dim=2, hidden_size=4, embedding_size=3)
    image_cases.pickled(self.folder / "a.weights.h5", self.ran)
    whole = keras.Sequential([keras.Input([1]), keras.layers.Lambda(lambda x: x)])
    whole.save(self.folder / "b.keras")
    with zipfile.ZipFile(self.folder / "b.keras") as archive:
      (self.folder / "b.weights.h5").write_bytes(archive.read("model.weights.h5"))
    for name in ("a", "b"):
      with self.assertRaises((ValueError, OSError)):
        model.load_weights(self.folder / f"{name}.weights.h5")
    self.assertFalse(self.ran.exists())


if __name__ == "__main__":
  absltest.main()
