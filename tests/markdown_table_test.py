"""Cells of Markdown tables, as TensorBoard and a Markdown library show them."""

import html
import re

import markdown
import numpy as np
from absl.testing import absltest
from tensorboard import plugin_util

from du_vae_tf import markdown_table

# Each of these means something in Markdown or in HTML.
_WORDS = (
    "a", "<unk>", "|", "||", "`", "``", "`x`", "\\", "\\\\", "\\|", "\\`", "*", "**b**", "_",
    "_num_", "__x__", "[a](b)", "![x]", "&", "&lt;", "&amp;", "#", "1.", "-", "+", "<b>x</b>", ">",
    "$5", "!", "http://a.b/c_d_e", "it's", '"q"', "{b}", "|a|", "a\\", "`|`", "---", ":-:", "<!--",
    "~")


def shown(page: str) -> list[str]:
  """What a reader sees in the cells of the only table."""
  return [html.unescape(re.sub("<[^>]*>", "", cell))
          for cell in re.findall("<td[^>]*>(.*?)</td>", page, re.DOTALL)]


class EscapeTest(absltest.TestCase):

  def test_every_text_is_shown_as_it_is(self):
    random = np.random.default_rng(1)
    texts = [*_WORDS, *(" ".join(random.choice(_WORDS, random.integers(2, 9))) for _ in range(300))]
    for text in texts:
      table = markdown_table.make(["", "text"], [["1", markdown_table.escape(text)]])
      for page in (plugin_util.markdown_to_safe_html(table),
                   markdown.markdown(table, extensions=["tables"])):
        self.assertEqual(shown(page), ["1", text], table)


if __name__ == "__main__":
  absltest.main()
