"""Vocabulary: order, special words, files."""

import os
import pathlib

import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import vocabulary


def _from(*sentences: bytes, size=None, max_length=200):
  return vocabulary.most_frequent(vocabulary.count_words(sentences, max_length), size)


class VocabularyTest(parameterized.TestCase):

  def _file(self, content: bytes) -> pathlib.Path:
    return pathlib.Path(self.create_tempfile(content=content, mode="wb").full_path)

  def test_special_words_have_the_first_ids(self):
    self.assertEqual(_from(b"a").words, (b"<pad>", b"<s>", b"</s>", b"<unk>", b"a"))

  def test_frequent_words_come_first_and_ties_in_order_of_occurrence(self):
    made = _from(b"z b c b", b"c a z q")
    self.assertEqual(made.words[4:], (b"z", b"b", b"c", b"a", b"q"))

  def test_size_counts_the_special_words(self):
    made = _from(b"b b a c", size=6)
    self.assertLen(made, 6)
    self.assertEqual(made.words[4:], (b"b", b"a"))

  def test_words_behind_the_cut_do_not_count(self):
    self.assertEqual(_from(b"a b c c c", max_length=2).words[4:], (b"a", b"b"))

  def test_words_written_like_special_ones_are_unknown(self):
    made = _from(b"_UNK a <unk> <pad> <s> </s> _UNK")
    self.assertEqual(made.words[4:], (b"a",))
    self.assertEqual(
        made.encode([b"_UNK", b"a", b"<unk>", b"<pad>", b"<s>", b"</s>", b"never"]),
        [3, 4, 3, 3, 3, 3, 3])

  def test_decoding_stops_at_the_end_and_leaves_out_start_and_padding(self):
    made = _from("grüße an alle".encode())
    self.assertEqual(made.decode([1, 4, 3, 6, 2, 5, 0]), "grüße <unk> alle")
    self.assertEqual(made.decode([1, 4, 0, 0]), "grüße")
    self.assertEqual(made.decode([2]), "")

  def test_saved_and_loaded_is_the_same(self):
    made = _from("b \x01 no\u2028break \x00 a\x85b".encode())
    path = pathlib.Path(self.create_tempdir().full_path) / "new" / "vocab.txt"
    made.save(path)
    self.assertEqual(vocabulary.load(path), made)
    self.assertEqual(path.read_bytes().split(b"\n")[4:-1], list(made.words[4:]))
    self.assertEqual(os.listdir(path.parent), ["vocab.txt"])

  def test_the_digest_names_the_words_in_their_order(self):
    self.assertEqual(_from(b"a b").digest, _from(b"a b").digest)
    self.assertNotEqual(_from(b"a b").digest, _from(b"b a").digest)

  @parameterized.parameters(
      (b"<pad>\n<s>\n</s>\n<unk>\nb\na\n", (b"b", b"a")),
      (b"<pad>\n<s>\n</s>\n<unk>\nb\na", (b"b", b"a")),
      (b"b\r\na\r\n<unk>\r\n", (b"b", b"a")),
      (b"<unk>\nb\n<s>\na\n</s>\n_UNK\n<pad>\n", (b"b", b"a")))
  def test_a_given_file_keeps_its_order_after_our_special_words(self, content, words):
    self.assertEqual(
        vocabulary.load(self._file(content)).words, vocabulary.SPECIAL_WORDS + words)

  @parameterized.parameters(
      (b"a\n\nb\n", r"line 2: expected exactly one word a line, received ''"),
      (b"a\nb 17\n", r"line 2: expected exactly one word a line, received 'b 17'"),
      (b"a\nb\na\n", r"line 3: the word of line 1 again, 'a'"),
      (b"a\n\xff\n", r"line 2: byte 0xff is not UTF-8"),
      (b"", r"is empty"))
  def test_a_bad_file_is_refused(self, content, message):
    with self.assertRaisesRegex(errors.UserError, message):
      vocabulary.load(self._file(content))

  @parameterized.parameters(([b"a", b"a"],), ([b""],), ([b"a b"],), ([b"<s>"],), ([b"_UNK"],))
  def test_words_that_are_no_words_are_refused(self, words):
    with self.assertRaisesRegex(ValueError, "Received"):
      vocabulary.Vocabulary(words)

  def test_cutting_a_given_vocabulary_keeps_frequent_words_in_its_order(self):
    given = vocabulary.Vocabulary([b"never", b"rare", b"often", b"most"])
    counts = vocabulary.count_words([b"rare often often most most most new"], 200)
    cut = vocabulary.keep_most_frequent(given, counts, 6)
    self.assertEqual(cut.words[4:], (b"often", b"most"))

  def test_a_graph_splits_words_at_the_same_places(self):
    line = b" a\tb \x0b c\x0cd\r e\x1cf g\xc2\xa0h \xe2\x80\xa8 i\x00j\x85 \x1f"
    self.assertEqual(tf.strings.split(line).numpy().tolist(), line.split())


if __name__ == "__main__":
  absltest.main()
