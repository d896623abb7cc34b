"""Serves an exported model until the process is asked to end."""

import ipaddress
import json
import logging
import shlex
import socket
from collections.abc import Mapping
from typing import Any

import uvicorn
from absl import logging as absl_logging

from du_vae_tf import console
from du_vae_tf.server import application
from du_vae_tf.server import exported_model
from du_vae_tf.server import guard
from du_vae_tf.server import latent_map
from du_vae_tf.server import rest_api
from du_vae_tf.server import versions
from du_vae_tf.server import warmup

# Seconds that the requests being answered have when the server is to end.
_GRACE = 5
_LOG = logging.getLogger("uvicorn.error")


class Server(uvicorn.Server):
  """Answers requests to one model; ends without a word.

  Args:
    api: the REST interface to the model.
    facts: what the page is to know; see `application.make`.
    host: what the server listens on, as the user gave it.
  """

  def __init__(self, api: rest_api.RestApi, facts: Mapping[str, Any], host: str):
    super().__init__(uvicorn.Config(
        application.make(api, facts, host), loop="asyncio", http="h11", ws="none", lifespan="off",
        log_config=None, access_log=False, proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=_GRACE))
    self._api = api
    _LOG.disabled = False

  async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
    """Answers what is being answered, and refuses what waits."""
    _LOG.disabled = True  # It would tell of requests cut short.
    self._api.close()
    await super().shutdown(sockets)


def serve(version: versions.Version, listener: socket.socket, *, host: str, name: str,
          max_request_bytes: int) -> None:
  """Loads a model and serves it until SIGINT or SIGTERM, which are then sent to this process anew.

  Args:
    version: of the model.
    listener: socket that listens.
    host: what it listens on, as the user gave it.
    name: of the model in addresses.
    max_request_bytes: the largest body of a request.

  Raises:
    errors.UserError: the model cannot be loaded.
  """
  # The loader warns of gradients, which nobody asks a server for.
  absl_logging.set_verbosity(absl_logging.ERROR)
  facts = latent_map.read(version.path)
  stopwatch = console.Stopwatch()
  console.say(f"Loading {version.path}")
  model = exported_model.ExportedModel(version)
  warmup.run(model, version.path)
  api = rest_api.RestApi(model, name, max_request_bytes)
  server = Server(api, {"name": name, "version": version.number, "latent_map": facts}, host)
  console.say(announcement(
      listener, host, f"{name}, version {version.number}, is ready after"
      f" {console.duration(stopwatch.seconds)}", f"/v1/models/{name}", facts))
  server.run([listener])


def announcement(listener: socket.socket, host: str, ready: str, path: str,
                 facts: Mapping[str, Any] | None) -> str:
  """What a user reads when the server is ready: where the page is, and an example of a request.

  Args:
    listener: socket that listens.
    host: what it listens on, as the user gave it.
    ready: what is ready.
    path: of the model in addresses.
    facts: see `latent_map.read`.
  """
  shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
  own, port, *_ = listener.getsockname()
  address = f"http://{guard.bracketed(shown)}:{port}"
  reach = "" if ipaddress.ip_address(own).is_loopback else " Other machines can reach it."
  return (f"Page: {address}/ ({ready}; Ctrl-C ends).{reach} A request:\n"
          f"  {_example(address + path, facts)}")


def _example(address: str, facts: Mapping[str, Any] | None) -> str:
  """A command that sends a request."""
  if facts is None:
    return f"curl {address}/metadata"
  request: dict[str, Any] = {"signature_name": "generate", "instances": [1]}
  if facts["modality"] == "text" and facts["examples"]:
    request = {"signature_name": "reconstruct", "instances": facts["examples"][:1]}
  body = json.dumps(request, ensure_ascii=False)
  return f"curl -d {shlex.quote(body)} {address}:predict"
