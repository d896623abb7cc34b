"""What TensorBoard shows of finished runs: settings, figures, samples, pictures, the projector."""

import contextlib
import dataclasses
import io
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from google.protobuf import text_format
from tensorboard.plugins import projector

from du_vae_tf import config as config_lib
from du_vae_tf import pipeline
from du_vae_tf import report as report_lib
from du_vae_tf.analysis import hparams
from du_vae_tf.analysis import representations
from du_vae_tf.training import runs
from du_vae_tf.training import signals
from tests.data import own_images
from tests.testing import events
from tests.training import tiny
from tests.training import tiny_images

LATENT_PICTURES = ("latent_space/latent_dimensions", "latent_space/latent_map")


def train(config: config_lib.RunConfig) -> tuple[report_lib.Report, str]:
  """The report, and what was said."""
  said = io.StringIO()
  with contextlib.redirect_stdout(said), tiny_images.thin_decoder():
    return pipeline.train(config, signals.StopRequest()), said.getvalue()


class PipelineTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    cls.text = tiny.make_config(
        str(cls.folder), run_dir=str(cls.folder / "runs" / "text"), epochs=1, deterministic=None)
    cls.flow = dataclasses.replace(
        tiny.make_config(str(cls.folder), method="iaf_bn", flow_width=4, epochs=1),
        run_dir=str(cls.folder / "runs" / "flow"), deterministic=False)
    files = own_images.write_arrays(str(cls.folder), side=tiny_images.SIDE, rows=40)
    cls.image = tiny_images.make_config(
        run_dir=str(cls.folder / "runs" / "image"), data_dir=str(cls.folder / "data"), epochs=1,
        batch_size=16, iw_samples=3, max_eval_examples=15, **files)
    cls.reports = {}
    for config in (cls.text, cls.flow, cls.image):
      cls.reports[config.run_dir], cls.said = train(config)

  def events(self, config: config_lib.RunConfig, plugin: str) -> events.Values:
    return events.read(pathlib.Path(config.run_dir) / "tensorboard", plugin)

  def test_one_table_has_the_settings_and_the_figures_of_all_runs(self):
    sessions = events.sessions(self.folder / "runs")
    self.assertEqual(sessions.keys(), {f"{run}/tensorboard" for run in ("text", "flow", "image")})
    for config in (self.text, self.flow, self.image):
      settings, metrics = sessions[f"{pathlib.Path(config.run_dir).name}/tensorboard"]
      self.assertEqual(settings, {
          name: value for name, value in config.mathematics().items() if value is not None})
      report = self.reports[config.run_dir]
      expected = {tag: getattr(report, name) for name, tag in hparams.TAGS.items()
                  if getattr(report, name) is not None}
      found = {tag: value for tag, value in metrics.items() if tag.startswith("Test/")}
      self.assertEqual(found.keys(), expected.keys())
      for tag, value in expected.items():
        self.assertAlmostEqual(found[tag], value, delta=1e-5 * abs(value), msg=tag)
      # Columns are sorted by name, and the first five are shown.
      self.assertEqual(sorted(metrics)[:len(found)], sorted(found))

  def test_the_best_epoch_has_samples_and_pictures(self):
    for config, plugin in ((self.text, "text"), (self.flow, "text"), (self.image, "images")):
      found = self.events(config, plugin)
      self.assertContainsSubset(
          {f"samples_of_best_epoch/{kind}" for kind in ("samples", "reconstructions", "paths")},
          found.keys())
      for values in found.values():
        self.assertEqual([step for step, _ in values], [1])
    self.assertCountEqual(self.events(self.text, "images"), LATENT_PICTURES)
    self.assertIn("latent_space/latent_projections", self.events(self.image, "images"))
    (_, (width, height, content)), = self.events(self.text, "images")["latent_space/latent_map"]
    picture = tf.io.decode_png(content)
    self.assertEqual((int(height), int(width)), tuple(picture.shape[:2]))
    self.assertEqual(
        content, tf.io.encode_png(tf.io.decode_png(
            (pathlib.Path(self.text.run_dir) / "figures" / "latent_map.png").read_bytes())))

  def test_the_projector_has_the_representations_of_the_examples_reported_on(self):
    for config, size in ((self.text, 2), (self.flow, 4), (self.image, tiny_images.LATENT_DIM)):
      with tiny_images.thin_decoder():
        run = runs.load(config.run_dir)
      encoded = representations.encode(run, run.load_corpus(), "test", config.max_eval_examples)
      folder = pathlib.Path(config.run_dir) / "tensorboard"
      embedding, = text_format.Parse(
          (folder / "projector_config.pbtxt").read_text(), projector.ProjectorConfig()).embeddings
      rows = np.loadtxt(folder / embedding.tensor_path, delimiter="\t")
      self.assertEqual(rows.shape, (self.reports[config.run_dir].num_examples, size))
      np.testing.assert_allclose(rows, encoded.representation, rtol=1e-4, atol=1e-6)
      table = [line.split("\t") for line in
               (folder / embedding.metadata_path).read_text().splitlines()]
      self.assertLen(table, 1 + len(rows))
      columns = dict(zip(table[0], zip(*table[1:], strict=True), strict=True))
      self.assertEqual([*map(int, columns["row"])], [*range(len(rows))])
      if config.modality == "text":
        self.assertEqual(list(columns), ["text", "words", "KL", "row"])
        sentences = pathlib.Path(config.test_file).read_text().splitlines()
        self.assertEqual(list(columns["text"]), sentences)
      else:
        self.assertEqual(list(columns), ["label", "KL", "row"])
        self.assertEqual([*map(int, columns["label"])], encoded.labels.tolist())
        self.assertEqual([*embedding.sprite.single_image_dim], [tiny_images.SIDE] * 2)

  def test_a_run_says_how_to_look_at_it(self):
    self.assertIn(f"bazel run //du_vae_tf:dashboard -- --run_dir={self.image.run_dir}\n", self.said)

  def test_a_run_that_goes_on_has_no_figure_twice(self):
    config = dataclasses.replace(self.text, run_dir=str(self.folder / "grown"))
    train(config)
    folder = pathlib.Path(config.run_dir) / "tensorboard"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    _, said = train(config)
    self.assertIn("This run is finished", said)
    self.assertEqual({path: path.stat().st_mtime_ns for path in folder.rglob("*")}, before)

    report, _ = train(dataclasses.replace(config, epochs=2))
    self.assertLen([*folder.glob("*.settings")], 1)
    self.assertLen([*folder.glob("*.best")], 1)
    self.assertLen(events.sessions(config.run_dir), 1)
    scalars = self.events(config, "scalars")
    self.assertEqual([step for step, _ in scalars["epoch/kl"]], [1, 2])
    (step, value), = scalars["Test/IW-NLL"]
    self.assertEqual(step, report.best_epoch)
    self.assertAlmostEqual(float(value), report.nll, delta=1e-4)
    for values in self.events(config, "text").values():
      self.assertLen(values, 1)


if __name__ == "__main__":
  absltest.main()
