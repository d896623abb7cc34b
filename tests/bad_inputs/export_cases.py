"""Exported models that are damaged, or do more than compute."""

import functools
import json
import os
import pathlib
import shutil

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import prediction_log_pb2

from du_vae_tf.server import exported_model
from du_vae_tf.server import latent_map
from du_vae_tf.server import versions
from du_vae_tf.server import warmup
from tests.bad_inputs import cases
from tests.server import small_models

_MAP = {"modality": "text", "examples": ["a"], "points": [[0.5, 1]], "labels": None,
        "mean": [0.0], "axes": [[1.0], [0.0]]}
_DEEP = 200_000 * b"[" + 200_000 * b"]"
_MIB = 2**20


class _Writer(tf.Module):
  """A signature that writes a file when it is called.

  Args:
    path: of the file.
  """

  def __init__(self, path: pathlib.Path):
    super().__init__()
    self._path = os.fspath(path)

  @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
  def double(self, x):
    with tf.control_dependencies([tf.io.write_file(self._path, "ran")]):
      return {"y": 2.0 * x}


class _Reader(tf.Module):
  """A signature that answers with a file of the server's machine, in a loop and a branch."""

  @tf.function(input_signature=[tf.TensorSpec([], tf.string, name="path")])
  def read(self, path):
    content = tf.constant("")
    for _ in tf.range(tf.strings.length(path)):
      content = tf.io.read_file(path)
    return {"content": content}


class _Python(tf.Module):
  """A signature that calls Python."""

  @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
  def double(self, x):
    return {"y": tf.ensure_shape(tf.py_function(lambda value: 2.0 * value, [x], tf.float32),
                                 [None])}


@functools.cache
def _small() -> pathlib.Path:
  path = cases.kept_folder() / "1"
  small_models.save(path)
  return path


def _whole(path: pathlib.Path) -> None:
  shutil.copytree(_small(), path)


def _save(module: tf.Module, method: str) -> cases.Writer:
  return lambda path: tf.saved_model.save(
      module, os.fspath(path), signatures={"serving_default": getattr(module, method)})


def writing(path: pathlib.Path, ran: pathlib.Path = pathlib.Path("ran")) -> None:
  """Saves a model that writes the file `ran` when it is asked."""
  _save(_Writer(ran), "double")(path)


def load(folder: pathlib.Path) -> object:
  """Loads the newest version as `serve` does."""
  version = versions.newest(folder, f"--model_dir={folder}", "export one")
  facts = latent_map.read(version.path)
  model = exported_model.ExportedModel(version)
  warmup.run(model, version.path)
  return model, facts


def _export(name: str, message: str, **files: bytes | cases.Writer) -> cases.Case:
  """A version 1 of which files are damaged; `__` stands for a slash, `_DOT_` for a dot."""
  return cases.Case(f"export_{name}", message, load, {
      "1": _whole, **{f"1/{path.replace('__', '/').replace('_DOT_', '.')}": content
                      for path, content in files.items()}})


def _map(name: str, content: bytes | cases.Writer, message: str) -> cases.Case:
  return cases.Case(
      f"map_{name}", rf"latent_map\.json: cannot be read as the map .*\(.*{message}", load,
      {"1": _whole, "1/assets.extra/latent_map.json": content})


def _map_with(**changes: object) -> bytes:
  return json.dumps(_MAP | changes).encode()


def _requests(*tensors: tensor_pb2.TensorProto | bytes) -> cases.Writer:
  """Writes warm-up requests with these values of `x`; bytes are a record as it is."""

  def write(path: pathlib.Path) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
      for tensor in tensors:
        log = prediction_log_pb2.PredictionLog()
        if isinstance(tensor, bytes):
          writer.write(tensor)
          continue
        log.predict_log.request.model_spec.signature_name = "serving_default"
        log.predict_log.request.inputs["x"].CopyFrom(tensor)
        writer.write(log.SerializeToString())

  return write


def _warmup(name: str, content: bytes | cases.Writer, message: str = "") -> cases.Case:
  return cases.Case(
      f"warmup_{name}", rf"tf_serving_warmup_requests: .*{message}", load,
      {"1": _whole, "1/assets.extra/tf_serving_warmup_requests": content})


def _huge() -> tensor_pb2.TensorProto:
  """A tensor of a terabyte, in a few bytes: one value that stands for all."""
  proto = tf.make_tensor_proto([1.0])
  proto.tensor_content = b""
  proto.float_val.append(1.0)
  proto.tensor_shape.dim[0].size = 2**38
  return proto


def _halve(path: pathlib.Path) -> None:
  path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def _plain_folder(path: pathlib.Path) -> None:
  shutil.rmtree(path)
  path.mkdir()


_UNLOADABLE = "1: cannot be loaded as a SavedModel .*export it again"

CASES = [
    cases.Case("export_missing", "--model_dir=.*: no exported model in", load),
    cases.Case("export_version_is_a_word", "--model_dir=.*: no exported model in", load,
               {"first": _whole}),
    cases.Case("export_version_given", "--model_dir=.*is itself a version", lambda folder: load(
        folder / "1"), {"1": _whole}),
    _export("graph_empty", "1: ", saved_model_DOT_pb=b""),
    _export("graph_cut", _UNLOADABLE, saved_model_DOT_pb=_halve),
    _export("graph_is_words", _UNLOADABLE, saved_model_DOT_pb=30 * b"plain words "),
    _export("graph_of_a_terabyte", r"1: .*saved_model\.pb is larger than 2 GiB",
            saved_model_DOT_pb=cases.sparse(2**40)),
    _export("variables_missing", _UNLOADABLE, variables=_plain_folder),
    _export("variables_cut", _UNLOADABLE, variables__variables_DOT_index=_halve),
    cases.Case("export_that_writes_files", "1: .*operation WriteFile", load, {
        "1": writing}),
    cases.Case("export_that_reads_files", "1: .*operation ReadFile", load, {
        "1": _save(_Reader(), "read")}),
    cases.Case("export_that_calls_python", "1: .*operation EagerPyFunc", load, {
        "1": _save(_Python(), "double")}),
    _map("empty", b"", ""),
    _map("list", b"[]", "must be an object; received a list"),
    _map("deep", _DEEP, "deep"),
    _map("not_utf_8", b"\xff", ""),
    _map("a_terabyte", cases.sparse(2**40), "larger than"),
    _map("other_modality", _map_with(modality="sound"), "its modality is 'sound'"),
    _map("modality_is_a_list", _map_with(modality=["text"]), "modality"),
    _map("examples_are_a_number", _map_with(examples=3), "examples"),
    _map("points_are_words", _map_with(points="many"), "points"),
    _warmup("words", 50 * b"plain words"),
    _warmup("empty_record", _requests(b"")),
    _warmup("record_is_words", _requests(b"plain words")),
    _warmup("cut", lambda path: (_requests(tf.make_tensor_proto([1.0]))(path), _halve(path))),
    _warmup("other_type", _requests(tf.make_tensor_proto(["a"]))),
    _warmup("tensor_of_a_terabyte", _requests(_huge()), "274877906944"),
    _warmup("a_terabyte", cases.sparse(2**40), "larger than"),
    _warmup("folder", cases.folder),
]
