"""Raw text files -> (label, sentence) rows, or one line that says what is wrong with them.

Everything stays bytes: words are what ASCII white space separates, in Python (`bytes.split`) as in
a TensorFlow graph (`tf.strings.split`). UTF-8 is checked, so that words can be shown.
"""

import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.data import raw_files

NO_LABEL: int = -1
# What a raw file should hold, for messages.
EXPECTED: str = "a text file with a sentence, or label<TAB>sentence, a line"
BYTE_ORDER_MARK: bytes = b"\xef\xbb\xbf"
LARGEST_LABEL: int = 2**31 - 1
_INTEGER = re.compile(rb"-?[0-9]+")


@dataclasses.dataclass(frozen=True)
class RawSplit:
  """The rows of one split, in the order of the file.

  Attributes:
    sentences: the lines without their labels, at least one word each.
    labels: one integer a row, `NO_LABEL` where there are none.
    blank_lines: lines that were skipped because they have no word.
  """

  sentences: Sequence[bytes]
  labels: Sequence[int]
  blank_lines: int


class _Line(NamedTuple):
  """A line with at least one word; `label` is the single word before the first TAB, if any."""

  path: pathlib.Path
  number: int
  text: bytes
  label: bytes | None

  @property
  def place(self) -> str:
    return f"{self.path}, line {self.number}"


def read_files(
    files: Mapping[str, pathlib.Path], line_format: datasets.LineFormat
) -> dict[str, RawSplit]:
  """Reads the files of all splits.

  Args:
    files: split name -> path.
    line_format: see `datasets.Dataset`.

  Returns:
    split name -> rows.

  Raises:
    errors.UserError: a file cannot be read as text, a label is missing or malformed, or a split
      has too few rows.
  """
  lines: dict[str, list[_Line]] = {}
  line_counts: dict[str, int] = {}
  for split, path in files.items():
    lines[split], line_counts[split] = _read_lines(path)
  labelled = line_format == "labelled" or (line_format == "detect" and _has_labels(lines))
  if labelled:
    lines = {split: [line for line in rows if line.label is None or sentence_of(line.text).strip()]
             for split, rows in lines.items()}
  for split, rows in lines.items():
    least = datasets.MIN_TRAINING_ROWS if split == "train" else 1
    if len(rows) < least:
      raise errors.UserError(
          f"{files[split]}: has {len(rows)} sentences in {line_counts[split]} lines; this split"
          f" needs at least {least}.")
  labels = (_labels(lines, class_names=line_format == "detect") if labelled
            else {split: [NO_LABEL] * len(rows) for split, rows in lines.items()})
  return {
      split: RawSplit(
          sentences=[sentence_of(line.text) if labelled else line.text for line in rows],
          labels=labels[split], blank_lines=line_counts[split] - len(rows))
      for split, rows in lines.items()}


def label_of(line: bytes) -> bytes | None:
  """The single word before the first TAB of a line, if there is one."""
  head, tab, _ = line.partition(b"\t")
  words = head.split() if tab else []
  return words[0] if len(words) == 1 else None


def is_number(label: bytes) -> bool:
  """Whether a label is a class's number, and not its name."""
  return _INTEGER.fullmatch(label) is not None


def in_range(label: bytes) -> bool:
  """Whether a label that is a number is one that a class may have."""
  return 0 <= int(label[:20]) <= LARGEST_LABEL


def sentence_of(line: bytes) -> bytes:
  """What stands behind the label of a line."""
  return line.partition(b"\t")[2]


def check_utf8(content: bytes, path: pathlib.Path) -> None:
  """Raises `errors.UserError` that names the first line that is not UTF-8."""
  try:
    content.decode("utf-8")
  except UnicodeDecodeError as error:
    number = content.count(b"\n", 0, error.start) + 1
    raise errors.UserError(
        f"{path}, line {number}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as"
        " UTF-8.") from error


def _read_lines(path: pathlib.Path) -> tuple[list[_Line], int]:
  """The lines with at least one word, and the number of all lines."""
  content = raw_files.read_bytes(path, EXPECTED)
  check_utf8(content, path)
  rows = content.removeprefix(BYTE_ORDER_MARK).split(b"\n")
  if not rows[-1]:
    rows.pop()
  lines = []
  for number, row in enumerate(rows, start=1):
    if row.strip():
      lines.append(_Line(path, number, row, label_of(row)))
  return lines, len(rows)


def _has_labels(lines: Mapping[str, Sequence[_Line]]) -> bool:
  """Whether every line has a label (True) or none has (False)."""
  everything = [line for rows in lines.values() for line in rows]
  first_with = next((line for line in everything if line.label is not None), None)
  first_without = next((line for line in everything if line.label is None), None)
  if first_with is not None and first_without is not None:
    raise errors.UserError(
        f"{first_without.place}: has no label before a TAB, while {first_with.place} has"
        f" {_shown(first_with.label)}; write label<TAB>sentence on every line, or use no TAB.")
  return first_with is not None


def _labels(lines: Mapping[str, Sequence[_Line]], class_names: bool) -> dict[str, list[int]]:
  """Integer labels; class names, where allowed, are numbered in order of first occurrence."""
  everything = [line for rows in lines.values() for line in rows]
  first_name: _Line | None = None
  first_integer: _Line | None = None
  for line in everything:
    if line.label is None:
      raise errors.UserError(
          f"{line.place}: has no label; expected label<TAB>sentence with an integer label.")
    if is_number(line.label):
      first_integer = first_integer or line
      if not in_range(line.label):
        raise errors.UserError(
            f"{line.place}: label {_shown(line.label)}; expected an integer from 0 to"
            f" {LARGEST_LABEL}.")
    else:
      first_name = first_name or line
  if first_name is not None and (first_integer is not None or not class_names):
    raise errors.UserError(
        f"{first_name.place}: label {_shown(first_name.label)} is not an integer"
        + (f", while {first_integer.place} has {_shown(first_integer.label)}"
           if first_integer is not None else "") + "; expected integers from 0.")
  numbers: dict[bytes, int] = {}
  if first_name is not None:
    for line in everything:
      numbers.setdefault(line.label or b"", len(numbers))
  return {
      split: [numbers[line.label or b""] if numbers else int(line.label or b"") for line in rows]
      for split, rows in lines.items()}


def _shown(label: bytes | None) -> str:
  text = (label or b"").decode("utf-8")
  return repr(text if len(text) <= 40 else text[:40] + "...")
