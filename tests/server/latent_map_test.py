"""Reading what an export says of its latent space."""

import json
import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.server import latent_map

CONTENT = {"modality": "text", "examples": ["größer"], "points": [[0.5, 1]], "labels": None,
           "mean": [0.0], "axes": [[1.0], [0.0]]}


class ReadTest(parameterized.TestCase):

  def version(self, content: bytes) -> pathlib.Path:
    root = pathlib.Path(self.create_tempdir().full_path)
    (root / "assets.extra").mkdir()
    (root / "assets.extra" / "latent_map.json").write_bytes(content)
    return root

  def test_content_is_given_as_it_is(self):
    content = CONTENT | {"more": None}
    self.assertEqual(
        latent_map.read(self.version(json.dumps(content, ensure_ascii=False).encode())), content)

  def test_export_without_the_file(self):
    self.assertIsNone(latent_map.read(pathlib.Path(self.create_tempdir().full_path)))

  @parameterized.parameters(
      (b"", "Expecting value"), (b"{", "Expecting"), (b"[]", "must be an object; received a list"),
      (b"{}", "must have axes, examples"), (b"3", "must be an object"), (b"\xff", "can't decode"),
      (json.dumps(CONTENT | {"modality": "sound"}).encode(), "its modality is 'sound'"))
  def test_damaged_file_is_refused(self, content, reason):
    with self.assertRaisesRegex(
        errors.UserError, rf"latent_map\.json: cannot be read .*\(.*{reason}.*\); export"):
      latent_map.read(self.version(content))


if __name__ == "__main__":
  absltest.main()
