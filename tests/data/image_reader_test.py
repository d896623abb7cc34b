"""Image files: what is read from them and what is refused."""

import io
import pathlib
import zipfile

import numpy as np
import scipy.io
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import image_reader
from tests.data import own_images

IMAGES, LABELS = own_images.draw(20, 8, seed=1)
CHARDATA = own_images.chardata(rows=30, test_rows=6)


def _npy(array: np.ndarray, **options) -> bytes:
  made = io.BytesIO()
  np.save(made, array, **options)
  return made.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
  made = io.BytesIO()
  np.savez_compressed(made, **arrays)
  return made.getvalue()


def _mat(**arrays: np.ndarray) -> bytes:
  made = io.BytesIO()
  scipy.io.savemat(made, arrays)
  return made.getvalue()


class OwnFilesTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)

  def _read(self, name: str, content: bytes, **others: tuple[str, bytes]):
    files = {}
    for split, (file_name, written) in ({"train": (name, content)} | others).items():
      files[split] = self.folder / file_name
      files[split].write_bytes(written)
    return image_reader.read_files(files)

  @parameterized.named_parameters(
      ("npy", "a.npy", _npy(IMAGES), False),
      ("npy_with_channel", "a.npy", _npy(IMAGES[..., None]), False),
      ("npz", "a.npz", _npz(images=IMAGES, labels=LABELS), True),
      ("npz_without_labels", "a.NPZ", _npz(images=IMAGES.astype(np.float64), x=LABELS), False),
      ("mat", "a.mat", _mat(images=IMAGES, labels=LABELS), True),
      ("mat_of_doubles", "a.mat", _mat(
          images=IMAGES.astype(np.float64)[..., None], labels=LABELS[:, None] * 1.0), True))
  def test_all_formats_give_the_same(self, name, content, labelled):
    split = self._read(name, content)["train"]
    np.testing.assert_array_equal(split.images[..., 0], IMAGES)
    self.assertEqual(split.images.dtype, np.float32)
    np.testing.assert_array_equal(split.labels, LABELS if labelled else [-1] * 20)
    np.testing.assert_array_equal(split.fine_labels, [-1] * 20)
    np.testing.assert_array_equal(split.indices, np.arange(20))
    self.assertEqual((split.labels.dtype, split.indices.dtype), (np.int32, np.int64))

  @parameterized.named_parameters(
      ("suffix", "a.png", b"x", r"a\.png: has the suffix \.png; expected images as \.npy, \.npz"),
      ("no_suffix", "a", b"x", r"has the suffix \(none\)"),
      ("not_npy", "a.npy", b"plain words", r"a\.npy: cannot be read as \.npy \("),
      ("not_npz", "a.npz", b"plain words", r"a\.npz: cannot be read as \.npz \("),
      ("npz_named_npy", "a.npy", _npz(images=IMAGES), r"a\.npy: is no \.npy file, though its name"),
      ("npy_named_npz", "a.npz", _npy(IMAGES), r"a\.npz: is no \.npz file, though its name"),
      ("zip_of_text", "a.npz", None, r"a\.npz: lacks an array `images`; it has b\.txt"),
      ("npy_cut_short", "a.npy", _npy(IMAGES)[:-9], r"cannot be read as \.npy \("),
      ("npy_header_only", "a.npy", _npy(IMAGES)[:20], r"cannot be read as \.npy \("),
      ("npz_cut_short", "a.npz", _npz(images=IMAGES)[:-30], r"cannot be read as \.npz \("),
      ("npz_damaged", "a.npz", _npz(images=IMAGES)[:200] + bytes(50) + _npz(images=IMAGES)[250:],
       "cannot be read as"),
      ("npz_lacks_images", "a.npz", _npz(pictures=IMAGES, labels=LABELS),
       "lacks an array `images`; it has pictures, labels"),
      ("mat_lacks_images", "a.mat", _mat(pictures=IMAGES), "lacks the arrays images; expected"),
      ("mat_cut_short", "a.mat", _mat(images=IMAGES)[:-30], r"a\.mat: is damaged or not complete"),
      ("objects", "a.npy", _npy(np.array([[1], None], object)), "Python objects in dtype"),
      ("objects_in_npz", "a.npz", _npz(images=np.array([1, None], object)), "Object arrays cannot"),
      ("shape", "a.npy", _npy(IMAGES.reshape(20, -1)), r"a\.npy has images of shape 20 x 64;"),
      ("values", "a.npy", _npy(IMAGES * 255.0), r"a\.npy has values from 0 to 255"),
      ("labels", "a.npz", _npz(images=IMAGES, labels=LABELS[1:]),
       r"a\.npz: labels has shape 19; expected a label for each of 20 images"),
      ("mat_labels", "a.mat", _mat(images=IMAGES, labels=LABELS + 0.5), r"\.mat: labels has .*\.5"))
  def test_refused(self, name, content, message):
    if content is None:
      made = io.BytesIO()
      with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("b.txt", "words")
      content = made.getvalue()
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      self._read(name, content)
    self.assertNotIn("\n", str(raised.exception))

  def test_nothing_in_an_object_array_is_run(self):
    class Harmful:
      def __reduce__(self):
        return (open, (str(mark), "w"))
    mark = self.folder / "mark"
    with self.assertRaises(errors.UserError):
      self._read("a.npy", _npy(np.array([Harmful()], object)))
    self.assertFalse(mark.exists())

  def test_all_splits_must_have_the_same_side(self):
    other = ("b.npy", _npy(np.zeros((3, 9, 9))))
    with self.assertRaisesRegex(
        errors.UserError, r"b\.npy has images of 9 x 9 pixels, while .*a\.npy has 8 x 8; expected"):
      self._read("a.npy", _npy(IMAGES), test=other)


class ChardataTest(parameterized.TestCase):

  def _read(self, **changes):
    arrays = {name: array for name, array in (CHARDATA | changes).items() if array is not None}
    return image_reader.read_chardata(
        own_images.write_chardata(self.create_tempdir().full_path, arrays))

  def test_an_asymmetric_glyph_stands_upright(self):
    # An F whose stem is in column 3, with arms to the right in rows 2 and 9.
    glyph = np.zeros((28, 28))
    glyph[2:20, 3] = 1.0
    glyph[2, 3:15] = 0.5
    glyph[9, 3:10] = 0.25
    columns = np.zeros((784, 30))
    # Pixel (row, column) is number row + 28 * column of its column.
    for row, column in zip(*np.nonzero(glyph), strict=True):
      columns[row + 28 * column, 4] = glyph[row, column]
    train = self._read(data=columns)["train"]
    np.testing.assert_array_equal(train.images[4, :, :, 0], glyph)
    self.assertEqual(np.count_nonzero(train.images[[0, 5]]), 0)

  def test_labels_belong_to_their_images(self):
    splits = self._read()
    for name, prefix, seed in (("train", "", 5), ("test", "test", 6)):
      split = splits[name]
      images, labels = own_images.draw(split.num_examples, 28, seed)
      np.testing.assert_array_equal(split.images[..., 0], images)
      np.testing.assert_array_equal(split.labels, labels)
      np.testing.assert_array_equal(split.fine_labels, CHARDATA[f"{prefix}targetchar"][0])
      np.testing.assert_array_equal(split.indices, np.arange(split.num_examples))
    self.assertEqual([splits[name].num_examples for name in ("train", "test")], [30, 6])

  @parameterized.named_parameters(
      ("key", {"testdata": None}, "lacks the arrays testdata; expected data, target, targetchar,"),
      ("rows", {"data": np.zeros((783, 30))},
       r"chardata\.mat: data has shape 783 x 30; expected 784 rows and a column per image"),
      ("transposed", {"testdata": np.zeros((6, 784))}, "testdata has shape 6 x 784; expected 784"),
      ("no_matrix", {"data": np.zeros((784, 30, 2))}, "data has shape 784 x 30 x 2; expected 784"),
      ("no_images", {"data": np.zeros((784, 0))}, "data has images of shape 0 x 28 x 28"),
      ("fewer_alphabets", {"target": CHARDATA["target"][:, :29]},
       "target has shape 3 x 29; expected a row per alphabet and 30 columns"),
      ("no_one_hot", {"testtarget": CHARDATA["testtarget"] * 0.5}, "must have a single 1 in each"),
      ("two_alphabets", {"target": np.ones((3, 30))}, "target must have a single 1 in each column"),
      ("fewer_characters", {"testtargetchar": np.ones((1, 5))},
       "testtargetchar has shape 1 x 5; expected a label for each of 6 images"),
      ("half_characters", {"targetchar": np.full((1, 30), 1.5)}, r"targetchar has 1\.5 for image"),
      ("above", {"data": CHARDATA["data"] * 2.0}, "data has values from 0 to 2; expected floats"),
      ("below", {"testdata": CHARDATA["testdata"] - 0.5}, "testdata has values from -0.5 to 0.5"),
      ("nan", {"data": CHARDATA["data"] * np.nan}, "data has values that are NaN or infinite"),
      ("words", {"target": "words"}, "target is text; expected a full array of real"))
  def test_refused(self, changes, message):
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      self._read(**changes)
    self.assertIn("chardata.mat: ", str(raised.exception))
    self.assertNotIn("\n", str(raised.exception))


if __name__ == "__main__":
  absltest.main()
