"""TensorFlow Serving's REST interface to one exported model.

  POST /v1/models/NAME[/versions/N]:predict
  GET  /v1/models/NAME[/versions/N]
  GET  /v1/models/NAME[/versions/N]/metadata
"""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent import futures

from starlette import convertors
from starlette import requests
from starlette import responses as starlette_responses
from starlette import routing

from du_vae_tf.server import answer_json
from du_vae_tf.server import exported_model
from du_vae_tf.server import refusals
from du_vae_tf.server import request_json
from du_vae_tf.server import responses

# TensorFlow uses all cores for one request; a second thread keeps them busy while the first reads
# and writes JSON.
_THREADS = 2
# Requests that are read, wait or are answered; each holds its body in memory.
MAX_IN_FLIGHT = 32
# Seconds for the body of a request to arrive.
_BODY_TIMEOUT = 30.0


class _NameConvertor(convertors.StringConvertor):
  """The name of a model in an address: up to a verb, which begins with a colon."""

  regex = "[^/:]+"


class _VersionConvertor(convertors.IntegerConvertor):
  """The number of a version in an address: an int64."""

  regex = "[0-9]{1,19}"


convertors.register_url_convertor("model", _NameConvertor())
convertors.register_url_convertor("version", _VersionConvertor())


class RestApi:
  """Answers requests to a model.

  Args:
    model: to be asked.
    name: of the model in addresses.
    max_request_bytes: the largest body.
  """

  def __init__(self, model: exported_model.ExportedModel, name: str, max_request_bytes: int):
    self._model = model
    self._name = name
    self._max_request_bytes = max_request_bytes
    self._in_flight = 0
    self._closed = False
    self._threads = futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="predict")

  @property
  def routes(self) -> list[routing.Route]:
    """What is answered at which address."""
    made = []
    for base in ("/v1/models/{name:model}", "/v1/models/{name:model}/versions/{version:version}"):
      made += [routing.Route(f"{base}:predict", self._predict, methods=["POST"]),
               routing.Route(f"{base}/metadata", self._metadata),
               routing.Route(base, self._status)]
    return made

  def close(self) -> None:
    """Refuses the requests that wait for a thread; those that have one are answered."""
    self._closed = True
    self._threads.shutdown(wait=False, cancel_futures=True)

  async def _predict(self, request: requests.Request) -> starlette_responses.Response:
    self._check_address(request)
    with self._place():
      return responses.line(await self._answer_in_thread(await self._body(request)))

  async def _answer_in_thread(self, body: bytes) -> bytes:
    if self._closed:
      raise _ending()
    future = self._threads.submit(self._answer, body)
    try:
      return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
      if not future.cancelled():
        raise
      raise _ending() from None

  def _answer(self, body: bytes) -> bytes:
    """The answer to the body of a request; runs in a thread, as all of this takes time."""
    request = request_json.parse(body)
    arrays = request_json.arrays(request, self._model.inputs(request.signature))
    outputs = self._model.call(request.signature, arrays)
    return answer_json.dump(answer_json.predictions(outputs, request.rows))

  async def _metadata(self, request: requests.Request) -> starlette_responses.Response:
    self._check_address(request)
    return responses.json({
        "model_spec": {"name": self._name, "signature_name": "",
                       "version": str(self._model.version)},
        "metadata": {"signature_def": {"signature_def": self._model.metadata()}}})

  async def _status(self, request: requests.Request) -> starlette_responses.Response:
    self._check_address(request)
    return responses.json({"model_version_status": [{
        "version": str(self._model.version), "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""}}]})

  def _check_address(self, request: requests.Request) -> None:
    name, version = request.path_params["name"], request.path_params.get("version")
    if name != self._name:
      raise refusals.Refusal(
          404, f"no model {refusals.shown(name)!r} here; there is {self._name!r}.")
    if version not in (None, self._model.version):
      raise refusals.Refusal(
          404, f"no version {version} of {self._name!r} here; there is {self._model.version}.")

  @contextlib.contextmanager
  def _place(self) -> Iterator[None]:
    """Counts a request among those in flight."""
    if self._in_flight >= MAX_IN_FLIGHT:
      raise refusals.Refusal(
          503, f"{MAX_IN_FLIGHT} requests are being answered or wait already; try again later.")
    self._in_flight += 1
    try:
      yield
    finally:
      self._in_flight -= 1

  async def _body(self, request: requests.Request) -> bytes:
    """The body, read no further than its largest size."""
    if int(request.headers.get("content-length", 0)) > self._max_request_bytes:
      raise self._too_large()
    body = bytearray()
    try:
      async with asyncio.timeout(_BODY_TIMEOUT):
        async for chunk in request.stream():
          body += chunk
          if len(body) > self._max_request_bytes:
            raise self._too_large()
    except TimeoutError:
      raise refusals.Refusal(
          408, f"the request did not arrive within {_BODY_TIMEOUT:g} s.") from None
    except requests.ClientDisconnect:
      raise refusals.Refusal(400, "the request broke off.") from None
    return bytes(body)

  def _too_large(self) -> refusals.Refusal:
    return refusals.Refusal(
        413, f"the request is larger than {self._max_request_bytes / 2**20:g} MiB; send fewer rows"
        " at a time, or start the server with a larger --max_request_mb.")


def _ending() -> refusals.Refusal:
  return refusals.Refusal(503, "the server is ending.")
