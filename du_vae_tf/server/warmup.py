"""The first requests to a model, which are slow: answered before a user asks."""

import contextlib
import math
import pathlib
import textwrap
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from google.protobuf import message as protobuf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import prediction_log_pb2

from du_vae_tf import errors
from du_vae_tf.server import exported_model
from du_vae_tf.server import refusals
from du_vae_tf.server import request_json

# TensorFlow Serving answers them, too.
_LARGEST_BYTES = 2**26
_MOST_ENTRIES = 2**24
_LONGEST_REASON = 300
_NAME = "assets.extra/tf_serving_warmup_requests"


def run(model: exported_model.ExportedModel, version: pathlib.Path) -> None:
  """Answers the requests that were exported with the model, or one of zeros if there are none.

  Args:
    model: to be warmed up.
    version: its folder.

  Raises:
    errors.UserError: the requests are damaged, or the model refuses one.
  """
  path = version / _NAME
  if not path.exists():
    # Zeros need not be within its limits.
    with contextlib.suppress(refusals.Refusal, tf.errors.OpError):
      model.call(*_zeros(model))
    return
  try:
    if path.stat().st_size > _LARGEST_BYTES:
      raise ValueError(f"the file is larger than {_LARGEST_BYTES // 2**20} MiB")
    for signature, inputs in _requests(path):
      model.inputs(signature)
      model.call(signature, inputs)
  except (refusals.Refusal, TypeError, ValueError, protobuf.DecodeError,
          tf.errors.OpError) as error:
    reason = textwrap.shorten(str(error), _LONGEST_REASON)
    raise errors.UserError(
        f"{path}: a request to warm the model up failed ({reason}); export the model again."
    ) from error


def _requests(path: pathlib.Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
  for record in tf.data.TFRecordDataset(str(path)):
    log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
    request = log.predict_log.request
    yield (request.model_spec.signature_name or request_json.DEFAULT_SIGNATURE,
           {name: _array(proto) for name, proto in request.inputs.items()})


def _array(proto: tensor_pb2.TensorProto) -> np.ndarray:
  """The array of a tensor, in which one value may stand for many."""
  entries = math.prod(dimension.size for dimension in proto.tensor_shape.dim)
  if entries > _MOST_ENTRIES:
    raise ValueError(f"a tensor has {entries} entries; expected at most {_MOST_ENTRIES}")
  return tf.make_ndarray(proto)


def _zeros(model: exported_model.ExportedModel) -> tuple[str, dict[str, np.ndarray]]:
  """One row of zeros or empty strings for a signature."""
  names = model.signatures
  default = request_json.DEFAULT_SIGNATURE
  signature = default if default in names else names[0]
  inputs = {}
  for name, spec in model.inputs(signature).items():
    shape = [1 if size is None else size for size in spec.shape or ()]
    inputs[name] = np.full(shape, b"" if spec.kind == "string" else 0, spec.dtype)
  return signature, inputs
