"""What holds for the signatures of every exported model, whatever its examples are."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from tests.serving import tf_serving

# Rows of a request in these tests, and the most that are allowed in one.
ROWS, MAX_ROWS = 3, 40


class Contract(tf.test.TestCase):
  """Tests of a loaded SavedModel, which a subclass makes.

  Attributes:
    path: of the SavedModel.
    loaded: what was loaded from it.
    example: the input that `encode` takes.
    given: `ROWS` rows for every input of a signature, by name; `start` and `end` differ.
  """

  path: str
  loaded: Any
  example: str
  given: Mapping[str, Any]

  def inputs(self, name: str) -> dict[str, tf.TensorSpec]:
    """What a signature takes."""
    return self.loaded.signatures[name].structured_input_signature[1]

  def call(self, name: str, **given: Any) -> dict[str, np.ndarray]:
    """Asks with values of any type, those of the signature being taken."""
    answers = self.loaded.signatures[name](**{
        key: tf.constant(given[key], spec.dtype) for key, spec in self.inputs(name).items()})
    return {key: value.numpy() for key, value in answers.items()}

  def assert_same(self, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """That answers are the same, whatever was summed in another order."""
    self.assertEqual(ours.keys(), theirs.keys())
    for key, value in ours.items():
      if np.asarray(value).dtype.kind == "f":
        self.assertAllClose(value, theirs[key], rtol=1e-5, atol=1e-5, msg=key)
      else:
        self.assertAllEqual(value, theirs[key], key)

  def assert_refused(self, message: str, name: str, **given: Any) -> None:
    """That a request is refused with such a message."""
    with self.assertRaisesRegex(tf.errors.InvalidArgumentError, message):
      self.call(name, **given)

  def shapes(self) -> dict[str, tuple[dict, dict]]:
    """Type and shape of the inputs and outputs of each signature."""
    return {
        name: tuple({key: (spec.dtype.name, *spec.shape) for key, spec in specs.items()}
                    for specs in (self.inputs(name), signature.structured_outputs))
        for name, signature in self.loaded.signatures.items()}

  def test_decoding_the_center_reconstructs(self):
    center = self.call("encode", **self.given)["center"]
    self.assert_same(self.call("decode", **{**self.given, "z": center}),
                     self.call("reconstruct", **self.given))

  def test_paths_begin_and_end_at_reconstructions(self):
    for weight, end in ((0.0, "start"), (1.0, "end")):
      self.assert_same(
          self.call("interpolate", **{**self.given, "weight": [weight] * ROWS}),
          self.call("reconstruct", **{**self.given, self.example: self.given[end]}))

  def test_paths_are_straight(self):
    weight = np.asarray(self.given["weight"], np.float32)[:, np.newaxis]
    start, end = (self.call("encode", **{self.example: self.given[name]})["center"]
                  for name in ("start", "end"))
    self.assertNotAllClose(start, end, rtol=1e-2)
    z = (1.0 - weight) * start + weight * end
    self.assert_same(self.call("interpolate", **self.given),
                     self.call("decode", **{**self.given, "z": z}))

  def test_answers_depend_on_their_row_alone(self):
    for name in self.loaded.signatures:
      among = self.call(name, **self.given)
      alone = self.call(name, **{key: value[1:2] for key, value in self.given.items()})
      if "ids" in alone:  # As wide as the longest row.
        among["ids"] = among["ids"][:, :alone["ids"].shape[1]]
      self.assert_same(alone, {key: value[1:2] for key, value in among.items()})

  def test_large_requests_are_answered_as_small_ones(self):
    many = {key: (list(value) * MAX_ROWS)[:MAX_ROWS] for key, value in self.given.items()}
    for name in self.loaded.signatures:
      large = self.call(name, **many)
      self.assert_same({key: value[:ROWS] for key, value in large.items()},
                       self.call(name, **self.given))

  def test_too_many_rows_are_refused(self):
    many = {key: list(value) * (MAX_ROWS // ROWS + 1) for key, value in self.given.items()}
    self.assertGreater(len(many["z"]), MAX_ROWS)
    for name in self.loaded.signatures:
      first = next(iter(self.inputs(name)))
      self.assert_refused(
          rf"`\w+`: received {len(many[first])} row\(s\); allowed are at most {MAX_ROWS}\.",
          name, **many)

  def test_uneven_rows_are_refused(self):
    short = {**self.given, "seed": [1], "weight": [0.5]}
    self.assert_refused(
        rf"`seed`: received 1 row\(s\); allowed are 3, as many as of `{self.example}`",
        "log_likelihood", **short)
    self.assert_refused(
        r"`weight`: received 1 row\(s\); allowed are 3, as many as of `start`", "interpolate",
        **{**self.given, "weight": [0.5]})

  def test_numbers_out_of_range_are_refused(self):
    for value in ("nan", "inf", "-inf"):
      z = np.array(self.given["z"], np.float32)
      z[1, -1] = value
      self.assert_refused(f"`z`: received {value} in row 1; allowed are finite numbers", "decode",
                          **{**self.given, "z": z})
    for value in ("nan", "-0.5", "1.5", "inf"):
      self.assert_refused(
          f"`weight`: received {value} in row 2; allowed are numbers from 0 to 1", "interpolate",
          **{**self.given, "weight": [0.0, 1.0, float(value)]})

  def test_a_refusal_ends_a_call_of_a_session(self):
    # As a server calls it: tensors by their names.
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
      graph = tf.compat.v1.saved_model.load(session, ["serve"], self.path)
      signature = graph.signature_def["decode"]
      given = {info.name: self.given[name] for name, info in signature.inputs.items()}
      fetched = [info.name for info in signature.outputs.values()]
      self.assertLen(session.run(fetched[0], given), ROWS)
      given[signature.inputs["z"].name] = np.full(np.shape(self.given["z"]), np.nan)
      for name in fetched:
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "`z`: received nan in row 0"):
          session.run(name, given)

  def test_empty_requests_are_answered(self):
    none = {key: np.asarray(value)[:0] for key, value in self.given.items()}
    for name in self.loaded.signatures:
      shapes = {key: value.shape for key, value in self.call(name, **self.given).items()}
      for key, value in self.call(name, **none).items():
        self.assertEqual(value.shape[0], 0, name)
        if key != "ids":  # As wide as the longest row.
          self.assertEqual(value.shape[1:], shapes[key][1:], name)

  def test_rest_answers_rows_and_columns(self):
    for name in self.loaded.signatures:
      expected = self.call(name, **self.given)
      columns = {key: np.asarray(self.given[key]).tolist() for key in self.inputs(name)}
      rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
      for form, content in (("inputs", columns), ("instances", rows)):
        body = json.dumps({"signature_name": name, form: content})
        self.assert_same(
            {key: value if value.dtype != object else value.astype(str)
             for key, value in expected.items()},
            tf_serving.columns(tf_serving.rest(self.loaded.signatures, body), expected))

  def test_grpc_answers(self):
    for name in self.loaded.signatures:
      request = predict_pb2.PredictRequest(inputs={
          key: tf.make_tensor_proto(self.given[key], spec.dtype)
          for key, spec in self.inputs(name).items()})
      request.model_spec.signature_name = name
      response = tf_serving.grpc(self.loaded.signatures, request)
      self.assert_same({key: tf.make_ndarray(value) for key, value in response.outputs.items()},
                       self.call(name, **self.given))
