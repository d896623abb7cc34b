"""What every request must satisfy, and every answer carries, so that other pages cannot misuse us.

A browser lets any page send requests to a server on its user's machine. Two checks stop that: the
`Host` must be a name of ours (a page whose own name was made to point to this machine has its
own), and a request that changes or costs something must come from our page or from no page.
"""

import ipaddress
import re
import socket
from collections.abc import MutableMapping
from typing import Any

from starlette import datastructures
from starlette import types

from du_vae_tf.server import responses

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/]+)(:\d*)?")
_READING = ("GET", "HEAD")

_HEADERS = {
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src"
        " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A page that was kept from another version of the server would not fit its answers.
    "Cache-Control": "no-store"}


class Guard:
  """Refuses what may come from pages of others, and adds security headers to every answer.

  Args:
    app: what is guarded.
    host: what the server listens on, as the user gave it.
  """

  def __init__(self, app: types.ASGIApp, host: str):
    self._app = app
    self._any_address = _is_unspecified(host)
    own = socket.gethostname() if self._any_address else bracketed(host)
    self._hosts = _LOCAL | {own.lower()}

  async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
    """Answers a request."""

    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
      if message["type"] == "http.response.start":
        datastructures.MutableHeaders(scope=message).update(_HEADERS)
      await send(message)

    headers = datastructures.Headers(scope=scope)
    refused = self._refused(scope["method"], headers.get("host", ""), headers.get("origin"))
    app = self._app if refused is None else responses.error(403, refused)
    await app(scope, receive, send_with_headers)

  def _refused(self, method: str, host: str, origin: str | None) -> str | None:
    """Why a request is refused; None if it is not."""
    name = _HOST.fullmatch(host.lower())
    if name is None or not self._is_ours(name[1]):
      return (f"the Host {host!r} is none of this server's names"
              f" ({', '.join(sorted(self._hosts))}); --host gives it one.")
    if method not in _READING and origin is not None and origin.partition("://")[2] != host:
      return f"requests from pages of {origin!r} are not answered."
    return None

  def _is_ours(self, name: str) -> bool:
    return name in self._hosts or (self._any_address and _is_address(name))


def bracketed(host: str) -> str:
  """A host as it stands in an address: IPv6 in brackets."""
  return f"[{host}]" if ":" in host else host


def _is_unspecified(host: str) -> bool:
  """Whether a host stands for all addresses of the machine."""
  try:
    return ipaddress.ip_address(host).is_unspecified
  except ValueError:
    return False


def _is_address(name: str) -> bool:
  """Whether the name of a host is an address, which no page's own name can be."""
  try:
    ipaddress.ip_address(name.strip("[]"))
    return True
  except ValueError:
    return False
