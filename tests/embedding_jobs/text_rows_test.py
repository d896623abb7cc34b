"""Lines as rows, beside what the reader of training files makes of them."""

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.data import text_reader
from du_vae_tf.embedding_jobs import text_rows
from tests.data import own_files

NUMBERS, NAMES = "sentences with numbers as labels", "sentences with names as labels"
WITHOUT = "sentences without labels"


class TextRowsTest(parameterized.TestCase):

  @parameterized.parameters(
      (["1\ta b"], "detect", NUMBERS), (["1\ta b"], "labelled", NUMBERS),
      (["1\ta b"], None, NUMBERS),
      (["good\ta b"], "detect", NAMES), (["a b"], "labelled", WITHOUT),
      (["a b\tc"], "detect", WITHOUT), (["1\ta b"], "sentence", "sentences"),
      (["", " \t ", "\0", "7\ta"], "detect", NUMBERS), ([], "detect", WITHOUT))
  def test_first_usable_line_says_what_the_lines_are(self, lines, line_format, expected):
    given = [b"\xff\t1", None, *(line.encode() for line in lines)]
    self.assertEqual(text_rows.detect(given, line_format), expected)

  @parameterized.parameters(
      (b"a  b\r", WITHOUT, text_rows.Row(None, b"a  b\r")),
      (b"1\ta b", "sentences", text_rows.Row(None, b"1\ta b")),
      (b"a b\tc", WITHOUT, text_rows.Row(None, b"a b\tc")),
      (b" 3 \ta\tb", NUMBERS, text_rows.Row("3", b"a\tb")),
      ("gut\tä".encode(), NAMES, text_rows.Row("gut", "ä".encode())),
      (b"", WITHOUT, "no words"), (b" \t\r", NUMBERS, "no words"), (b"1\t ", NUMBERS, "no words"),
      (b"a\xff", "sentences", "not UTF-8"), (b"a\0b", "sentences", "NUL byte"),
      (None, NAMES, "line too long"),
      (b"1\ta", WITHOUT, "label before a TAB, unlike the first row"),
      (b"a b", NUMBERS, "no label before a TAB, unlike the first row"),
      (b"one two\ta", NAMES, "no label before a TAB, unlike the first row"),
      (b"x\ta", NUMBERS, "label of another kind than that of the first row"),
      (b"1\ta", NAMES, "label of another kind than that of the first row"),
      (b"-1\ta", NUMBERS, "label out of range"), (b"2147483648\ta", NUMBERS, "label out of range"),
      (b"2147483647\ta", NUMBERS, text_rows.Row("2147483647", b"a")),
      (b"x" * 257 + b"\ta", NAMES, "label too long"))
  def test_row_or_reason(self, line, row_format, expected):
    self.assertEqual(text_rows.parse(line, row_format), expected)

  @parameterized.parameters(
      ("sentence", ["a b", "c\td", " e "]), ("labelled", ["0\ta b", "1\tc \t d"]),
      ("detect", ["0\ta b", " 12 \tc"]), ("detect", ["a b", "c d\te"]))
  def test_rows_are_those_of_the_reader_of_training_files(self, line_format, lines):
    lines = [*lines, *lines[:1] * 16]
    path = own_files.write(self.create_tempdir().full_path, {"train": lines})["train"]
    split = text_reader.read_files({"train": path}, line_format)["train"]
    encoded = [line.encode() for line in lines]
    row_format = text_rows.detect(encoded, line_format)
    rows = [text_rows.parse(line, row_format) for line in encoded]
    self.assertEqual(
        [(row.sentence, text_reader.NO_LABEL if row.label is None else int(row.label))
         for row in rows], list(split.rows()))


if __name__ == "__main__":
  absltest.main()
