"""The REST interface over HTTP, in front of small SavedModels."""

import contextlib
import json
import pathlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.server import exported_model
from du_vae_tf.server import rest_api
from du_vae_tf.server import versions
from tests.server import running_server
from tests.server import small_models

MAX_REQUEST_BYTES = 100_000
FACTS = {"name": "model", "version": 3, "latent_map": None}


class ServedTest(tf.test.TestCase, parameterized.TestCase):
  """A server for all tests of a class."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    path = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "3"
    small_models.save(path)
    cls.model = exported_model.ExportedModel(versions.Version(3, path))
    cls.api = rest_api.RestApi(cls.model, "model", MAX_REQUEST_BYTES)
    cls.client = cls.enterClassContext(running_server.serve(cls.api, FACTS))

  def check_alive(self) -> None:
    self.assertEqual(self.client.predict({"instances": [1.5]}), (200, {"predictions": [3.0]}))


class AnswersTest(ServedTest):

  @parameterized.parameters(
      ({"instances": [1, 2.5]}, {"predictions": [2.0, 5.0]}),
      ({"inputs": [1, 2.5]}, {"outputs": [2.0, 5.0]}),
      ({"inputs": {"x": [0.1]}, "signature_name": "serving_default"}, {"outputs": [0.2]}),
      ({"instances": [{"text": "ö", "seed": 1}], "signature_name": "several"},
       {"predictions": [{"odd": True, "raw_bytes": {"b64": "w7Y="}, "seed": 1, "text": "<ö>"}]}),
      ({"inputs": {"text": [], "seed": []}, "signature_name": "several"},
       {"outputs": {"odd": [], "raw_bytes": [], "seed": [], "text": []}}),
      ({"instances": [[[[1], [0]], [[0], [0]]]], "signature_name": "picture"},
       {"predictions": [0.25]}),
      ({"inputs": {"text": ["a"], "seed": [1, 2]}, "signature_name": "several"},
       {"outputs": {"odd": [True, False], "raw_bytes": [{"b64": "YQ=="}], "seed": [1, 2],
                    "text": ["<a>"]}}),
      ({"inputs": [1, 2], "signature_name": "total"}, {"outputs": 3.0}))
  def test_prediction(self, request, wanted):
    self.assertEqual(self.client.predict(request), (200, wanted))
    self.assertEqual(
        self.client.json("POST", "/v1/models/model/versions/3:predict", request), (200, wanted))

  def test_numbers_that_json_does_not_know(self):
    response = self.client.request(
        "POST", "/v1/models/model:predict", b'{"instances": [NaN, Infinity, -1e38, 3e38]}')
    self.assertEqual(response.content, b'{"predictions": [NaN, Infinity, -2e+38, Infinity]}\n')

  def test_body_in_chunks(self):
    response = self.client.request("POST", "/v1/models/model:predict",
                                   iter([b'{"instances"', b": [2]}"]))
    self.assertEqual(json.loads(response.content), {"predictions": [4.0]})

  def test_status_of_the_version(self):
    wanted = {"model_version_status": [{
        "version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]}
    for path in ("/v1/models/model", "/v1/models/model/versions/3"):
      self.assertEqual(self.client.json("GET", path), (200, wanted))

  def test_metadata_has_the_signatures(self):
    status, content = self.client.json("GET", "/v1/models/model/metadata")
    self.assertEqual(status, 200)
    self.assertEqual(content["model_spec"],
                     {"name": "model", "signature_name": "", "version": "3"})
    signatures = content["metadata"]["signature_def"]["signature_def"]
    self.assertCountEqual(signatures, self.model.signatures)
    picture = signatures["picture"]
    self.assertEqual(picture["method_name"], "tensorflow/serving/predict")
    self.assertEqual(picture["inputs"]["image"]["dtype"], "DT_FLOAT")
    self.assertEqual(
        [axis["size"] for axis in picture["inputs"]["image"]["tensor_shape"]["dim"]],
        ["-1", "2", "2", "1"])
    self.assertEqual(picture["outputs"]["mean"]["tensor_shape"],
                     {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False})

  def test_requests_side_by_side_get_their_own_answers(self):
    answers = {}

    def ask(number: int) -> None:
      answers[number] = self.client.predict({"instances": [number]})

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()
    self.assertEqual(answers, {
        number: (200, {"predictions": [2.0 * number]}) for number in range(24)})


class RefusalTest(ServedTest):

  def refused(self, status: int, message: str, answer: tuple[int, dict]) -> None:
    self.assertEqual(answer[0], status, answer)
    self.assertEqual(list(answer[1]), ["error"])
    self.assertRegex(answer[1]["error"], message)
    self.assertNotIn("\n", answer[1]["error"])
    self.check_alive()

  @parameterized.parameters(
      (b'{"instances": [1', "not JSON"), (b"\xff", "not UTF-8"), (b"", "not JSON"),
      ({"instances": ["a"]}, r'instances\[0\]: must be a number; received "a"'),
      ({"instances": [[1]]}, r"x: must have shape \[rows\]"),
      ({"instances": [1], "signature_name": "other"},
       "no signature 'other' here; there are limited, picture, serving_default, several, total"),
      ({"instances": [{"text": "a"}], "signature_name": "several"}, '"seed", "text"'),
      ({"instances": [1, 2], "signature_name": "total"}, r"no common rows \(sum \[\]\)"),
      ({"instances": [2, 12.5], "signature_name": "limited"},
       r"\A`x`: received 12\.5; allowed are at most 9\.\Z"),
      ({"instances": [7], "signature_name": "limited"}, r"\Aindices\[0\] = 7 is not in \[0, 3\)\Z"))
  def test_faulty_request(self, body, message):
    self.refused(400, message, self.client.predict(body))

  @parameterized.parameters(
      ("POST", "/v1/models/other:predict", "no model 'other' here; there is 'model'"),
      ("GET", "/v1/models/other", "no model 'other'"),
      ("GET", "/v1/models/other/metadata", "no model 'other'"),
      ("POST", "/v1/models/model/versions/2:predict", "no version 2 of 'model' here; there is 3"),
      ("GET", f"/v1/models/model/versions/{19 * '9'}", "no version 9+ of"),
      ("GET", f"/v1/models/model/versions/{5000 * '9'}", "not found"),
      ("GET", "/v1/models/model:predict", "not found; there are POST /v1/models/NAME:predict"),
      ("GET", "/v1/models/%22%3Cb%3E%0A", "no model '\"<b>"),
      ("GET", "/nothing", "GET /nothing: not found"),
      ("GET", "/../serve.py", "not found"), ("GET", "/%2e%2e/rest_api.py", "not found"),
      ("GET", "/v1/models", "not found"))
  def test_what_is_not_there(self, method, path, message):
    body = b'{"instances": [1]}' if method == "POST" else None
    self.refused(404, message, self.client.json(method, path, body))

  @parameterized.parameters(("POST", "/v1/models/model"),
                            ("POST", "/v1/models/model:classify"),
                            ("POST", "/v1/models/model/versions/x:predict"),
                            ("DELETE", "/v1/models/model"),
                            ("POST", "/index.html"))
  def test_methods_that_there_are_not(self, method, path):
    self.refused(405, "method not allowed; there are POST /v1/models/NAME:predict",
                 self.client.json(method, path))

  def test_large_body_is_refused_before_it_is_sent(self):
    with socket.create_connection(("127.0.0.1", self.client.port), timeout=60) as connection:
      connection.sendall(b"POST /v1/models/model:predict HTTP/1.1\r\nHost: localhost\r\n"
                         b"Content-Length: 1000000000000\r\n\r\n")
      self.assertStartsWith(connection.recv(1000).decode(), "HTTP/1.1 413 ")
    self.check_alive()

  def test_large_body_without_a_length_is_read_no_further(self):
    with socket.create_connection(("127.0.0.1", self.client.port), timeout=60) as connection:
      connection.sendall(b"POST /v1/models/model:predict HTTP/1.1\r\nHost: localhost\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n")
      for _ in range(3):  # There is no end, so an answer cannot be to the whole.
        connection.sendall(b"c350\r\n" + 50_000 * b" " + b"\r\n")
      self.assertStartsWith(connection.recv(1000).decode(), "HTTP/1.1 413 ")
    self.check_alive()

  def test_body_just_small_enough_is_read(self):
    body = b'{"instances": [1]}'.ljust(MAX_REQUEST_BYTES)
    self.assertEqual(self.client.predict(body), (200, {"predictions": [2.0]}))
    self.refused(413, "larger than .* MiB; send fewer rows", self.client.predict(body + b" "))

  def test_client_that_hangs_up_disturbs_nobody(self):
    for part in (b"POST /v1/models/model:predict HTTP/1.1\r\nHost: localhost\r\n",
                 b"POST /v1/models/model:predict HTTP/1.1\r\nHost: localhost\r\n"
                 b"Content-Length: 50\r\n\r\n{", b"\x16\x03\x01nonsense\r\n\r\n"):
      with socket.create_connection(("127.0.0.1", self.client.port)) as connection:
        connection.sendall(part)
    self.check_alive()

  def test_body_that_does_not_arrive_is_not_waited_for(self):
    with mock.patch.object(rest_api, "_BODY_TIMEOUT", 0.05), socket.create_connection(
        ("127.0.0.1", self.client.port), timeout=60) as connection:
      connection.sendall(b"POST /v1/models/model:predict HTTP/1.1\r\nHost: localhost\r\n"
                         b"Content-Length: 50\r\n\r\n{")
      self.assertStartsWith(connection.recv(1000).decode(), "HTTP/1.1 408 ")
    self.check_alive()

  def test_unexpected_error_is_told_to_the_log_only(self):
    with mock.patch.object(self.model, "call", side_effect=RuntimeError("a secret")):
      with self.assertLogs("uvicorn.error", "ERROR") as logged:
        answer = self.client.predict({"instances": [1]})
        while not logged.output:  # The answer is sent first.
          threading.Event().wait(0.01)
    self.assertIn("a secret", logged.output[0])
    self.assertIn("Traceback", logged.output[0])
    self.refused(500, "unexpected error; the server's log", answer)
    self.assertNotIn("secret", json.dumps(answer))


class HeldTest(ServedTest):
  """Requests that are held while they are answered."""

  @contextlib.contextmanager
  def held(self) -> Iterator[Callable[[], None]]:
    """Holds all calls of the model until the function that is given is called."""
    released, call = threading.Event(), self.model.call
    self.entered = 0

    def wait(*arguments):
      self.entered += 1
      released.wait(60)
      return call(*arguments)

    with mock.patch.object(self.model, "call", wait):
      try:
        yield released.set
      finally:
        released.set()

  def ask(self, count: int) -> tuple[list[threading.Thread], list[tuple[int, dict]]]:
    """Sends requests; the second list has their answers when the threads have ended."""
    answers: list[tuple[int, dict]] = []
    threads = [threading.Thread(
        target=lambda: answers.append(self.client.predict({"instances": [1]})))
        for _ in range(count)]
    for thread in threads:
      thread.start()
    return threads, answers

  def wait_until(self, condition: Callable[[], bool]) -> None:
    while not condition():
      threading.Event().wait(0.01)


class ManyRequestsTest(HeldTest):

  def test_too_many_are_refused_and_the_rest_is_answered(self):
    with self.held() as release:
      threads, answers = self.ask(rest_api.MAX_IN_FLIGHT)
      self.wait_until(lambda: self.api._in_flight == rest_api.MAX_IN_FLIGHT)
      response = self.client.request("POST", "/v1/models/model:predict", b'{"instances": [1]}')
      self.assertEqual(response.status, 503)
      self.assertEqual(response.getheader("retry-after"), "1")
      self.assertIn("try again later", json.loads(response.content)["error"])
      # What needs no thread is answered meanwhile.
      self.assertEqual(self.client.json("GET", "/v1/models/model")[0], 200)
      release()
      for thread in threads:
        thread.join()
    self.assertEqual(answers, [(200, {"predictions": [2.0]})] * rest_api.MAX_IN_FLIGHT)
    self.check_alive()


class EndTest(HeldTest):

  def test_those_that_wait_are_refused_at_the_end_and_those_in_work_answered(self):
    with self.held() as release:
      threads, answers = self.ask(6)
      self.wait_until(lambda: self.entered == 2)
      self.api.close()
      self.wait_until(lambda: len(answers) == 4)
      self.assertEqual(answers, [(503, {"error": "the server is ending."})] * 4)
      release()
      for thread in threads:
        thread.join()
    self.assertEqual(answers[4:], [(200, {"predictions": [2.0]})] * 2)
    self.assertEqual(self.client.predict({"instances": [1]})[0], 503)


if __name__ == "__main__":
  tf.test.main()
