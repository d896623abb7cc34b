"""Calls signatures of a loaded SavedModel as TensorFlow Serving does for its clients."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2


def rest(signatures: Mapping[str, Any], body: str) -> str:
  """Answers a request to `:predict`, in row format (`instances`) or column format (`inputs`)."""
  request = json.loads(body)
  signature = signatures[request.get("signature_name", "serving_default")]
  specs = _specs(signature)
  by_row = "instances" in request
  if by_row:
    rows = request["instances"]
    given = {name: [row[name] if isinstance(row, dict) else row for row in rows] for name in specs}
  else:
    given = request["inputs"]
  if not isinstance(given, dict):  # A lone input may go without its name.
    given = {next(iter(specs)): given}
  answers = {name: _plain(value) for name, value in signature(**{
      name: tf.constant(given[name], spec.dtype) for name, spec in specs.items()}).items()}
  lone = len(answers) == 1
  if by_row:
    rows = [dict(zip(answers, row, strict=True)) for row in zip(*answers.values(), strict=True)]
    return json.dumps({"predictions": [next(iter(row.values())) if lone else row for row in rows]})
  return json.dumps({"outputs": next(iter(answers.values())) if lone else answers})


def columns(answer: str, names: Iterable[str]) -> dict[str, Any]:
  """The outputs of these names in an answer of `rest`, in either format."""
  (form, content), = json.loads(answer).items()
  names = list(names)
  if form == "outputs":
    return content if len(names) > 1 else {names[0]: content}
  return {name: [row[name] if len(names) > 1 else row for row in content] for name in names}


def grpc(signatures: Mapping[str, Any],
         request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
  """Answers a `Predict` call, after both protos have been bytes."""
  received = predict_pb2.PredictRequest.FromString(request.SerializeToString())
  signature = signatures[received.model_spec.signature_name or "serving_default"]
  answers = signature(**{
      name: tf.constant(tf.make_ndarray(received.inputs[name]), spec.dtype)
      for name, spec in _specs(signature).items()})
  response = predict_pb2.PredictResponse(
      model_spec=received.model_spec,
      outputs={name: tf.make_tensor_proto(value.numpy()) for name, value in answers.items()})
  return predict_pb2.PredictResponse.FromString(response.SerializeToString())


def _specs(signature: Any) -> dict[str, tf.TensorSpec]:
  return signature.structured_input_signature[1]


def _plain(value: tf.Tensor) -> Any:
  """As JSON has it."""
  values = value.numpy()
  return (values.astype(str) if values.dtype == object else values).tolist()
