"""Requests in JSON to arrays, and every way in which they can be wrong."""

import json

import ml_dtypes
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.server import refusals
from du_vae_tf.server import request_json
from du_vae_tf.server import specs

TEXT = specs.Spec("string", np.dtype(object), (None,))
SEED = specs.Spec("whole number", np.dtype(np.int64), (None,))
FLOAT = specs.Spec("number", np.dtype(np.float32), (None,))
IMAGE = specs.Spec("number", np.dtype(np.float32), (None, 2, 2, 1))
IDS = specs.Spec("whole number", np.dtype(np.int64), (None, None))
ANY = specs.Spec("number", np.dtype(np.float32), None)


def read(content, **inputs: specs.Spec) -> dict[str, np.ndarray]:
  body = content if isinstance(content, bytes) else json.dumps(content).encode()
  return request_json.arrays(request_json.parse(body), inputs)


class ReadTest(parameterized.TestCase):

  def check(self, got: np.ndarray, values, dtype) -> None:
    self.assertEqual(got.dtype, np.dtype(dtype))
    self.assertEqual(got.tolist(), values)

  def test_plain_rows_are_the_only_input(self):
    got = read({"instances": ["ein Satz", "größer", ""]}, text=TEXT)
    self.check(got["text"], ["ein Satz".encode(), "größer".encode(), b""], object)

  def test_rows_with_names_and_columns_give_the_same(self):
    rows = [{"text": "a", "seed": 1}, {"seed": 2, "text": "b"}]
    for content in ({"instances": rows}, {"inputs": {"text": ["a", "b"], "seed": [1, 2]}}):
      got = read(content, text=TEXT, seed=SEED)
      self.check(got["text"], [b"a", b"b"], object)
      self.check(got["seed"], [1, 2], np.int64)

  def test_one_input_may_have_its_name_or_not(self):
    for content in ({"instances": [{"text": "a"}]}, {"inputs": {"text": ["a"]}},
                    {"inputs": ["a"]}, {"instances": ["a"]}):
      self.check(read(content, text=TEXT)["text"], [b"a"], object)

  def test_binary_values_are_base64(self):
    value = {"b64": "/wD+"}
    for content in ({"instances": [value]}, {"inputs": [value]}, {"inputs": {"text": [value]}},
                    {"instances": [{"text": value}]}):
      self.check(read(content, text=TEXT)["text"], [b"\xff\x00\xfe"], object)

  def test_shapes_of_several_axes(self):
    image = [[[0], [1]], [[1], [0.5]]]
    self.check(read({"instances": [image, image]}, image=IMAGE)["image"], [image, image],
               np.float32)
    self.check(read({"inputs": [[1, 2], [3, 0]]}, ids=IDS)["ids"], [[1, 2], [3, 0]], np.int64)
    self.assertEqual(read({"inputs": [[], []]}, ids=IDS)["ids"].shape, (2, 0))
    self.assertEqual(read({"inputs": []}, text=TEXT)["text"].shape, (0,))

  def test_any_rank_takes_scalars_and_lists(self):
    self.check(read({"inputs": 3}, x=ANY)["x"], 3.0, np.float32)
    self.check(read({"inputs": [[3.5]]}, x=ANY)["x"], [[3.5]], np.float32)

  def test_numbers_that_json_does_not_know(self):
    got = read(b'{"instances": [NaN, Infinity, -Infinity, 1e-3, 2]}', x=FLOAT)["x"]
    np.testing.assert_array_equal(got, np.float32([np.nan, np.inf, -np.inf, 1e-3, 2]))

  @parameterized.parameters(np.float16, np.float64, ml_dtypes.bfloat16)
  def test_floats_of_every_size(self, dtype):
    got = read({"inputs": [0.5, -2]}, x=specs.Spec("number", np.dtype(dtype), (None,)))["x"]
    self.check(got, [0.5, -2.0], dtype)

  def test_whole_numbers_keep_all_their_digits(self):
    largest = 2**63 - 1
    self.check(read({"inputs": [largest, -largest - 1]}, x=SEED)["x"], [largest, -largest - 1],
               np.int64)
    unsigned = specs.Spec("whole number", np.dtype(np.uint64), (None,))
    self.check(read({"inputs": [2**64 - 1]}, x=unsigned)["x"], [2**64 - 1], np.uint64)

  def test_booleans(self):
    flag = specs.Spec("boolean", np.dtype(bool), (None,))
    self.check(read({"inputs": [True, False]}, x=flag)["x"], [True, False], bool)

  def test_signature_defaults_as_in_tensorflow_serving(self):
    for name, wanted in ((None, "serving_default"), ("", "serving_default"), ("other", "other")):
      content = {"instances": [1]} | ({} if name is None else {"signature_name": name})
      self.assertEqual(request_json.parse(json.dumps(content).encode()).signature, wanted)


class RefusalTest(parameterized.TestCase):

  def refused(self, message: str, content, **inputs: specs.Spec) -> None:
    with self.assertRaisesRegex(refusals.Refusal, message) as caught:
      read(content, **inputs)
    self.assertEqual(caught.exception.status, 400)
    self.assertNotIn("\n", caught.exception.message)
    self.assertLess(len(caught.exception.message), 300)

  @parameterized.parameters(
      (b"", "not JSON"),
      (b'{"instances": ["a"', "not JSON.*line 1"),
      (b'{"instances": ["\xff"]}', r"not UTF-8 \(byte 16\)"),
      (b"\xef\xbb\xbf{}", "not JSON"),
      (b'{"instances": ' + b"[" * 100_000, "nested too deeply"),
      (b'{"instances": [' + b"9" * 5000 + b"]}", "not JSON"),
      (b'["a"]', "must be an object; received a list of 1"),
      (b"null", "must be an object; received null"),
      (b"{}", 'either "instances".*received neither'),
      (b'{"instance": ["a"]}', "received neither"),
      (b'{"instances": ["a"], "inputs": ["a"]}', "received both"),
      (b'{"instances": []}', "instances: must be a list of at least one row; received a list of 0"),
      (b'{"instances": "a"}', 'instances: .*received "a"'),
      (b'{"instances": {"text": "a"}}', "instances: .*received an object"),
      (b'{"instances": ["a"], "signature_name": 3}', "signature_name: must be a string.*ved 3"),
      (b'{"instances": ["a"], "signature_name": null}', "signature_name: .*null"))
  def test_request_is_wrong(self, body, message):
    self.refused(message, body, text=TEXT)

  @parameterized.parameters(
      ({"instances": ["a", 3]}, r"instances\[1\]: must be a string; received 3\."),
      ({"instances": ["a", None]}, r"instances\[1\]: must be a string; received null"),
      ({"instances": ["a", ["b"]]}, r"instances\[1\]: must be a string; received a list of 1"),
      ({"instances": [["a"], ["b"]]},
       r"text: must have shape \[rows\]; received shape \[2, 1\]"),
      ({"instances": ["a", {"text": "b"}]}, r"instances\[1\]: must be a string; .* an object"),
      ({"instances": [{"text": "b"}, "a"]}, r'instances\[1\]: .*object with "text"; received "a"'),
      ({"instances": [{"txt": "b"}]}, r'instances\[0\]: .*with "text".*an object with "txt"'),
      ({"instances": [{}]}, r'instances\[0\]: .*an object with nothing'),
      ({"instances": [{"text": "a", "seed": 1}]}, r'instances\[0\]: .*with "seed", "text"'),
      ({"instances": [{"b64": "???"}]}, r"instances\[0\]\.b64: is not base64"),
      ({"instances": [{"b64": 3}]}, r'instances\[0\]: .*object with "b64"'),
      ({"instances": ["\ud800"]}, r"instances\[0\]: .*surrogate"),
      ({"instances": ["\ud800", 3 * "\ud800"], "signature_name": []}, "signature_name"),
      ({"inputs": "a"}, r"text: must have shape \[rows\]; received shape \[\]"),
      ({"inputs": {"text": "a"}}, r"text: must have shape"),
      ({"inputs": {}}, "inputs: .*an object with nothing"),
      ({"inputs": {"text": ["a"], "seed": [1]}}, 'inputs: .*with "text"; .*"seed", "text"'),
      ({"inputs": {"text": ["a", 3]}}, r"inputs\.text\[1\]: must be a string"),
      ({"inputs": [3 * ["a"]]}, "text: must have shape"))
  def test_value_of_one_text_is_wrong(self, content, message):
    self.refused(message, content, text=TEXT)

  @parameterized.parameters(
      ({"instances": ["a"]}, 'instances: values must have names.*"seed", "text"'),
      ({"inputs": ["a"]}, "inputs: values must have names"),
      ({"instances": [{"text": "a"}]}, r'instances\[0\]: .*"seed", "text"; .*with "text"'),
      ({"inputs": {"seed": [1]}}, 'inputs: .*"seed", "text"; received an object with "seed"'),
      ({"instances": [{"text": "a", "seed": 1.5}]},
       r"instances\[0\]\.seed: must be a whole number; received 1\.5"),
      ({"instances": [{"text": "a", "seed": True}]}, "seed: must be a whole.*received true"),
      ({"instances": [{"text": "a", "seed": "1"}]}, 'seed: must be a whole.*received "1"'),
      ({"instances": [{"text": "a", "seed": 2**63}]},
       r"instances\[0\]\.seed: must be from -9223372036854775808 to 9223372036854775807"))
  def test_one_of_two_inputs_is_wrong(self, content, message):
    self.refused(message, content, text=TEXT, seed=SEED)

  @parameterized.parameters(
      ([[[[0], [1]]]], r"image: must have shape \[rows, 2, 2, 1\]; received shape \[1, 1, 2, 1\]"),
      ([[[0, 1], [1, 0]]], r"received shape \[1, 2, 2\]"),
      ([[[[0], [1]], [[1], "x"]]], r'inputs\[0\]\[1\]\[1\]: must be a list of 1.*received "x"'),
      ([[[[0], [1]], [[1], ["x"]]]], r'inputs\[0\]\[1\]\[1\]\[0\]: must be a number; received "x"'),
      ([[[[0], [1]], [[1]]]], r"inputs\[0\]\[1\]: must be a list of 2.*received a list of 1"),
      ([[[[0], [1]], [[1], [True]]]], "must be a number; received true"))
  def test_image_is_wrong(self, value, message):
    self.refused(message, {"inputs": value}, image=IMAGE)

  @parameterized.parameters(np.float16, np.float32, ml_dtypes.bfloat16, np.float64)
  def test_number_too_large_for_its_type(self, dtype):
    spec = specs.Spec("number", np.dtype(dtype), (None,))
    largest = float(ml_dtypes.finfo(dtype).max)
    self.assertEqual(read({"inputs": [largest]}, x=spec)["x"].tolist(), [largest])
    self.refused(f"x: a number is beyond {np.dtype(dtype)}", b'{"inputs": [1' + 400 * b"0" + b"]}",
                 x=spec)

  def test_what_json_has_no_values_for(self):
    self.refused("x: is complex64, which JSON has no values for", {"inputs": [1]},
                 x=specs.Spec(None, np.dtype(np.complex64), (None,)))

  def test_more_axes_than_arrays_have(self):
    value = 1
    for _ in range(40):
      value = [value]
    self.refused("x: must have at most 32 axes", {"inputs": value}, x=ANY)

  def test_long_value_is_shortened(self):
    self.refused(r'received "x{39}\.\.\.', {"instances": [{"seed": 5000 * "x"}]}, seed=SEED)


if __name__ == "__main__":
  absltest.main()
