"""What a user reads when a server is ready."""

import shlex

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.server import listening
from du_vae_tf.server import running

PATH = "/v1/models/m"
TEXT = {"modality": "text", "examples": ["it 's größer", "b"]}


class AnnouncementTest(parameterized.TestCase):

  def said(self, host: str = "127.0.0.1", facts=None) -> tuple[str, str, int]:
    """The two lines, and the port."""
    with listening.listen(host, 0) as listener:
      first, second = running.announcement(listener, host, "m is ready", PATH, facts).splitlines()
      return first, second, listener.getsockname()[1]

  def test_page_and_metadata(self):
    first, second, port = self.said()
    self.assertEqual(
        first, f"Page: http://127.0.0.1:{port}/ (m is ready; Ctrl-C ends). A request:")
    self.assertEqual(second, f"  curl http://127.0.0.1:{port}/v1/models/m/metadata")

  def test_that_others_are_let_in_is_told(self):
    first, _, port = self.said("0.0.0.0")
    self.assertStartsWith(first, f"Page: http://127.0.0.1:{port}/ ")
    self.assertIn(" Other machines can reach it. ", first)

  @parameterized.parameters(
      (TEXT, '{"signature_name": "reconstruct", "instances": ["it \'s größer"]}'),
      (TEXT | {"examples": []}, '{"signature_name": "generate", "instances": [1]}'),
      ({"modality": "image", "examples": [[[0]]]},
       '{"signature_name": "generate", "instances": [1]}'))
  def test_example_can_be_typed_into_a_shell(self, facts, body):
    _, second, port = self.said(facts=facts)
    self.assertEqual(shlex.split(second), [
        "curl", "-d", body, f"http://127.0.0.1:{port}/v1/models/m:predict"])


if __name__ == "__main__":
  absltest.main()
