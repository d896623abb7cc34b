"""MATLAB files that are read, and those that are refused."""

import pathlib
import struct

import numpy as np
import scipy.io
import scipy.sparse
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import matlab_reader

ARRAYS = {"a": np.random.default_rng(0).random((30, 7)), "b": np.arange(6, dtype=np.uint8)[None]}
# As the format describes them: codes of the type of numbers, and of the type of an array.
_INT8, _UINT8, _INT32, _UINT32, _MATRIX, _DOUBLE_CLASS = 1, 2, 5, 6, 14, 6


def _header(version: int = 0x0100, text: bytes = b"MATLAB 5.0 MAT-file") -> bytes:
  return text.ljust(124) + struct.pack("<H", version) + b"IM"


def _element(code: int, content: bytes) -> bytes:
  return struct.pack("<II", code, len(content)) + content + b"\0" * (-len(content) % 8)


class MatlabReaderTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.path = pathlib.Path(self.create_tempdir().full_path) / "a.mat"

  def _read(self, content: bytes, required=("a",), optional=()):
    self.path.write_bytes(content)
    return matlab_reader.read(self.path, required, optional)

  def _saved(self, arrays, **options) -> bytes:
    scipy.io.savemat(self.path, arrays, **options)
    return self.path.read_bytes()

  @parameterized.parameters(True, False)
  def test_wanted_arrays_are_read(self, compressed):
    content = self._saved(ARRAYS | {"c": "words"}, do_compression=compressed)
    found = self._read(content, ["a"], ["b", "d"])
    self.assertEqual([*found], ["a", "b"])
    for name, array in found.items():
      np.testing.assert_array_equal(array, ARRAYS[name])
      self.assertEqual(array.dtype, ARRAYS[name].dtype)

  def test_truth_stays_truth(self):
    truth = ARRAYS["a"] > 0.5
    found = self._read(self._saved({"a": truth}))["a"]
    self.assertEqual(found.dtype, np.bool_)
    np.testing.assert_array_equal(found, truth)

  def test_numbers_stored_in_a_smaller_type_keep_theirs(self):
    content = _header() + _element(_MATRIX, b"".join((
        _element(_UINT32, struct.pack("<II", _DOUBLE_CLASS, 0)),
        _element(_INT32, struct.pack("<ii", 1, 3)),
        _element(_INT8, b"a"),
        _element(_UINT8, bytes([0, 1, 1])))))
    found = self._read(content)["a"]
    self.assertEqual((found.tolist(), found.dtype), ([[0.0, 1.0, 1.0]], np.float64))

  def test_wrong_checksum_is_refused(self):
    content = bytearray(self._saved({"a": ARRAYS["a"]}, do_compression=True))
    content[-1] ^= 1
    with self.assertRaisesRegex(errors.UserError, r"a\.mat: is damaged or not complete \("):
      self._read(bytes(content))

  def test_file_of_the_other_byte_order(self):
    matrix = b"".join((
        struct.pack(">IIII", _UINT32, 8, _DOUBLE_CLASS, 0),
        struct.pack(">IIii", _INT32, 8, 2, 1),
        struct.pack(">HH4s", 1, _INT8, b"a\0\0\0"),  # A small element: its size comes first.
        struct.pack(">II4s4x", _INT32, 4, struct.pack(">hh", 0, 5))))
    content = (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
               + struct.pack(">II", _MATRIX, len(matrix)) + matrix)
    with self.assertRaisesRegex(errors.UserError, r"a\.mat: is damaged .*1 numbers for 2 places"):
      self._read(content)
    content = content[:-16] + struct.pack(">II4s4x", 3, 4, struct.pack(">hh", 0, 5))
    found = self._read(content)["a"]
    self.assertEqual((found.tolist(), found.dtype), ([[0.0], [5.0]], np.float64))

  @parameterized.parameters(0x8803, 0, 8, 10, 16, 0xffff)
  def test_numbers_of_a_type_that_there_is_not_are_refused(self, code):
    # With the first, SciPy's reader ends the process.
    content = bytearray(self._saved({"images": ARRAYS["a"]}, do_compression=False))
    place = content.index(b"images") + 8
    content[place:place + 2] = struct.pack("<H", code)
    with self.assertRaisesRegex(errors.UserError, r"a\.mat: is damaged or not complete \("):
      self._read(bytes(content), ["images"])

  @parameterized.parameters(np.float64, np.float32, np.int8, np.uint8, np.int16, np.uint16,
                            np.int32, np.uint32, np.int64, np.uint64, np.bool_)
  def test_all_types_of_numbers(self, dtype):
    array = (np.arange(24).reshape(2, 3, 4) % 2 * 100).astype(dtype)
    for compressed in (False, True):
      found = self._read(self._saved({"a": array}, do_compression=compressed))["a"]
      np.testing.assert_array_equal(found, array)
      self.assertEqual(found.dtype, array.dtype)

  @parameterized.product(compressed=(True, False), part=tuple(range(1, 40)))
  def test_a_file_that_was_cut_short_is_refused(self, compressed, part):
    content = self._saved(ARRAYS, do_compression=compressed)
    with self.assertRaisesRegex(errors.UserError, r"a\.mat: ") as raised:
      self._read(content[:len(content) * part // 40], ["a", "b"])
    self.assertNotIn("\n", str(raised.exception))

  def test_a_damaged_file_is_refused(self):
    content = bytearray(self._saved(ARRAYS, do_compression=True))
    content[300:400] = bytes(100)
    with self.assertRaisesRegex(errors.UserError, r"a\.mat: is damaged or not complete \("):
      self._read(bytes(content))

  @parameterized.named_parameters(
      ("hdf5", _header(0x0200, b"MATLAB 7.3 MAT-file") + bytes(400) + b"\x89HDF\r\n\x1a\n",
       r"is a MATLAB 7\.3 file \(HDF5\); expected MATLAB 5: save it in MATLAB with -v7"),
      ("bare_hdf5", b"\x89HDF\r\n\x1a\n" + bytes(range(1, 200)), "is not a MATLAB file|MATLAB 4"),
      ("text", b"plain words, and more of them " * 20, "is not a MATLAB file"),
      ("short", b"words", "is not a MATLAB file"),
      ("zip", b"PK\x03\x04" + b"words" * 50, "is not a MATLAB file"),
      ("matlab_4", struct.pack("<iiiii", 0, 1, 1, 0, 2) + b"a\0" + bytes(8),
       "is a MATLAB 4 file; expected MATLAB 5"))
  def test_other_files_are_refused(self, content, message):
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      self._read(content)
    self.assertNotIn("\n", str(raised.exception))

  def test_missing_arrays_are_named(self):
    with self.assertRaisesRegex(
        errors.UserError, r"a\.mat: lacks the arrays c, d; expected a, c, d \(a file that was cut"):
      self._read(self._saved(ARRAYS), ["a", "c", "d"])

  @parameterized.named_parameters(
      ("words", "words", "a is text; expected a full array of real numbers"),
      ("complex", np.ones(3) * 1j, "a is an array of complex numbers; expected a full"),
      ("sparse", scipy.sparse.csc_matrix(np.eye(3)), "a is a sparse matrix; expected"),
      ("structure", {"x": 1.0}, "a is a structure; expected"),
      ("cells", np.array([np.ones(2), "b"], object), "a is an array of cells; expected"))
  def test_arrays_of_something_else_are_refused(self, array, message):
    with self.assertRaisesRegex(errors.UserError, message):
      self._read(self._saved({"a": array}))


if __name__ == "__main__":
  absltest.main()
