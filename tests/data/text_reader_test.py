"""Text files: what is read from them and what is refused."""

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import text_reader
from tests.data import own_files

GOOD = {split: ["a b c"] * 16 for split in ("train", "valid", "test")}
LABELLED = {split: ["0\ta b c"] * 16 for split in ("train", "valid", "test")}


class TextReaderTest(parameterized.TestCase):

  def _read(self, lines, line_format="detect"):
    return text_reader.read_files(
        own_files.write(self.create_tempdir().full_path, lines), line_format)

  def test_lines_without_labels_keep_their_order(self):
    lines = [f"word{number} x" for number in range(20)]
    read = self._read(GOOD | {"train": lines}, "sentence")
    self.assertEqual(read["train"].sentences, [line.encode() for line in lines])
    self.assertEqual(read["train"].labels, [-1] * 20)

  def test_labels_are_taken_off(self):
    read = self._read(LABELLED | {"test": ["3\tx\ty", "12\tz"]}, "labelled")
    self.assertEqual(read["test"].sentences, [b"x\ty", b"z"])
    self.assertEqual(read["test"].labels, [3, 12])

  def test_detection_finds_labels_in_every_line(self):
    self.assertEqual(self._read(LABELLED)["valid"].labels, [0] * 16)
    self.assertEqual(self._read(LABELLED)["valid"].sentences[0], b"a b c")

  def test_a_tab_after_several_words_is_no_label(self):
    read = self._read(GOOD | {"valid": ["two words\tthen a tab"]})
    self.assertEqual(read["valid"].sentences, [b"two words\tthen a tab"])
    self.assertEqual(read["valid"].labels, [-1])

  def test_class_names_are_numbered_in_order_of_first_occurrence(self):
    read = self._read({
        "train": ["pos\ta"] * 8 + ["neg\tb"] * 8, "valid": ["neg\tb"], "test": ["odd\tc"]})
    self.assertEqual(read["train"].labels, [0] * 8 + [1] * 8)
    self.assertEqual(read["valid"].labels, [1])
    self.assertEqual(read["test"].labels, [2])

  def test_blank_lines_are_dropped_and_counted(self):
    read = self._read(GOOD | {"valid": ["", "a", " \t ", "b", ""]})
    self.assertEqual(read["valid"].sentences, [b"a", b"b"])
    self.assertEqual(read["valid"].blank_lines, 3)
    self.assertEqual(read["train"].blank_lines, 0)

  def test_labels_without_a_sentence_count_as_blank_lines(self):
    read = self._read(LABELLED | {"valid": ["1\t", "0\ta", ""]})
    self.assertEqual(read["valid"].labels, [0])
    self.assertEqual(read["valid"].blank_lines, 2)

  def test_line_ends_of_windows_and_a_byte_order_mark_are_no_words(self):
    read = self._read(GOOD | {"valid": b"\xef\xbb\xbfa b\r\n\r\nc"})
    self.assertEqual([s.split() for s in read["valid"].sentences], [[b"a", b"b"], [b"c"]])
    self.assertEqual(read["valid"].blank_lines, 1)

  def test_control_characters_and_unicode_spaces_are_kept(self):
    line = "nul\x00l \x01 no\u00a0break \u2028 \x85"
    read = self._read(GOOD | {"valid": [line]})
    self.assertEqual(read["valid"].sentences, [line.encode()])

  def test_a_line_of_100_000_words_is_read(self):
    read = self._read(GOOD | {"train": ["w " * 100_000] + ["a"] * 15})
    self.assertLen(read["train"].sentences[0].split(), 100_000)

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
