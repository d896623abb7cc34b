"""What the projector reads: representations, tables and sprite sheets."""

import pathlib

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from google.protobuf import text_format
from tensorboard.plugins import projector

from du_vae_tf.analysis import embedding_projector

RANDOM = np.random.default_rng(2)


class EmbeddingProjectorTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)

  def write(self, representation: np.ndarray, columns: dict[str, list],
            images: np.ndarray | None = None) -> projector.EmbeddingInfo:
    embedding_projector.write(self.folder, "test split", representation, columns, images)
    config = text_format.Parse(
        (self.folder / "projector_config.pbtxt").read_text(), projector.ProjectorConfig())
    embedding, = config.embeddings
    return embedding

  def test_rows_are_the_representations_to_the_last_bit(self):
    representation = RANDOM.standard_normal((7, 3)).astype(np.float32) * 10.0**RANDOM.integers(
        -20, 20, (7, 3)).astype(np.float32)
    embedding = self.write(representation, {"a": [*range(7)], "b": [*"abcdefg"]})
    self.assertEqual(embedding.tensor_name, "test split")
    self.assertEqual([*embedding.tensor_shape], [7, 3])
    np.testing.assert_array_equal(
        np.loadtxt(self.folder / embedding.tensor_path, np.float32, delimiter="\t"),
        representation)
    self.assertFalse(embedding.HasField("sprite"))

  def test_a_text_stays_in_its_cell(self):
    texts = ["plain <unk> | `", "tab\there", "two\nlines\r\n", "next\x85line\u2028", "größe 日本"]
    embedding = self.write(np.zeros([5, 2], np.float32), {"label": [*range(5)], "text": texts})
    content = (self.folder / embedding.metadata_path).read_bytes().decode()
    self.assertLen(content.splitlines(), 6)
    rows = [line.split("\t") for line in content.splitlines()]
    self.assertEqual(rows[0], ["label", "text"])
    self.assertEqual(rows[1:], [
        ["0", "plain <unk> | `"], ["1", r"tab\there"], ["2", r"two\nlines\r\n"],
        ["3", r"next\x85line\u2028"], ["4", "größe 日本"]])

  def test_images_stand_row_by_row_in_a_square_of_their_own_places(self):
    images = RANDOM.integers(0, 2, (5, 8, 8, 1)).astype(np.float32)
    embedding = self.write(
        np.zeros([5, 2], np.float32), {"label": [*range(5)], "row": [*range(5)]}, images)
    self.assertEqual([*embedding.sprite.single_image_dim], [8, 8])
    sheet = tf.io.decode_png((self.folder / embedding.sprite.image_path).read_bytes()).numpy()
    self.assertEqual(sheet.shape, (24, 24, 1))
    for number in range(9):
      top, left = 8 * (number // 3), 8 * (number % 3)
      place = sheet[top:top + 8, left:left + 8]
      np.testing.assert_array_equal(place, 255 * (1 - images[number]) if number < 5 else 255)

  def test_the_most_and_largest_images_fill_what_a_browser_takes(self):
    images = np.zeros([embedding_projector.MOST_EXAMPLES, 64, 64, 1], np.float32)
    sheet = tf.io.decode_png(embedding_projector.sprite_sheet(images))
    self.assertEqual(sheet.shape, (4096, 4096, 1))

  def test_what_the_projector_would_misread_is_refused(self):
    with self.assertRaisesRegex(ValueError, "at most 4096 rows. Received: 4097"):
      self.write(np.zeros([4097, 2], np.float32), {"a": [0] * 4097, "b": [0] * 4097})
    with self.assertRaisesRegex(ValueError, "at least two. Received: .'a'"):
      self.write(np.zeros([2, 2], np.float32), {"a": [0, 1]})
    self.assertEmpty([*self.folder.iterdir()])


if __name__ == "__main__":
  absltest.main()
