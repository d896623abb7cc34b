"""Loading a SavedModel, calling it, and warming it up."""

import pathlib
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from du_vae_tf import errors
from du_vae_tf.server import exported_model
from du_vae_tf.server import refusals
from du_vae_tf.server import specs
from du_vae_tf.server import versions
from du_vae_tf.server import warmup
from tests.server import small_models


class ModelTest(tf.test.TestCase):
  """A model for all tests of a class."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "1"
    small_models.save(cls.folder)
    cls.model = exported_model.ExportedModel(versions.Version(1, cls.folder))


class ExportedModelTest(ModelTest):

  def test_inputs_are_those_of_the_signature(self):
    self.assertEqual(self.model.inputs("several"), {
        "text": specs.Spec("string", np.dtype(object), (None,)),
        "seed": specs.Spec("whole number", np.dtype(np.int64), (None,))})
    self.assertEqual(self.model.inputs("picture")["image"].shape, (None, 2, 2, 1))

  def test_outputs_are_arrays(self):
    outputs = self.model.call("several", {
        "text": np.array([b"a", b"\xff"], object), "seed": np.int64([1, 2])})
    self.assertEqual(outputs["raw_bytes"].tolist(), [b"a", b"\xff"])
    self.assertEqual(outputs["odd"].dtype, bool)
    self.assertEqual(self.model.call("total", {"x": np.float32([1, 2])})["sum"].shape, ())

  def test_unknown_signature_is_refused(self):
    with self.assertRaisesRegex(refusals.Refusal, "no signature 'encode' here; there are limited"):
      self.model.inputs("encode")

  def test_folder_that_cannot_be_loaded_is_refused(self):
    for content in (b"nonsense", b""):
      damaged = pathlib.Path(self.create_tempdir().full_path)
      (damaged / "saved_model.pb").write_bytes(content)
      with self.assertRaisesRegex(errors.UserError, "cannot be loaded as a SavedModel"):
        exported_model.ExportedModel(versions.Version(1, damaged))

  def test_model_without_signatures_is_refused(self):
    path = pathlib.Path(self.create_tempdir().full_path) / "1"
    tf.saved_model.save(tf.Module(), str(path))
    with self.assertRaisesRegex(errors.UserError, "has no signatures"):
      exported_model.ExportedModel(versions.Version(1, path))


class WarmupTest(ModelTest):

  def version(self, *requests: tuple[str, dict]) -> pathlib.Path:
    """A folder with requests to warm up."""
    root = pathlib.Path(self.create_tempdir().full_path)
    (root / "assets.extra").mkdir()
    with tf.io.TFRecordWriter(str(root / "assets.extra/tf_serving_warmup_requests")) as writer:
      for signature, inputs in requests:
        log = prediction_log_pb2.PredictionLog()
        log.predict_log.request.model_spec.signature_name = signature
        for name, value in inputs.items():
          log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        writer.write(log.SerializeToString())
    return root

  def calls(self, version: pathlib.Path,
            model: exported_model.ExportedModel | None = None) -> list[tuple[str, dict]]:
    """What is asked of the model, as lists."""
    model = model or self.model
    with mock.patch.object(model, "call", wraps=model.call) as call:
      warmup.run(model, version)
    return [(signature, {name: array.tolist() for name, array in inputs.items()})
            for signature, inputs in (one.args for one in call.call_args_list)]

  def test_exported_requests_are_answered(self):
    version = self.version(("several", {"text": ["a"], "seed": np.int64([3])}), ("", {"x": [0.5]}))
    self.assertEqual(self.calls(version), [
        ("several", {"text": [b"a"], "seed": [3]}), ("serving_default", {"x": [0.5]})])

  def test_without_requests_the_model_is_run_on_zeros(self):
    self.assertEqual(self.calls(self.folder), [("serving_default", {"x": [0.0]})])

  def test_without_a_default_signature_another_is_run(self):
    path = pathlib.Path(self.create_tempdir().full_path) / "1"
    module = small_models.SmallModel()
    tf.saved_model.save(module, str(path), signatures={"total": module.total})
    model = exported_model.ExportedModel(versions.Version(1, path))
    self.assertEqual(self.calls(path, model), [("total", {"x": [0.0]})])

  def test_request_that_fails_is_told(self):
    for request, message in ((("limited", {"x": [12.0]}), "allowed are at most 9"),
                             (("nothing", {"x": [1.0]}), "no signature 'nothing'"),
                             (("several", {"text": ["a"]}), "missing")):
      with self.assertRaisesRegex(errors.UserError, f"to warm the model up failed .*{message}"):
        warmup.run(self.model, self.version(request))

  def test_damaged_file_is_told(self):
    version = self.version()
    (version / "assets.extra/tf_serving_warmup_requests").write_bytes(100 * b"nonsense")
    with self.assertRaisesRegex(errors.UserError, "to warm the model up failed"):
      warmup.run(self.model, version)


if __name__ == "__main__":
  tf.test.main()
