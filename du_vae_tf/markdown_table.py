"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def make(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
  """A table with a line for each row, and a line break at its end.

  Args:
    head: headings of the columns.
    rows: cells as they are to stand in Markdown, as many as there are columns.
  """
  lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
  return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
