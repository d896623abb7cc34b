"""Answers of the server as JSON."""

from collections.abc import Mapping
from typing import Any

from starlette import responses

from du_vae_tf.server import answer_json


def line(content: bytes, status: int = 200,
         headers: Mapping[str, str] | None = None) -> responses.Response:
  """An answer whose JSON is written already."""
  return responses.Response(content, status, headers, media_type="application/json")


def json(content: Any, status: int = 200,
         headers: Mapping[str, str] | None = None) -> responses.Response:
  """An answer in JSON."""
  return line(answer_json.dump(content), status, headers)


def error(status: int, message: str,
          headers: Mapping[str, str] | None = None) -> responses.Response:
  """An answer that says what was wrong."""
  return json({"error": message}, status, headers)
