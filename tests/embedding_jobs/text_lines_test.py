"""Counting lines and reading them from anywhere, beside Python's own splitting."""

import gzip
import hashlib
import pathlib
from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import raw_files
from du_vae_tf.embedding_jobs import text_lines


def expected_lines(content: bytes) -> list[bytes]:
  lines = content.split(b"\n")
  return lines if lines[-1] else lines[:-1]


class TextLinesTest(parameterized.TestCase):

  def write(self, content: bytes, packed: bool = False) -> pathlib.Path:
    path = pathlib.Path(self.create_tempdir().full_path) / "text"
    path.write_bytes(gzip.compress(content) if packed else content)
    return path

  @parameterized.product(
      content=(b"a\nb\nc\n", b"a\nb\nc", b"\n\n\n", b"\n", b"a", b"a\r\n\n  \nb\n\n", b"a\n" * 12),
      lines_per_part=(1, 2, 3, 4, 100), packed=(False, True))
  def test_every_part_begins_where_its_first_line_does(self, content, lines_per_part, packed):
    path = self.write(content, packed)
    index = text_lines.index(path, lines_per_part)
    lines = expected_lines(content)
    self.assertEqual(index.num_lines, len(lines))
    self.assertEqual(index.digest, hashlib.sha256(content).hexdigest())
    self.assertLen(index.offsets, -(-len(lines) // lines_per_part))
    with text_lines.open_text(path) as text:
      # Backwards: no part depends on the ones before it.
      for part in reversed(range(len(index.offsets))):
        wanted = lines[part * lines_per_part:(part + 1) * lines_per_part]
        self.assertEqual(list(text_lines.read(text, index.offsets[part], len(wanted))), wanted)

  @parameterized.product(chunk=(1, 7, 64), seed=(0, 1, 2, 3))
  def test_lines_across_the_chunks_of_the_counting(self, chunk, seed):
    content = bytes(np.random.default_rng(seed).choice(list(b"ab\n"), 200))
    path = self.write(content)
    with mock.patch.object(text_lines, "_CHUNK", chunk):
      index = text_lines.index(path, 5)
    self.assertEqual(index, text_lines.index(path, 5))
    self.assertEqual(index.num_lines, len(expected_lines(content)))
    for part, offset in enumerate(index.offsets):
      self.assertEqual(content[:offset].count(b"\n"), 5 * part)

  def test_line_that_is_too_long_is_passed_over_and_no_other(self):
    path = self.write(b"a\n" + b"b" * 10 + b"\n" + b"c" * 11 + b"\nd\n" + b"e" * 99)
    with (mock.patch.object(raw_files, "LONGEST_LINE", 10),
          mock.patch.object(text_lines, "_CHUNK", 4), text_lines.open_text(path) as text):
      self.assertEqual(
          list(text_lines.read(text, 0, 5)), [b"a", b"b" * 10, None, b"d", None])

  def test_file_that_shrank_is_noticed(self):
    with (text_lines.open_text(self.write(b"a\nb\n")) as text,
          self.assertRaisesRegex(errors.UserError, "shorter while it was read")):
      list(text_lines.read(text, 0, 3))

  def test_unpacked_content_is_the_same(self):
    content = b"one\ntwo\n" * 1000
    path = self.write(content, packed=True)
    target = path.with_name("unpacked")
    text_lines.unpack(path, target)
    self.assertEqual(target.read_bytes(), content)
    self.assertTrue(text_lines.is_packed(path))
    self.assertFalse(text_lines.is_packed(target))

  @parameterized.parameters(
      (gzip.compress(b"a\n" * 5000)[:-9], "cannot be read to its end"),
      (gzip.compress(b"a\n" * 5000)[:30] + b"broken", "cannot be read to its end"),
      (gzip.compress(b""), "is empty"))
  def test_damaged_file_is_refused(self, content, message):
    with self.assertRaisesRegex(errors.UserError, f"--input=.*{message}"):
      text_lines.index(self.write(content), 10)

  def test_counting_can_be_interrupted(self):
    def stop() -> None:
      raise errors.PreemptedError("stopped")

    with self.assertRaises(errors.PreemptedError):
      text_lines.index(self.write(b"a\n"), 1, stop)


if __name__ == "__main__":
  absltest.main()
