"""The socket that a server listens on."""

import errno
import os
import socket

from du_vae_tf import errors


def listen(host: str, port: int) -> socket.socket:
  """A socket that listens.

  Args:
    host: a name or an address of this machine.
    port: 0 for any free one.

  Raises:
    errors.UserError: there is no such host, it is not this machine, or the port is taken.
  """
  try:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
  except (OSError, UnicodeError):
    raise errors.UserError(
        f"--host={host}: no such host; give a name or an address of this machine.") from None
  # Of the addresses of a name, those of IPv4 first.
  family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
  try:
    listener = socket.create_server(address[:2], family=family)
  except OSError as error:
    raise errors.UserError(_reason(error, host, port)) from None
  # Of its connections as well. The end of an answer would otherwise wait for the client to confirm
  # the beginning, which takes 40 ms.
  listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
  return listener


def _reason(error: OSError, host: str, port: int) -> str:
  if error.errno == errno.EADDRINUSE:
    return f"--port={port}: is taken by another program; give another one, or 0 for any free one."
  if error.errno == errno.EACCES:
    return f"--port={port}: needs rights that you do not have; give one from 1024."
  if error.errno == errno.EADDRNOTAVAIL:
    return f"--host={host}: is not an address of this machine; give one that is."
  return (f"--host={host}, --port={port}: cannot be listened on"
          f" ({os.strerror(error.errno or 0)}); give others.")
