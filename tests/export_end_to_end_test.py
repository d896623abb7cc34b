"""Exported runs as they are served: by train and by export, text, flow and images."""

import contextlib
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from tensorflow_serving.apis import prediction_log_pb2

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import export
from du_vae_tf import train
from tests import binaries
from tests.data import own_images
from tests.serving import tf_serving
from tests.training import tiny
from tests.training import tiny_images

RUNS = ("text", "flow", "image")
SIGNATURES = {
    "serving_default", "encode", "decode", "reconstruct", "interpolate", "generate",
    "log_likelihood"}
TEXT_SIGNATURES = {"encode_ids", "beam_search", "log_likelihood_ids"}
FILES = ["README.md", "assets.extra/latent_map.json", "assets.extra/tf_serving_warmup_requests",
         "saved_model.pb", "variables/variables.index"]

# Before and after the code of a card: nothing but TensorFlow is there.
_ALONE = """
import importlib.util, sys
assert importlib.util.find_spec("du_vae_tf") is None
{code}
assert not [name for name in sys.modules if name.startswith(("du_vae", "tensorflow_probability"))]
"""


class ExportTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.enterClassContext(tiny_images.thin_decoder())
    common = ["--batch_size=16", "--epochs=1", "--iw_samples=2", "--data_dir=data",
              "--warmup_epochs=0"]
    sentences = tiny.write_sentences(str(cls.folder))
    images = own_images.write_arrays(str(cls.folder), side=8, rows=40)
    text, image = ([f"--{name}={pathlib.Path(path).name}" for name, path in paths.items()]
                   for paths in (sentences, images))
    text += ["--dataset=text", "--hidden_size=8", "--embedding_size=6", "--max_length=9"]
    cls.flags = {
        "text": [*common, *text, "--latent_dim=2"],
        "flow": [*common, *text, "--latent_dim=5", "--method=du_iaf", "--flow_width=2"],
        "image": [*common, *image, "--dataset=images", "--latent_dim=3"]}
    for run, flags in cls.flags.items():
      cls.run_here(train, *flags, f"--run_dir={run}")
    cls.test_sentences = pathlib.Path(sentences["test_file"]).read_text().splitlines()

  @classmethod
  def run_here(cls, program: types.ModuleType, *flags: str) -> str:
    """What the program says, run in this process."""
    said = io.StringIO()
    with contextlib.chdir(cls.folder), contextlib.redirect_stdout(said):
      program.main(command_line.explicit_values(program.SPECS, flags))
    return said.getvalue()

  def version(self, run: str, number: int = 1) -> pathlib.Path:
    return self.folder / run / "export" / str(number)

  def signatures(self, folder: pathlib.Path):
    """Of a version; what was loaded has to live as long as they do."""
    self.loaded = tf.saved_model.load(str(folder))
    return self.loaded.signatures

  @parameterized.parameters(*RUNS)
  def test_train_writes_the_first_version(self, run):
    for name in FILES:
      self.assertTrue((self.version(run) / name).is_file(), name)
    self.assertEqual((self.version(run) / "assets" / "vocab.txt").exists(), run != "image")
    self.assertContainsSubset(
        SIGNATURES | (set() if run == "image" else TEXT_SIGNATURES),
        set(self.signatures(self.version(run))))

  @parameterized.parameters(*RUNS)
  def test_warm_up_requests_are_answered(self, run):
    signatures = self.signatures(self.version(run))
    records = tf.data.TFRecordDataset(
        str(self.version(run) / "assets.extra" / "tf_serving_warmup_requests"))
    requests = [prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
                for record in records]
    self.assertCountEqual([one.model_spec.signature_name for one in requests], signatures)
    for request in requests:
      for name, proto in request.inputs.items():
        value = tf.make_ndarray(proto)
        self.assertLen(value, 1)
        if name in ("text", "start", "end") and run != "image":
          self.assertIn(value[0].decode(), self.test_sentences)
      for name, proto in tf_serving.grpc(signatures, request).outputs.items():
        value = tf.make_ndarray(proto)
        self.assertLen(value, 1)
        if value.dtype == np.float32:
          self.assertTrue(np.all(np.isfinite(value)), f"{request.model_spec} {name}")

  @parameterized.parameters(*RUNS)
  def test_map_is_of_the_representations_that_the_model_answers(self, run):
    found = json.loads((self.version(run) / "assets.extra" / "latent_map.json").read_text())
    self.assertEqual(
        (found["modality"], found["side"], found["max_rows"], found["max_words"]),
        ("image", 8, 256, None) if run == "image" else ("text", None, 256, 9))
    signatures = self.signatures(self.version(run))
    if run == "image":
      self.assertEqual(np.shape(found["examples"]), (10, 8, 8))
      with np.load(self.folder / "test.npz") as test:
        self.assertEqual(found["labels"], test["labels"].tolist())
      rows = np.linspace(0, 19, 10).astype(int)
      given = {"image": tf.constant(np.array(found["examples"])[..., np.newaxis], tf.float32)}
    else:
      self.assertIsNone(found["labels"])
      rows = [self.test_sentences.index(sentence) for sentence in found["examples"]]
      self.assertLen(set(rows), 10)
      given = {"text": tf.constant(found["examples"])}
    representation = signatures["encode"](**given)["representation"].numpy()
    points = (representation - found["mean"]) @ np.transpose(found["axes"])
    self.assertLen(found["points"], 20)
    np.testing.assert_allclose(np.array(found["points"])[rows], points, atol=1e-4)
    if run == "text":
      np.testing.assert_allclose(points, representation)

  @parameterized.parameters(*RUNS)
  def test_code_of_the_card_runs_where_tensorflow_is_alone(self, run):
    card = (self.version(run) / "README.md").read_text()
    code = re.search("```python\n(.*?)```", card, re.DOTALL).group(1)
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ALONE.format(code=code)], cwd=self.version(run),
        capture_output=True, text=True, check=False)
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertLess(float(re.search(r"\[(-[\d.]+)\]\n$", done.stdout).group(1)), 0.0)

  def test_tensorflow_shows_the_signatures(self):
    done = subprocess.run(
        [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "show", "--all", "--dir",
         str(self.version("flow"))], capture_output=True, text=True, check=False)
    self.assertEqual(done.returncode, 0, done.stderr)
    shown = re.findall(r"signature_def\['(\w+)'\]", done.stdout)
    self.assertContainsSubset(SIGNATURES | TEXT_SIGNATURES, set(shown))

  def test_export_writes_the_next_version(self):
    shutil.copytree(self.folder / "text", self.folder / "copy")
    done = binaries.run("export", "--run_dir=copy", "--max_rows=3", cwd=str(self.folder))
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertEqual(done.stdout.splitlines()[-1], "SavedModel: copy/export/2")
    self.run_here(export, "--run_dir=copy", "--output_dir=models/new", "--version=20260101")
    self.assertEqual([path.name for path in (self.folder / "models" / "new").iterdir()],
                     ["20260101"])
    text = ["w1 w2"] * 3
    first = self.signatures(self.version("copy"))["encode"](text=tf.constant(text))
    second = self.signatures(self.version("copy", 2))["encode"]
    np.testing.assert_array_equal(first["mean"], second(text=tf.constant(text))["mean"])
    with self.assertRaisesRegex(
        tf.errors.InvalidArgumentError, r"received 4 row\(s\); allowed are at most 3"):
      second(text=tf.constant([*text, "w1"]))
    found = json.loads((self.version("copy", 2) / "assets.extra" / "latent_map.json").read_text())
    self.assertEqual(found["max_rows"], 3)
    self.assertIn("at most 3 rows", (self.version("copy", 2) / "README.md").read_text())

  def test_a_run_that_grows_replaces_its_first_version(self):
    shutil.copytree(self.folder / "flow", self.folder / "grown")
    (self.version("grown") / "of the old version").write_text("")
    (self.folder / "grown" / "export" / "2").mkdir()
    self.run_here(train, *self.flags["flow"], "--epochs=2", "--run_dir=grown")
    self.assertFalse((self.version("grown") / "of the old version").exists())
    self.assertRegex((self.version("grown") / "README.md").read_text(), r"epoch \d of 2")
    self.assertCountEqual([path.name for path in (self.folder / "grown" / "export").iterdir()],
                          ["1", "2"])

  @parameterized.parameters(
      ([], "--run_dir: must be given"),
      (["--run_dir=nowhere"], "--run_dir=nowhere: no run here"),
      (["--run_dir=text", "--version=1"], "--version=1: text/export/1 is there already"),
      (["--run_dir=text", "--version=0"], "--version=0: must be a whole number from 1"),
      (["--run_dir=text", "--max_rows=0"], "--max_rows=0: must be at least 1"),
      (["--run_dir=text", "--output_dir=train.txt"], "--output_dir=train.txt: cannot be written"),
      (["--run_dir=unfinished"], "--run_dir=unfinished: the run is not finished"))
  def test_mistake_is_named(self, flags, message):
    (self.folder / "unfinished").mkdir(exist_ok=True)
    shutil.copy(self.folder / "text" / "config.json", self.folder / "unfinished")
    with self.assertRaisesRegex(errors.UserError, message):
      self.run_here(export, *flags)


if __name__ == "__main__":
  absltest.main()
