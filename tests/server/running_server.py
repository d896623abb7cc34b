"""A server within the process of a test, and requests to it."""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from du_vae_tf.server import listening
from du_vae_tf.server import rest_api
from du_vae_tf.server import running


class Client:
  """Sends requests to a port of this machine.

  Args:
    port: of the server.
  """

  def __init__(self, port: int):
    self.port = port

  def request(self, method: str, path: str, body: bytes | str | None = None,
              headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
    """The answer, its body read into `content`."""
    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
    try:
      connection.request(method, path, body, headers or {})
      response = connection.getresponse()
      response.content = response.read()
      return response
    finally:
      connection.close()

  def exchange(self, request: bytes) -> bytes:
    """What the server answers to the bytes of a request that asks it to hang up."""
    with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
      connection.sendall(request)
      parts = []
      with contextlib.suppress(ConnectionResetError):  # It need not read what it refuses.
        while part := connection.recv(2**16):
          parts.append(part)
    return b"".join(parts)

  def json(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and content of an answer in JSON; a body that is no bytes is sent as JSON."""
    if body is not None and not isinstance(body, bytes):
      body = json.dumps(body)
    response = self.request(method, path, body)
    assert response.getheader("content-type") == "application/json", response.content
    return response.status, json.loads(response.content)

  def predict(self, body: Any, model: str = "model") -> tuple[int, Any]:
    """Status and content of the answer to a predict request."""
    return self.json("POST", f"/v1/models/{model}:predict", body)


@contextlib.contextmanager
def serve(api: rest_api.RestApi, facts: Mapping[str, Any]) -> Iterator[Client]:
  """A server in a thread, on a free port."""
  with listening.listen("127.0.0.1", 0) as listener:
    server = running.Server(api, facts, "127.0.0.1")
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
      yield Client(listener.getsockname()[1])
    finally:
      server.should_exit = True
      thread.join()
