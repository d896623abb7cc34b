"""Text files: what is read from them and what is refused."""

from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import raw_files
from du_vae_tf.data import text_reader
from tests.data import own_files

GOOD = {split: ["a b c"] * 16 for split in ("train", "valid", "test")}
LABELLED = {split: ["0\ta b c"] * 16 for split in ("train", "valid", "test")}


def _sentences(split: text_reader.RawSplit) -> list[bytes]:
  return [sentence for sentence, _ in split.rows()]


def _labels(split: text_reader.RawSplit) -> list[int]:
  return [label for _, label in split.rows()]


class TextReaderTest(parameterized.TestCase):

  def _read(self, lines, line_format="detect"):
    return text_reader.read_files(
        own_files.write(self.create_tempdir().full_path, lines), line_format)

  def test_lines_without_labels_keep_their_order(self):
    lines = [f"word{number} x" for number in range(20)]
    read = self._read(GOOD | {"train": lines}, "sentence")
    self.assertEqual(_sentences(read["train"]), [line.encode() for line in lines])
    self.assertEqual(_labels(read["train"]), [-1] * 20)

  def test_labels_are_taken_off(self):
    read = self._read(LABELLED | {"test": ["3\tx\ty", "12\tz"]}, "labelled")
    self.assertEqual(_sentences(read["test"]), [b"x\ty", b"z"])
    self.assertEqual(_labels(read["test"]), [3, 12])

  def test_detection_finds_labels_in_every_line(self):
    self.assertEqual(_labels(self._read(LABELLED)["valid"]), [0] * 16)
    self.assertEqual(_sentences(self._read(LABELLED)["valid"])[0], b"a b c")

  def test_a_tab_after_several_words_is_no_label(self):
    read = self._read(GOOD | {"valid": ["two words\tthen a tab"]})
    self.assertEqual(_sentences(read["valid"]), [b"two words\tthen a tab"])
    self.assertEqual(_labels(read["valid"]), [-1])

  def test_class_names_are_numbered_in_order_of_first_occurrence(self):
    read = self._read({
        "train": ["pos\ta"] * 8 + ["neg\tb"] * 8, "valid": ["neg\tb"], "test": ["odd\tc"]})
    self.assertEqual(_labels(read["train"]), [0] * 8 + [1] * 8)
    self.assertEqual(_labels(read["valid"]), [1])
    self.assertEqual(_labels(read["test"]), [2])

  def test_blank_lines_are_dropped_and_counted(self):
    read = self._read(GOOD | {"valid": ["", "a", " \t ", "b", ""]})
    self.assertEqual(_sentences(read["valid"]), [b"a", b"b"])
    self.assertEqual(read["valid"].blank_lines, 3)
    self.assertEqual(read["train"].blank_lines, 0)

  def test_labels_without_a_sentence_count_as_blank_lines(self):
    read = self._read(LABELLED | {"valid": ["1\t", "0\ta", ""]})
    self.assertEqual(_labels(read["valid"]), [0])
    self.assertEqual(read["valid"].blank_lines, 2)

  def test_line_ends_of_windows_and_a_byte_order_mark_are_no_words(self):
    read = self._read(GOOD | {"valid": b"\xef\xbb\xbfa b\r\n\r\nc"})
    self.assertEqual([s.split() for s in _sentences(read["valid"])], [[b"a", b"b"], [b"c"]])
    self.assertEqual(read["valid"].blank_lines, 1)

  def test_control_characters_and_unicode_spaces_are_kept(self):
    line = "nul\x00l \x01 no\u00a0break \u2028 \x85"
    read = self._read(GOOD | {"valid": [line]})
    self.assertEqual(_sentences(read["valid"]), [line.encode()])

  def test_a_line_of_100_000_words_is_read(self):
    read = self._read(GOOD | {"train": ["w " * 100_000] + ["a"] * 15})
    self.assertLen(_sentences(read["train"])[0].split(), 100_000)

  def test_rows_can_be_read_again_and_cut(self):
    valid = self._read(GOOD | {"valid": ["a", "", "b", "c"]})["valid"]
    self.assertEqual(_sentences(valid), [b"a", b"b", b"c"])
    self.assertEqual(_sentences(valid), [b"a", b"b", b"c"])
    for count, kept in ((2, 2), (5, 3), (None, 3)):
      cut = valid.first(count)
      self.assertLen(_sentences(cut), kept)
      self.assertEqual(cut.num_rows, kept)

  @parameterized.parameters(
      ("1\ta", "1\tb\n1\ta"), ("1\ta\n1\tb", "1\ta"), ("1\ta", "b"), ("x\ta", "y\ta"))
  def test_a_file_that_changes_between_two_readings_is_refused(self, before, after):
    lines = {"valid": before.encode(), "test": before.encode()}
    files = own_files.write(self.create_tempdir().full_path, lines)
    split = text_reader.read_files(files, "detect")["valid"]
    files["valid"].write_text(after)
    with self.assertRaisesRegex(errors.UserError, r"valid\.txt: changed while it was read"):
      list(split.rows())

  def test_a_line_that_would_fill_the_memory_is_refused(self):
    with mock.patch.object(raw_files, "LONGEST_LINE", 10):
      self._read(GOOD | {"valid": b"123456789\n1234567890"})
      with self.assertRaisesRegex(errors.UserError, r"valid\.txt: has a line of more than"):
        self._read(GOOD | {"valid": b"a\n12345678901\n"})

  @parameterized.named_parameters(
      ("empty", {"valid": b""}, "detect", r"valid\.txt: is empty"),
      ("only_blank_lines", {"test": ["", "  "]}, "detect",
       r"test\.txt: has 0 sentences in 2 lines; this split needs at least 1"),
      ("only_labels", {"test": ["1\t", "1\t "]}, "labelled",
       r"test\.txt: has 0 sentences in 2 lines"),
      ("too_few_rows", {"train": ["0\ta"] * 15 + [""]}, "detect",
       r"train\.txt: has 15 sentences in 16 lines; this split needs at least 16"),
      ("latin_1", {"valid": b"0\tgood\n0\tcaf\xe9\n"}, "detect",
       r"valid\.txt, line 2: byte 0xe9 is not UTF-8"),
      ("utf_16", {"valid": "0\ta\n".encode("utf-16")}, "detect", r"line 1: byte 0x.. is not UTF-8"),
      ("label_missing", {"valid": ["1\ta", "", "b c"]}, "labelled",
       r"valid\.txt, line 3: has no label; expected label<TAB>sentence"),
      ("label_missing_on_some_lines", {"valid": ["1\ta", "", "b c"]}, "detect",
       r"valid\.txt, line 3: has no label before a TAB, while .*train\.txt, line 1 has '0'"),
      ("label_on_some_lines", {"train": ["a b"] * 16, "valid": ["a b"], "test": ["a", "b\tc"]},
       "detect", r"train\.txt, line 1: has no label before a TAB, while .*test\.txt, line 2 has"),
      ("label_empty", {"valid": ["\ta b"]}, "labelled", r"valid\.txt, line 1: has no label"),
      ("label_not_a_number", {"valid": ["1\ta", "good\tb"]}, "labelled",
       r"valid\.txt, line 2: label 'good' is not an integer"),
      ("labels_mixed", {"valid": ["1\ta", "good\tb"]}, "detect",
       r"line 2: label 'good' is not an integer, while .*train\.txt, line 1 has '0'"),
      ("label_negative", {"valid": ["-1\ta"]}, "labelled", r"label '-1'; expected an integer from"),
      ("label_too_large", {"valid": [f"{2**31}\ta"]}, "labelled", r"label '2147483648'; expected"),
      ("label_of_many_digits", {"valid": ["9" * 5000 + "\ta"]}, "labelled", r"; expected an int"))
  def test_refused(self, change, line_format, message):
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      self._read(LABELLED | change, line_format)
    self.assertNotIn("\n", str(raised.exception))


if __name__ == "__main__":
  absltest.main()
