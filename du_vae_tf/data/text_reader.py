"""Raw text files -> (sentence, label) rows, or one line that says what is wrong with them.

Everything stays bytes: words are what ASCII white space separates, in Python (`bytes.split`) as in
a TensorFlow graph (`tf.strings.split`). UTF-8 is checked, so that words can be shown. Files are
read line by line, twice: to find out what the lines are, and to get the rows.
"""

import dataclasses
import itertools
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
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
  """The rows of one split, in the order of the file; they need not fit into memory.

  Attributes:
    rows: reads them from the beginning: the line without its label, at least one word, and an
      integer, `NO_LABEL` where there are none.
    num_rows: how many they are.
    blank_lines: lines that were skipped because they have no word.
  """

  rows: Callable[[], Iterator[tuple[bytes, int]]]
  num_rows: int
  blank_lines: int

  def first(self, count: int | None) -> "RawSplit":
    """The first rows alone; None keeps all."""
    return dataclasses.replace(
        self, rows=lambda: itertools.islice(self.rows(), count),
        num_rows=len(range(self.num_rows)[:count]))


class _Line(NamedTuple):
  """A line with at least one word; `label` is the single word before the first TAB, if any."""

  path: pathlib.Path
  number: int
  text: bytes
  label: bytes | None

  @property
  def place(self) -> str:
    return f"{self.path}, line {self.number}"

  @property
  def has_only_a_label(self) -> bool:
    return self.label is not None and not sentence_of(self.text).strip()


class _Survey:
  """What a first reading finds out about the lines of all files, which it does not keep.

  Attributes:
    with_label: the first line with a label.
    without_label: the first one without.
    number: the first label of a row that is an integer.
    name: the first one that is something else.
    refused: the first row that cannot be labelled.
    class_numbers: names of classes, numbered in order of first occurrence.
    lines: split name -> lines.
    with_words: split name -> those with a word.
    only_labels: split name -> of these, those with a label and no sentence.
  """

  def __init__(self, files: Mapping[str, pathlib.Path]):
    self.with_label: _Line | None = None
    self.without_label: _Line | None = None
    self.number: _Line | None = None
    self.name: _Line | None = None
    self.refused: _Line | None = None
    self.class_numbers: dict[bytes, int] = {}
    self.lines = dict.fromkeys(files, 0)
    self.with_words = dict.fromkeys(files, 0)
    self.only_labels = dict.fromkeys(files, 0)
    for split, path in files.items():
      for number, text in _numbered_lines(path):
        self.lines[split] = number
        line = _with_words(path, number, text)
        if line is not None:
          self.with_words[split] += 1
          self._look_at(split, line)

  def num_rows(self, split: str, labelled: bool) -> int:
    """Rows of a split."""
    return self.with_words[split] - (self.only_labels[split] if labelled else 0)

  def _look_at(self, split: str, line: _Line) -> None:
    label = line.label
    if label is None:
      self.without_label = self.without_label or line
      self.refused = self.refused or line
      return
    self.with_label = self.with_label or line
    if line.has_only_a_label:
      self.only_labels[split] += 1
    elif is_number(label):
      self.number = self.number or line
      if not in_range(label):
        self.refused = self.refused or line
    else:
      self.name = self.name or line
      self.class_numbers.setdefault(label, len(self.class_numbers))


def read_files(
    files: Mapping[str, pathlib.Path], line_format: datasets.LineFormat
) -> dict[str, RawSplit]:
  """Looks through the files of all splits.

  Args:
    files: split name -> path.
    line_format: see `datasets.Dataset`.

  Returns:
    split name -> rows, which are read from the files when they are asked for.

  Raises:
    errors.UserError: a file cannot be read as text, a label is missing or malformed, or a split
      has too few rows.
  """
  survey = _Survey(files)
  labelled = line_format == "labelled" or (line_format == "detect" and _has_labels(survey))
  for split, path in files.items():
    least = datasets.MIN_TRAINING_ROWS if split == "train" else 1
    count = survey.num_rows(split, labelled)
    if count < least:
      raise errors.UserError(
          f"{path}: has {count} sentences in {survey.lines[split]} lines; this split"
          f" needs at least {least}.")
  if labelled:
    _check_labels(survey, class_names=line_format == "detect")
  return {split: _split(path, split, survey, labelled) for split, path in files.items()}


def label_of(line: bytes) -> bytes | None:
  """The single word before the first TAB of a line, if there is one."""
  head, tab, _ = line.partition(b"\t")
  words = head.split() if tab else []
  return words[0] if len(words) == 1 else None


def is_number(label: bytes) -> bool:
  """Whether a label is a class's number, and not its name."""
  return _INTEGER.fullmatch(label) is not None


def in_range(label: bytes) -> bool:
  """Whether a label is a number that a class may have."""
  return is_number(label) and 0 <= int(label[:20]) <= LARGEST_LABEL


def sentence_of(line: bytes) -> bytes:
  """What stands behind the label of a line."""
  return line.partition(b"\t")[2]


def check_utf8(content: bytes, path: pathlib.Path, first_line: int = 1) -> None:
  """Raises `errors.UserError` that names the first line that is not UTF-8.

  Args:
    content: of the file, or of a part of it.
    path: of the file.
    first_line: number of the line that the content begins with.
  """
  try:
    content.decode("utf-8")
  except UnicodeDecodeError as error:
    number = first_line + content.count(b"\n", 0, error.start)
    raise errors.UserError(
        f"{path}, line {number}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as"
        " UTF-8.") from error


def _numbered_lines(path: pathlib.Path) -> Iterator[tuple[int, bytes]]:
  """The lines without their line breaks, numbered from 1."""
  raw_files.check(path, EXPECTED)
  try:
    with path.open("rb") as file:
      for number in itertools.count(1):
        line = file.readline(raw_files.LONGEST_LINE + 1)
        if not line:
          return
        if len(line) > raw_files.LONGEST_LINE:
          raise errors.UserError(raw_files.long_line(path, EXPECTED))
        check_utf8(line, path, number)
        if number == 1:
          line = line.removeprefix(BYTE_ORDER_MARK)
        yield number, line.removesuffix(b"\n")
  except OSError as error:
    raise errors.UserError(f"{path}: cannot be read ({error.strerror}).") from error


def _with_words(path: pathlib.Path, number: int, text: bytes) -> _Line | None:
  return _Line(path, number, text, label_of(text)) if text.strip() else None


def _split(path: pathlib.Path, split: str, survey: _Survey, labelled: bool) -> RawSplit:
  count, numbers = survey.num_rows(split, labelled), survey.class_numbers

  def rows() -> Iterator[tuple[bytes, int]]:
    found = 0
    for number, text in _numbered_lines(path):
      line = _with_words(path, number, text)
      if line is None or (labelled and line.has_only_a_label):
        continue
      label = line.label or b""
      found += 1
      if found > count or (labelled and (label not in numbers if numbers else not in_range(label))):
        raise _changed(path)
      if labelled:
        yield sentence_of(text), numbers[label] if numbers else int(label)
      else:
        yield text, NO_LABEL
    if found < count:
      raise _changed(path)

  return RawSplit(rows, count, survey.lines[split] - count)


def _changed(path: pathlib.Path) -> errors.UserError:
  return errors.UserError(f"{path}: changed while it was read; start again.")


def _has_labels(survey: _Survey) -> bool:
  """Whether every line has a label (True) or none has (False)."""
  first_with, first_without = survey.with_label, survey.without_label
  if first_with is not None and first_without is not None:
    raise errors.UserError(
        f"{first_without.place}: has no label before a TAB, while {first_with.place} has"
        f" {_shown(first_with.label)}; write label<TAB>sentence on every line, or use no TAB.")
  return first_with is not None


def _check_labels(survey: _Survey, class_names: bool) -> None:
  """Refuses rows without a label, and labels that are neither all integers nor all names."""
  refused, name, number = survey.refused, survey.name, survey.number
  if refused is not None:
    if refused.label is None:
      raise errors.UserError(
          f"{refused.place}: has no label; expected label<TAB>sentence with an integer label.")
    raise errors.UserError(
        f"{refused.place}: label {_shown(refused.label)}; expected an integer from 0 to"
        f" {LARGEST_LABEL}.")
  if name is not None and (number is not None or not class_names):
    raise errors.UserError(
        f"{name.place}: label {_shown(name.label)} is not an integer"
        + (f", while {number.place} has {_shown(number.label)}" if number is not None else "")
        + "; expected integers from 0.")


def _shown(label: bytes | None) -> str:
  text = (label or b"").decode("utf-8")
  return repr(text if len(text) <= 40 else text[:40] + "...")
