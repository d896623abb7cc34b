"""Where a server can listen, and what is said where it cannot."""

import socket
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.server import listening


class ListenTest(parameterized.TestCase):

  @parameterized.parameters("127.0.0.1", "localhost", "0.0.0.0")
  def test_any_free_port_takes_connections(self, host):
    with listening.listen(host, 0) as listener:
      address = listener.getsockname()
      self.assertGreater(address[1], 0)
      with socket.create_connection(("127.0.0.1", address[1])):
        connection, _ = listener.accept()
        with connection:
          # Small answers are sent at once.
          self.assertTrue(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

  def test_taken_port_is_refused(self):
    with listening.listen("127.0.0.1", 0) as listener:
      port = listener.getsockname()[1]
      with self.assertRaisesRegex(errors.UserError, f"--port={port}: is taken by another program"):
        listening.listen("127.0.0.1", port)
    listening.listen("127.0.0.1", port).close()

  @parameterized.parameters(
      ("192.0.2.1", "--host=192.0.2.1: is not an address of this machine"),
      ("..", r"--host=\.\.: no such host"))
  def test_host_of_others_is_refused(self, host, message):
    with self.assertRaisesRegex(errors.UserError, message):
      listening.listen(host, 0)

  def test_unknown_name_is_refused(self):
    with mock.patch.object(socket, "getaddrinfo", side_effect=socket.gaierror("unknown")):
      with self.assertRaisesRegex(errors.UserError, "--host=elsewhere: no such host"):
        listening.listen("elsewhere", 0)

  @parameterized.parameters(
      (PermissionError(13, "denied"), "--port=80: needs rights that you do not have"),
      (OSError(24, "many files"), "--host=127.0.0.1, --port=80: cannot be listened on .Too many"))
  def test_other_reasons_are_named(self, error, message):
    with mock.patch.object(socket, "create_server", side_effect=error):
      with self.assertRaisesRegex(errors.UserError, message):
        listening.listen("127.0.0.1", 80)


if __name__ == "__main__":
  absltest.main()
