"""One version of an exported model in memory: its signatures, and answers to them."""

import pathlib
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from du_vae_tf import errors
from du_vae_tf.server import graph_errors
from du_vae_tf.server import graph_operations
from du_vae_tf.server import refusals
from du_vae_tf.server import specs
from du_vae_tf.server import versions


# More than the format can hold.
_LARGEST_GRAPH = 2 * 2**30
_LONGEST_REASON = 300


class ExportedModel:
  """A SavedModel whose signatures can be called; from several threads at once.

  Args:
    version: where it lies.

  Raises:
    errors.UserError: it cannot be loaded, or does more than compute.
  """

  def __init__(self, version: versions.Version):
    self.version = version.number
    try:
      graph = _read(version.path / "saved_model.pb")
      _check_trustworthy(graph, version.path)
      self._module = tf.saved_model.load(str(version.path))
    except errors.UserError:
      raise
    except Exception as error:  # Whatever a damaged file makes of the loader.
      reason = textwrap.shorten(str(error), _LONGEST_REASON)
      raise errors.UserError(
          f"{version.path}: cannot be loaded as a SavedModel ({type(error).__name__}: {reason});"
          " export it again.") from error
    self._functions = dict(self._module.signatures)
    if not self._functions:
      raise errors.UserError(
          f"{version.path}: the SavedModel has no signatures; export it with"
          " //du_vae_tf:export.")
    self._definitions = {name: graph.signature_def[name] for name in self._functions}
    self._inputs = {
        name: {key: _spec(info) for key, info in definition.inputs.items()}
        for name, definition in self._definitions.items()}

  @property
  def signatures(self) -> list[str]:
    """Their names."""
    return sorted(self._functions)

  def metadata(self) -> dict[str, Any]:
    """Inputs and outputs of each signature: JSON of the `SignatureDef`s, by name."""
    return {name: json_format.MessageToDict(
        definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for name, definition in sorted(self._definitions.items())}

  def inputs(self, signature: str) -> Mapping[str, specs.Spec]:
    """The inputs of a signature, by name.

    Raises:
      refusals.Refusal: there is no such signature.
    """
    if signature not in self._inputs:
      raise refusals.Refusal(
          400, f"signature_name: no signature {refusals.shown(signature)!r} here; there are"
          f" {', '.join(self.signatures)}.")
    return self._inputs[signature]

  def call(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of a signature, by name; strings are bytes in arrays of objects.

    Args:
      signature: one of `signatures`.
      inputs: all of its inputs.

    Raises:
      refusals.Refusal: the graph refuses the values.
    """
    try:
      outputs = self._functions[signature](
          **{name: tf.constant(array) for name, array in inputs.items()})
    except tf.errors.InvalidArgumentError as error:
      raise refusals.Refusal(400, graph_errors.readable(error.message)) from error
    return {name: np.asarray(outputs[name].numpy(), outputs[name].dtype.as_numpy_dtype)
            for name in sorted(outputs)}


def _read(path: pathlib.Path) -> meta_graph_pb2.MetaGraphDef:
  """The graph of a SavedModel."""
  if path.stat().st_size > _LARGEST_GRAPH:
    raise ValueError(f"{path.name} is larger than {_LARGEST_GRAPH // 2**30} GiB")
  return saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs[0]


def _check_trustworthy(graph: meta_graph_pb2.MetaGraphDef, path: pathlib.Path) -> None:
  """Refuses, before it is loaded, a SavedModel that does more than compute."""
  names = graph_operations.beyond_computing(graph)
  if names:
    raise errors.UserError(
        f"{path}: the SavedModel does more than compute (operation {', '.join(names[:3])}); serve"
        " models of //du_vae_tf:export only.")
  for asset in graph.asset_file_def:
    if pathlib.PurePath(asset.filename).name != asset.filename:
      raise errors.UserError(
          f"{path}: the SavedModel names a file outside its folder, {asset.filename!r:.100}; serve"
          " models of //du_vae_tf:export only.")


def _spec(info: meta_graph_pb2.TensorInfo) -> specs.Spec:
  dtype = tf.as_dtype(info.dtype)
  kind: specs.Kind | None = None
  if dtype == tf.string:
    kind = "string"
  elif dtype.is_floating:
    kind = "number"
  elif dtype.is_integer and not dtype.is_quantized:
    kind = "whole number"
  elif dtype.is_bool:
    kind = "boolean"
  shape = None if info.tensor_shape.unknown_rank else tuple(
      None if dimension.size < 0 else dimension.size for dimension in info.tensor_shape.dim)
  return specs.Spec(kind, np.dtype(dtype.as_numpy_dtype), shape)
