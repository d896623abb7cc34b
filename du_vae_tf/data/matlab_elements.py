"""The elements of a MATLAB 5 file: names and kinds of its arrays, and the numbers of full ones.

Written out, since SciPy's reader takes the codes of types from the file unchecked: with others than
the format has, it reads beyond its tables and ends the process.

Source: "MAT-File Format" (MathWorks), chapter 1.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

HEADER_BYTES = 128
_LITTLE_ENDIAN = b"IM"
_MATRIX, _COMPRESSED = 14, 15
# Codes of the type in which numbers are stored, and of the class of an array.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
           13: "u8"}
_NUMBERS = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
            15: "u8"}
_KINDS = {1: "an array of cells", 2: "a structure", 3: "an object", 4: "text",
          5: "a sparse matrix"}
_IS_LOGICAL, _IS_COMPLEX = 0x0200, 0x0800
# Flags, dimensions and name of an array are in its first bytes.
_HEAD_BYTES = 2**12
_TAG_BYTES = 8


class Array(NamedTuple):
  """An array in a file.

  Attributes:
    name: of the array.
    kind: what it is if it is none of real numbers; None if it is.
    dtype: of its numbers.
    shape: of them.
    position: of the bytes that hold them, in what `content` has.
    content: the element without its tag; of a packed one what is packed, with that tag.
    is_packed: whether it is packed.
    order: of bytes, `<` or `>`.
  """

  name: str
  kind: str | None
  dtype: np.dtype
  shape: tuple[int, ...]
  position: int
  content: memoryview
  is_packed: bool
  order: str

  @property
  def num_bytes(self) -> int:
    """Of the numbers in memory."""
    return math.prod(self.shape) * self.dtype.itemsize

  def read(self) -> np.ndarray:
    """The numbers.

    Raises:
      ValueError: they are not there.
      zlib.error: they cannot be unpacked.
    """
    count = math.prod(self.shape)
    content = self.content
    if self.is_packed:
      # No number takes more bytes, and nothing stands behind them.
      largest = self.position + 8 * count + 2 * _TAG_BYTES
      unpacker = zlib.decompressobj()
      content = memoryview(unpacker.decompress(self.content, largest))
      if not unpacker.eof:  # At the end of which it has compared the checksum.
        raise ValueError(f"{self.name}: what is packed goes on or breaks off")
    code, numbers, _ = _element(content, self.position, self.order)
    if code not in _STORED:
      raise ValueError(f"{self.name}: no numbers are of type {code}")
    stored = np.frombuffer(numbers, np.dtype(self.order + _STORED[code]))
    if len(stored) != count:
      raise ValueError(f"{self.name}: {len(stored)} numbers for {count} places")
    return stored.astype(self.dtype).reshape(self.shape, order="F")


def arrays(content: memoryview) -> Iterator[Array]:
  """The arrays of a file, in their order.

  Args:
    content: of the file, its header included.

  Raises:
    ValueError: it is damaged.
    zlib.error: it cannot be unpacked.
  """
  order = "<" if content[HEADER_BYTES - 2:HEADER_BYTES] == _LITTLE_ENDIAN else ">"
  position = HEADER_BYTES
  while position < len(content):
    code, element, position = _element(content, position, order)
    if code == _COMPRESSED:
      head = memoryview(zlib.decompressobj().decompress(element, _HEAD_BYTES))
      if len(head) < _TAG_BYTES or struct.unpack_from(f"{order}I", head)[0] != _MATRIX:
        raise ValueError("something packed is no array")
      yield _array(head, _TAG_BYTES, element, True, order)
    elif code == _MATRIX:
      if len(element):
        yield _array(element, 0, element, False, order)
    else:
      raise ValueError(f"an element of type {code} is no array")


def _array(head: memoryview, position: int, content: memoryview, is_packed: bool,
           order: str) -> Array:
  """An array, from the first bytes of its element; see `Array`."""
  _, flags, position = _element(head, position, order)
  if len(flags) != 8:
    raise ValueError("an array has no flags")
  code, = struct.unpack_from(f"{order}I", flags)
  kind = "an array of complex numbers" if code & _IS_COMPLEX else None
  number = _NUMBERS.get(code & 0xff)
  if number is None:
    kind = _KINDS.get(code & 0xff, "of an unknown class")
  _, sizes, position = _element(head, position, order)
  _, name, position = _element(head, position, order)
  shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes[:len(sizes) // 4 * 4])
  if any(size < 0 for size in shape):
    raise ValueError("an array has a negative size")
  return Array(
      bytes(name).decode("latin-1"), kind,
      np.dtype(bool if code & _IS_LOGICAL else number or "f8"), shape, position, content, is_packed,
      order)


def _element(content: memoryview, position: int, order: str) -> tuple[int, memoryview, int]:
  """Type, content and end of the element at a position."""
  if position + _TAG_BYTES > len(content):
    raise ValueError("it ends within an element")
  code, size = struct.unpack_from(f"{order}II", content, position)
  start = position + _TAG_BYTES
  if code >> 16:  # A small element, within its tag.
    code, size, start = code & 0xffff, code >> 16, position + 4
    end = position + _TAG_BYTES
    if size > 4:
      raise ValueError("a small element has more than four bytes")
  else:
    end = start + size + (0 if code == _COMPRESSED else -size % 8)
  if start + size > len(content):
    raise ValueError("it ends within an element")
  return code, content[start:start + size], end
