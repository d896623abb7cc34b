"""Requests that TensorFlow Serving answers before it takes those of users."""

import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_log_pb2

# Where a server looks for them, below the folder of a version.
NAME = "assets.extra/tf_serving_warmup_requests"


def write(path: str | os.PathLike[str], signatures: Mapping[str, Any], row: Mapping[str, Any],
          model_name: str) -> None:
  """Writes one request for each signature, as records of `PredictionLog`.

  Args:
    path: of the file.
    signatures: functions with an input signature, by name.
    row: what the inputs are, by name, [1, ...] each.
    model_name: written into the requests; a server answers them whatever it calls the model.
  """
  with tf.io.TFRecordWriter(os.fspath(path)) as writer:
    for name, function in signatures.items():
      request = predict_pb2.PredictRequest(
          model_spec=model_pb2.ModelSpec(name=model_name, signature_name=name),
          inputs={spec.name: tf.make_tensor_proto(row[spec.name], spec.dtype)
                  for spec in function.input_signature})
      log = prediction_log_pb2.PredictionLog(
          predict_log=prediction_log_pb2.PredictLog(request=request))
      writer.write(log.SerializeToString())
