"""The first requests to a model, which are slow: answered before a user asks."""

import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from google.protobuf import message as protobuf
from tensorflow_serving.apis import prediction_log_pb2

from du_vae_tf import errors
from du_vae_tf.server import exported_model
from du_vae_tf.server import refusals
from du_vae_tf.server import request_json

# TensorFlow Serving answers them, too.
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
    for signature, inputs in _requests(path):
      model.inputs(signature)
      model.call(signature, inputs)
  except (refusals.Refusal, TypeError, ValueError, protobuf.DecodeError,
          tf.errors.OpError) as error:
    raise errors.UserError(
        f"{path}: a request to warm the model up failed ({error}); export the model again."
    ) from error


def _requests(path: pathlib.Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
  for record in tf.data.TFRecordDataset(str(path)):
    log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
    request = log.predict_log.request
    yield (request.model_spec.signature_name or request_json.DEFAULT_SIGNATURE,
           {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()})


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
