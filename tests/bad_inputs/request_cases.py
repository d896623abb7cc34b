"""Requests to a server that are refused."""

import contextlib
import functools
import json
import pathlib
import tempfile

import numpy as np

from du_vae_tf.server import exported_model
from du_vae_tf.server import refusals
from du_vae_tf.server import request_json
from du_vae_tf.server import rest_api
from du_vae_tf.server import specs
from du_vae_tf.server import versions
from tests.bad_inputs import cases
from tests.server import running_server
from tests.server import small_models

# To be closed after the last request.
SERVER = contextlib.ExitStack()
_MAX_BYTES = 100_000
_INPUTS = {
    "text": {"text": specs.Spec("string", np.dtype(object), (None,))},
    "x": {"x": specs.Spec("number", np.dtype(np.float32), (None,))},
    "seed": {"seed": specs.Spec("whole number", np.dtype(np.int64), (None,))},
    "image": {"image": specs.Spec("number", np.dtype(np.float32), (None, 8, 8, 1))},
    "any": {"x": specs.Spec("number", np.dtype(np.float32), None)}}


@functools.cache
def _client() -> running_server.Client:
  """Speaks to a server for all requests."""
  path = pathlib.Path(SERVER.enter_context(tempfile.TemporaryDirectory())) / "1"
  small_models.save(path)
  model = exported_model.ExportedModel(versions.Version(1, path))
  api = rest_api.RestApi(model, "model", _MAX_BYTES)
  return SERVER.enter_context(running_server.serve(api, {}))


def _send(request: bytes) -> cases.Act:
  """Sends the bytes of a request; what the server refuses is raised."""

  def act(_: pathlib.Path) -> object:
    client = _client()
    head, _, content = client.exchange(request).partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if status >= 400:
      is_json = b"application/json" in head
      raise refusals.Refusal(
          status, f"{status} " + (json.loads(content)["error"] if is_json else content.decode()))
    return content

  return act


def _post(body: bytes, *headers: bytes, length: bytes | None = None) -> bytes:
  size = str(len(body)).encode() if length is None else length
  return b"\r\n".join([
      b"POST /v1/models/model:predict HTTP/1.1", b"Host: localhost", b"Connection: close",
      b"Content-Length: " + size, *headers, b"", body])


def _read(kind: str, body: bytes) -> cases.Act:
  return lambda _: request_json.arrays(request_json.parse(body), _INPUTS[kind])


def _json(name: str, body: object, message: str, kind: str = "text") -> cases.Case:
  content = body if isinstance(body, bytes) else json.dumps(body).encode()
  return cases.Case(f"json_{name}", message, _read(kind, content))


def _http(name: str, request: bytes, message: str) -> cases.Case:
  return cases.Case(f"http_{name}", message, _send(request))


def _nested(depth: int) -> bytes:
  return b'{"inputs": ' + depth * b"[" + b"1" + depth * b"]" + b"}"


CASES = [
    _json("empty", b"", "the request is not JSON"),
    _json("half", b'{"instances": ["a"', "the request is not JSON"),
    _json("words", b"the food was great", "the request is not JSON"),
    _json("two_values", b'{"instances": ["a"]} {}', "the request is not JSON: Extra data"),
    _json("not_utf_8", b'{"instances": ["\xff"]}', "not UTF-8 .byte 16"),
    _json("utf_16", '{"instances": ["a"]}'.encode("utf-16"), "not UTF-8 .byte 0"),
    _json("list", ["a"], "must be an object; received a list of 1"),
    _json("neither", {"texts": ["a"]}, 'either "instances".*received neither'),
    _json("both", {"instances": ["a"], "inputs": ["a"]}, "received both"),
    _json("no_rows", {"instances": []}, "at least one row"),
    _json("open_lists", b'{"inputs": ' + 90_000 * b"[", "nested too deeply"),
    _json("deep_lists", _nested(40_000), "nested too deeply"),
    _json("deep_objects", 20_000 * b'{"a":' + b"1" + 20_000 * b"}", "nested too deeply"),
    _json("900_axes", _nested(900), "at most 32 axes; received 900 axes", "any"),
    _json("signature_is_a_list", {"instances": ["a"], "signature_name": []}, "signature_name: "),
    _json("number_for_words", {"instances": [3]}, r"instances\[0\]: must be a string"),
    _json("null", {"instances": [None]}, r"instances\[0\]: must be a string; received null"),
    _json("words_for_a_number", {"instances": ["a"]}, r"instances\[0\]: must be a number", "x"),
    _json("truth_for_a_number", {"instances": [True]}, r"instances\[0\]: must be a number", "x"),
    _json("fraction_for_a_seed", {"instances": [1.5]}, "must be a whole number", "seed"),
    _json("seed_of_70_bits", {"instances": [2**70]}, "must be from -9223372036854775808", "seed"),
    _json("number_of_6000_digits", b'{"instances": [' + 6000 * b"9" + b"]}", "not JSON", "seed"),
    _json("beyond_float32", {"instances": [1e300]}, "x: a number is beyond float32", "x"),
    _json("not_base64", {"instances": [{"b64": "%%%"}]}, r"instances\[0\]\.b64: is not base64"),
    _json("half_a_surrogate", {"instances": ["\ud800"]}, "half of a surrogate pair"),
    _json("other_name", {"instances": [{"words": "a"}]}, 'object with "text"; .*"words"'),
    _json("long_name", {"instances": [{5000 * "a": 1}]}, r"a{30,40}\.\.\."),
    _json("3000_names", {"instances": [{f"name{n}": 1 for n in range(3000)}]}, "and 2990 more"),
    _json("image_without_channels", {"instances": [8 * [8 * [0]]]}, r"shape \[rows, 8, 8, 1\]",
          "image"),
    _json("image_of_7", {"instances": [7 * [7 * [[0]]]]}, r"received shape \[1, 7, 7, 1\]",
          "image"),
    _json("ragged", {"instances": [7 * [8 * [[0]]] + [[[0]]], 8 * [8 * [[0]]]]}, "list of 8",
          "image"),
    _json("rows_of_two_shapes", {"instances": [[1], [1, 2]]}, r"instances\[1\]: must be a list",
          "any"),
    _http("length_is_words", _post(b"{}", length=b"many"), "400"),
    _http("length_is_negative", _post(b"{}", length=b"-5"), "400"),
    _http("length_of_40_digits", _post(b"{}", length=40 * b"9"), "400|413"),
    _http("two_lengths", _post(b"{}", b"Content-Length: 7"), "400"),
    _http("length_too_large", _post(b"{}", length=b"100001"), "413 the request is larger than"),
    _http("length_too_small", _post(b'{"instances": [1]}', length=b"5"), "400 .*not JSON"),
    _http("other_host", _post(b"{}").replace(b"localhost", b"evil.example"),
          "403 the Host 'evil.example' is none of this server's names"),
    _http("no_host", _post(b"{}").replace(b"Host: localhost\r\n", b""), "40[03]"),
    _http("other_page", _post(b"{}", b"Origin: http://evil.example"), "403 requests from pages"),
    _http("head_of_a_mebibyte", _post(b"{}", b"X: " + 2**20 * b"a"), "431|400"),
    _http("other_version", _post(b"{}").replace(b"HTTP/1.1", b"HTTP/9.9"), "400|505"),
    _http("no_http", b"\x16\x03\x01 nonsense\r\n\r\n", "400"),
    _http("path_out_of_the_page", b"GET /../../rest_api.py HTTP/1.1\r\nHost: localhost\r\n"
          b"Connection: close\r\n\r\n", "404 .*not found"),
    _http("unknown_model", _post(b"{}").replace(b"models/model", b"models/other"),
          "404 no model 'other' here; there is 'model'"),
    _http("unknown_signature", _post(b'{"instances": [1], "signature_name": "x\\ud800"}'),
          "400 signature_name: no signature 'x.*there are"),
    _http("long_signature", _post(json.dumps(
        {"instances": [1], "signature_name": 50_000 * "x"}).encode()),
          r"400 signature_name: no signature 'x{20,60}\.\.\.'"),
    _http("beyond_the_limits_of_the_model", _post(
        b'{"instances": [2, 12.5], "signature_name": "limited"}'),
          "400 `x`: received 12.5; allowed are at most 9"),
    _http("nan_where_none_may_be", _post(b'{"instances": [NaN], "signature_name": "limited"}'),
          "400 "),
    _http("no_common_rows", _post(b'{"instances": [1], "signature_name": "total"}'),
          "400 the outputs have no common rows"),
]
