"""One line of a text -> label and sentence, or why the line is no row that can be embedded.

What is refused is what `data/text_reader.py` refuses of a training file, but line by line.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from du_vae_tf import datasets
from du_vae_tf.data import text_reader

# What the lines of a file are. The last two are `label<TAB>sentence`, the label being the number or
# the name of a class. Of a data set that may have labels, a file is with them or without.
RowFormat = Literal[
    "sentences", "sentences without labels", "sentences with numbers as labels",
    "sentences with names as labels"]

MAX_LABEL_BYTES = 256


class Row(NamedTuple):
  """A line that can be embedded."""

  label: str | None
  sentence: bytes


def detect(lines: Iterable[bytes | None], line_format: datasets.LineFormat | None) -> RowFormat:
  """What the lines of a file are: its first one with a word says so.

  Args:
    lines: from the beginning of the file.
    line_format: of the data set that the run was trained on; see `datasets.Dataset`.
  """
  if line_format == "sentence":
    return "sentences"
  first = next((line for line in lines if line is not None and _fault(line) is None), b"")
  label = text_reader.label_of(first)
  if label is None:
    return "sentences without labels"
  return ("sentences with numbers as labels" if text_reader.is_number(label)
          else "sentences with names as labels")


def parse(line: bytes | None, row_format: RowFormat) -> Row | str:
  """The row of a line, or in a few words why there is none; the words are of a small set.

  Args:
    line: without its line break; None for one that is too long to be read.
    row_format: of the file.
  """
  if line is None:
    return "line too long"
  fault = _fault(line)
  if fault is not None:
    return fault
  if row_format == "sentences":
    return Row(None, line)
  label = text_reader.label_of(line)
  if row_format == "sentences without labels":
    return Row(None, line) if label is None else "label before a TAB, unlike the first row"
  if label is None:
    return "no label before a TAB, unlike the first row"
  fault = _label_fault(label, row_format)
  if fault is not None:
    return fault
  sentence = text_reader.sentence_of(line)
  return Row(label.decode("utf-8"), sentence) if sentence.strip() else "no words"


def _fault(line: bytes) -> str | None:
  if b"\0" in line:
    return "NUL byte"
  try:
    line.decode("utf-8")
  except UnicodeDecodeError:
    return "not UTF-8"
  return None if line.strip() else "no words"


def _label_fault(label: bytes, row_format: RowFormat) -> str | None:
  if len(label) > MAX_LABEL_BYTES:
    return "label too long"
  if text_reader.is_number(label) != (row_format == "sentences with numbers as labels"):
    return "label of another kind than that of the first row"
  if text_reader.is_number(label) and not text_reader.in_range(label):
    return "label out of range"
  return None
