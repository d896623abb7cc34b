"""Arrays to the JSON of an answer."""

import json

import ml_dtypes
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.server import answer_json
from du_vae_tf.server import refusals


def strings(*values: bytes) -> np.ndarray:
  return np.array(values, object)


class AnswerTest(parameterized.TestCase):

  def test_one_output_has_no_name(self):
    outputs = {"y": np.float32([[1, 2], [3, 4]])}
    self.assertEqual(answer_json.predictions(outputs, True), {"predictions": [[1, 2], [3, 4]]})
    self.assertEqual(answer_json.predictions(outputs, False), {"outputs": [[1, 2], [3, 4]]})

  def test_several_outputs_are_objects(self):
    outputs = {"text": strings(b"a", "ö".encode()), "n": np.int64([3, 2**62])}
    self.assertEqual(answer_json.predictions(outputs, True), {
        "predictions": [{"text": "a", "n": 3}, {"text": "ö", "n": 2**62}]})
    self.assertEqual(answer_json.predictions(outputs, False), {
        "outputs": {"text": ["a", "ö"], "n": [3, 2**62]}})

  def test_scalars_stand_bare_in_columns(self):
    self.assertEqual(
        answer_json.predictions({"a": np.float32(2.5), "s": np.array(b"x", object)}, False),
        {"outputs": {"a": 2.5, "s": "x"}})

  @parameterized.parameters(
      ({"a": np.float32(1.0)},), ({"a": np.zeros([2]), "b": np.zeros([3])},),
      ({"a": np.zeros([2]), "b": np.float32(1.0)},))
  def test_rows_of_outputs_without_common_rows_are_refused(self, outputs):
    with self.assertRaisesRegex(refusals.Refusal, 'no common rows.*"inputs"'):
      answer_json.predictions(outputs, True)

  def test_binary_strings_are_base64(self):
    outputs = {"x_bytes": strings(b"a"), "y": strings(b"\xff")}
    self.assertEqual(answer_json.predictions(outputs, False), {
        "outputs": {"x_bytes": [{"b64": "YQ=="}], "y": [{"b64": "/w=="}]}})

  def test_strings_of_several_axes_and_none_at_all(self):
    outputs = {"s": np.array([[b"a", b"b"], [b"c", b"d"]], object)}
    self.assertEqual(answer_json.predictions(outputs, True),
                     {"predictions": [["a", "b"], ["c", "d"]]})
    self.assertEqual(answer_json.predictions({"s": np.zeros([2, 0], object)}, False),
                     {"outputs": [[], []]})

  def test_floats_have_the_shortest_decimals_that_give_them_back(self):
    values = np.concatenate([np.float32([0.1, 0.2, 1e-30, 16777216.0, 1e30]),
                             np.random.default_rng(1).normal(size=1000).astype(np.float32)])
    written = answer_json.dump(answer_json.predictions({"y": values}, False))
    self.assertStartsWith(written.decode(), '{"outputs": [0.1, 0.2, 1e-30, 16777216.0, 1e+30, ')
    np.testing.assert_array_equal(np.float32(json.loads(written)["outputs"]), values)

  @parameterized.parameters(np.float16, np.float32, np.float64, ml_dtypes.bfloat16)
  def test_what_is_no_number_has_its_token(self, dtype):
    values = np.array([np.nan, np.inf, -np.inf, 0.5], dtype)
    self.assertEqual(answer_json.dump(answer_json.predictions({"y": values}, True)),
                     b'{"predictions": [NaN, Infinity, -Infinity, 0.5]}\n')

  def test_booleans_and_small_integers(self):
    outputs = {"b": np.array([True, False]), "i": np.uint8([7, 255])}
    self.assertEqual(answer_json.dump(answer_json.predictions(outputs, False)),
                     b'{"outputs": {"b": [true, false], "i": [7, 255]}}\n')

  def test_half_a_surrogate_pair_does_not_break_the_answer(self):
    self.assertEqual(json.loads(answer_json.dump({"error": "ö \ud800"})), {"error": "ö \ud800"})


if __name__ == "__main__":
  absltest.main()
