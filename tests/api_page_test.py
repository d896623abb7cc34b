"""docs/api.md says what the docstrings say."""

import pathlib

from absl.testing import absltest

import du_vae_tf
from docs import make_api

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "api.md"


class ApiPageTest(absltest.TestCase):

  def test_page_is_up_to_date(self):
    self.assertMultiLineEqual(
        PAGE.read_text(encoding="utf-8"), make_api.page(),
        "docs/api.md is stale: bazel run //docs:make_api")

  def test_every_public_name_and_method_has_its_place(self):
    text = make_api.page()
    for name in du_vae_tf.__all__:
      self.assertRegex(text, rf"\n## (class )?`{name}`\n")
    for method in ("compile", "fit", "evaluate", "encode", "decode", "reconstruct", "interpolate",
                   "sample", "log_likelihood"):
      self.assertEqual(text.count(f"\n### `{method}`\n"), 1, method)
    self.assertNotIn("_parts", text)
    self.assertNotIn("save_own_variables", text)


if __name__ == "__main__":
  absltest.main()
