"""Which requests are let through to the application."""

import asyncio
import socket

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.server import guard
from du_vae_tf.server import responses


def ask(listens_on: str, method: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
  """Status and headers of the answer to a request."""
  messages = []

  async def send(message):
    messages.append(message)

  scope = {"type": "http", "method": method, "headers": [
      (name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]}
  application = guard.Guard(responses.json({}), listens_on)
  asyncio.run(application(scope, None, send))
  return messages[0]["status"], {
      name.decode(): value.decode() for name, value in messages[0]["headers"]}


class HostTest(parameterized.TestCase):

  def status(self, listens_on: str, host: str) -> int:
    return ask(listens_on, "GET", {"Host": host})[0]

  @parameterized.parameters(
      "localhost", "localhost:8501", "LOCALHOST:1", "127.0.0.1:8501", "[::1]:8501", "[::1]")
  def test_names_of_this_machine_are_ours(self, host):
    for listens_on in ("127.0.0.1", "::1", "0.0.0.0", "box.example"):
      self.assertEqual(self.status(listens_on, host), 200)

  @parameterized.parameters(
      "evil.example", "evil.example:8501", "localhost.evil.example", "127.0.0.1.evil.example",
      "192.168.1.5", "", "localhost:8501:1", "evil@localhost", "[::1", "::1", "[::1]x",
      "local host", "localhost.")
  def test_other_names_are_not(self, host):
    self.assertEqual(self.status("127.0.0.1", host), 403)

  def test_request_without_a_host_is_refused(self):
    self.assertEqual(ask("127.0.0.1", "GET", {})[0], 403)

  def test_name_that_was_given_is_ours(self):
    for listens_on, host in (("box.example", "box.example:80"), ("Box.example", "box.Example"),
                             ("192.168.1.5", "192.168.1.5:8501"), ("fe80::1", "[fe80::1]:8501")):
      self.assertEqual(self.status(listens_on, host), 200)
    self.assertEqual(self.status("box.example", "192.168.1.5"), 403)

  @parameterized.parameters("0.0.0.0", "::")
  def test_all_addresses_are_ours_if_all_are_listened_on_but_not_all_names(self, listens_on):
    for host in ("192.168.1.5:8501", "[fe80::1]", socket.gethostname()):
      self.assertEqual(self.status(listens_on, host), 200)
    for host in ("evil.example", "192.168.1.5.evil.example", "[evil]"):
      self.assertEqual(self.status(listens_on, host), 403)


class OriginTest(parameterized.TestCase):

  @parameterized.parameters("http://localhost:8501", "https://localhost:8501")
  def test_our_own_page_may_post(self, origin):
    self.assertEqual(
        ask("127.0.0.1", "POST", {"Host": "localhost:8501", "Origin": origin})[0], 200)

  def test_programs_send_no_origin(self):
    self.assertEqual(ask("127.0.0.1", "POST", {"Host": "localhost:8501"})[0], 200)

  @parameterized.parameters(
      "http://evil.example", "http://localhost:9999", "http://localhost", "null", "",
      "http://127.0.0.1:8501", "http://localhost:8501.evil.example")
  def test_pages_of_others_may_not(self, origin):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
      headers = {"Host": "localhost:8501", "Origin": origin}
      status, answered = ask("127.0.0.1", method, headers)
      self.assertEqual(status, 403)
      self.assertNotIn("access-control-allow-origin", answered)


class HeadersTest(absltest.TestCase):

  def test_every_answer_has_them(self):
    for host in ("localhost", "evil.example"):
      _, headers = ask("127.0.0.1", "GET", {"Host": host})
      self.assertEqual(headers["x-content-type-options"], "nosniff")
      policy = dict(part.strip().split(" ", 1)
                    for part in headers["content-security-policy"].split(";"))
      self.assertEqual(policy["default-src"], "'none'")
      self.assertEqual(policy["script-src"], "'self'")
      self.assertEqual(policy["frame-ancestors"], "'none'")
      self.assertNotIn("unsafe", headers["content-security-policy"])


if __name__ == "__main__":
  absltest.main()
