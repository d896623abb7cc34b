"""The whole server as an ASGI application: the REST interface, the page, errors, security."""

import pathlib
from collections.abc import Mapping
from typing import Any

from starlette import applications
from starlette import exceptions
from starlette import requests
from starlette import responses as starlette_responses
from starlette import routing
from starlette import staticfiles
from starlette import types

from du_vae_tf.server import guard
from du_vae_tf.server import refusals
from du_vae_tf.server import responses
from du_vae_tf.server import rest_api

_PAGE = pathlib.Path(__file__).parent / "page"


def make(api: rest_api.RestApi, facts: Mapping[str, Any], host: str) -> types.ASGIApp:
  """The application.

  Args:
    api: the REST interface.
    facts: what the page is to know of the model: `name`, `version`, `latent_map`.
    host: what the server listens on, as the user gave it.
  """

  async def model(_: requests.Request) -> starlette_responses.Response:
    return responses.json(facts)

  return guard.Guard(applications.Starlette(
      routes=[
          *api.routes,
          routing.Route("/model.json", model),
          # Bazel's runfiles are links.
          routing.Mount("/", staticfiles.StaticFiles(
              directory=_PAGE, html=True, follow_symlink=True))],
      exception_handlers={
          refusals.Refusal: _refused, exceptions.HTTPException: _http_error,
          Exception: _unexpected}), host)


async def _refused(_: requests.Request, error: Exception) -> starlette_responses.Response:
  assert isinstance(error, refusals.Refusal)
  headers = {"Retry-After": "1"} if error.status == 503 else None
  return responses.error(error.status, error.message, headers)


async def _http_error(request: requests.Request, error: Exception) -> starlette_responses.Response:
  """Of the router: a path that is not there, a method that it does not take."""
  assert isinstance(error, exceptions.HTTPException)
  return responses.error(
      error.status_code,
      f"{request.method} {request.url.path}: {error.detail.lower()}; there are POST"
      " /v1/models/NAME:predict and GET /v1/models/NAME, /v1/models/NAME/metadata, /.",
      error.headers)


async def _unexpected(_: requests.Request, error: Exception) -> starlette_responses.Response:
  # The error goes on to the server, which logs it with its traceback.
  del error
  return responses.error(500, "an unexpected error; the server's log says more.")
