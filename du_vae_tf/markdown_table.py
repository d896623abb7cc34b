"""Tables in Markdown."""

import re
from collections.abc import Iterable, Sequence

# What ends a cell or formats what stands in it.
_SPECIAL = re.compile(r"([\\`*_\[\]|])")


def make(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
  """A table with a line for each row, and a line break at its end.

  Args:
    head: headings of the columns.
    rows: cells as they are to stand in Markdown, as many as there are columns.
  """
  lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
  return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def escape(text: str) -> str:
  """Text as a cell that shows it as it is, `<unk>` and bars too."""
  return _SPECIAL.sub(r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))
