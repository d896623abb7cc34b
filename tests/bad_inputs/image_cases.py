"""Image files that are refused."""

import io
import pathlib
import pickle
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
import scipy.io

from du_vae_tf.data import image_reader
from du_vae_tf.data import tfds_images
from tests.bad_inputs import cases

_IMAGES = np.linspace(0.0, 1.0, 20 * 64, dtype=np.float32).reshape(20, 8, 8)
_LABELS = np.arange(20)


def _read(name: str) -> cases.Act:
  return lambda folder: image_reader.read_files({"train": folder / name})


def npy(array: Any) -> bytes:
  """The content of a `.npy` file."""
  made = io.BytesIO()
  np.save(made, array)
  return made.getvalue()


def header(text: str) -> bytes:
  """The beginning of a `.npy` file whose header is this text."""
  content = text.encode() + b"\n"
  return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content)) + content


def _described(shape: str, kind: str = "<f4", tail: bytes = b"") -> bytes:
  return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}") + tail


def npz(**members: bytes) -> bytes:
  """The content of a `.npz` file with these members."""
  made = io.BytesIO()
  with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
    for name, content in members.items():
      file.writestr(f"{name}.npy", content)
  return made.getvalue()


def _arrays(**arrays: Any) -> bytes:
  return npz(**{name: npy(array) for name, array in arrays.items()})


class _Touch:
  """What makes a file when it is unpickled."""

  def __init__(self, path: pathlib.Path):
    self._path = path

  def __reduce__(self):
    return pathlib.Path.touch, (self._path,)


def pickled(path: pathlib.Path, ran: pathlib.Path = pathlib.Path("ran")) -> None:
  """Writes images that are Python objects; to read them makes the file `ran`."""
  content = npy(np.array([_Touch(ran)], object))
  path.write_bytes(npz(images=content) if path.suffix == ".npz" else content)


def _patched(content: bytes, place: int, value: bytes) -> bytes:
  """A zip file of one member with another value at a place of its two headers.

  Args:
    content: of the zip file.
    place: in the header at the member; in the directory it is two bytes later.
    value: what is to stand there.
  """
  made = bytearray(content)
  for signature, shift in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
    start = content.index(signature) + place + shift
    made[start:start + len(value)] = value
  return bytes(made)


def mat(path: pathlib.Path, **arrays: Any) -> None:
  """Writes a MATLAB 5 file."""
  scipy.io.savemat(path, arrays, do_compression=True)


def _odd_mat(path: pathlib.Path) -> None:
  """Writes a MATLAB 5 file whose numbers are of a type that there is not."""
  scipy.io.savemat(path, {"images": _IMAGES})
  content = bytearray(path.read_bytes())
  place = content.index(b"images") + 8
  content[place:place + 2] = b"\x03\x88"
  path.write_bytes(bytes(content))


def _mat_bomb(path: pathlib.Path) -> None:
  """Writes a MATLAB 5 file whose packed array says that it is of 4 GiB."""
  scipy.io.savemat(path, {"images": np.zeros((8, 8, 8))}, do_compression=False)
  content = path.read_bytes()
  sizes = content.index(struct.pack("<iii", 8, 8, 8))
  element = content[128:sizes] + struct.pack("<i", 2**23) + content[sizes + 4:]
  packed = zlib.compress(element)
  path.write_bytes(content[:128] + struct.pack("<II", 15, len(packed)) + packed)


def _mat(name: str, message: str, **arrays: Any) -> cases.Case:
  return cases.Case(f"mat_{name}", rf"a\.mat{message}", _read("a.mat"),
                    {"a.mat": lambda path: mat(path, **arrays)})


def _raw_mat(name: str, content: bytes | cases.Writer, message: str) -> cases.Case:
  return cases.Case(f"mat_{name}", rf"a\.mat{message}", _read("a.mat"), {"a.mat": content})


def _chardata(name: str, message: str, **changes: Any) -> cases.Case:
  arrays = {}
  for prefix, count in (("", 3), ("test", 2)):
    arrays |= {f"{prefix}data": np.full((784, count), 0.5), f"{prefix}target": np.ones((1, count)),
               f"{prefix}targetchar": np.ones((1, count))}
  return cases.Case(
      f"chardata_{name}", rf"c\.mat: {message}",
      lambda folder: image_reader.read_chardata(folder / "c.mat"),
      {"c.mat": lambda path: mat(path, **(arrays | changes))})


def _npy(name: str, content: bytes | cases.Writer, message: str) -> cases.Case:
  return cases.Case(f"npy_{name}", rf"a\.npy:? {message}", _read("a.npy"), {"a.npy": content})


def _npz(name: str, content: bytes | cases.Writer, message: str) -> cases.Case:
  return cases.Case(f"npz_{name}", rf"a\.npz:? {message}", _read("a.npz"), {"a.npz": content})


_UNREADABLE = r"cannot be read as \.np. \(.*\); expected a whole file of plain numbers"
_WHOLE = _arrays(images=_IMAGES)

CASES = [
    *(cases.Case(f"tfds_name_{number}", "--tfds_name=.*: must be the name of a data set of tensor",
                 lambda _, name=name: tfds_images.full_name(name, "unused"))
      for number, name in enumerate((
          "", "somebody:mnist", "huggingface:mnist", "kaggle:owner/set", "../mnist", "/mnist",
          "a b", "mnist/a/b", "https://elsewhere.com/mnist"))),
    cases.Case("image_of_another_kind", r"a\.png: has the suffix \.png; expected .*\.npz",
               _read("a.png"), {"a.png": b"\x89PNG"}),
    cases.Case("image_without_a_suffix", r"a: has the suffix \(none\)", _read("a"), {"a": b"x"}),
    _npy("empty", b"", "is empty|cannot be read"),
    _npy("missing", lambda path: None, "no such file|cannot be read"),
    _npy("folder", cases.folder, "is not a file|cannot be read"),
    _npy("words", b"plain words", _UNREADABLE),
    _npy("cut_short", npy(_IMAGES)[:-100], _UNREADABLE),
    _npy("head_only", npy(_IMAGES)[:9], _UNREADABLE),
    _npy("is_npz", _arrays(images=_IMAGES), r"is no \.npy file"),
    _npy("objects", npy(np.array([{}, []], object)), _UNREADABLE),
    _npy("bare_pickle", pickle.dumps(_IMAGES), _UNREADABLE),
    _npy("negative_shape", _described("(-1, 8, 8)", tail=bytes(5120)), "cannot be read|shape"),
    _npy("shape_beyond_memory", _described("(10000000000000, 8, 8)", tail=bytes(512)),
         _UNREADABLE),
    _npy("shape_beyond_64_bits", _described(f"({10**30}, 8, 8)", tail=bytes(512)), _UNREADABLE),
    _npy("shape_of_words", _described("('a', 8, 8)", tail=bytes(512)), _UNREADABLE),
    _npy("header_is_code", header("__import__('os').system('touch ran')"), _UNREADABLE),
    _npy("header_deep", header(9000 * "(" + 9000 * ")"), _UNREADABLE),
    _npy("header_of_60_kb", header(60_000 * " "), _UNREADABLE),
    _npy("unknown_type", _described("(20, 8, 8)", "<q9"), _UNREADABLE),
    _npy("a_terabyte", cases.sparse(2**40, _described("(4294967296, 8, 8)")),
         "is larger than 4 GiB"),
    _npy("complex", npy(_IMAGES * 1j), "has images of type complex64; expected"),
    _npy("strings", npy(_IMAGES.astype("U4")), "has images of type <U4; expected"),
    _npy("dates", npy(np.zeros((20, 8, 8), "M8[s]")), "has images of type datetime64"),
    _npy("records", npy(np.zeros((20, 8, 8), [("x", "f4")])), "has images of type"),
    _npy("nan", npy(np.where(_IMAGES > 0.9, np.nan, _IMAGES)), "has values that are NaN"),
    _npy("infinite", npy(np.where(_IMAGES > 0.9, np.inf, _IMAGES)), "has values that are NaN or"),
    _npy("negative", npy(_IMAGES - 1), r"has values from -1 to 0; expected floats in \[0, 1\]"),
    _npy("up_to_256", npy((_IMAGES * 256).astype(np.int16)), "has integers from 0 to 256"),
    _npy("integers_0_and_1", npy(_IMAGES.astype(np.uint8)), "has integers up to 1 only"),
    _npy("one_number", npy(np.float32(0.5)), r"has images of shape \(\)"),
    _npy("no_images", npy(_IMAGES[:0]), "has images of shape 0 x 8 x 8"),
    _npy("flat", npy(_IMAGES.reshape(20, 64)), "has images of shape 20 x 64"),
    _npy("not_square", npy(_IMAGES.reshape(10, 16, 8)), "has images of 16 x 8 pixels"),
    _npy("colours", npy(np.zeros((20, 8, 8, 3), np.float32)), "has images of 3 channels"),
    _npy("too_small", npy(np.zeros((20, 7, 7), np.float32)),
         "has images of 7 x 7 pixels; expected"),
    _npy("too_large", npy(np.zeros((1, 65, 65), np.float32)),
         "has images of 65 x 65 pixels; expected"),
    _npz("words", b"plain words", _UNREADABLE),
    _npz("cut_short", _arrays(images=_IMAGES)[:-30], _UNREADABLE),
    _npz("is_npy", npy(_IMAGES), r"is no \.npz file"),
    _npz("other_names", _arrays(x=_IMAGES), "lacks an array `images`; it has x"),
    _npz("nothing", npz(), "lacks an array `images`; it has nothing"),
    _npz("member_is_no_array", npz(images=b"plain words"), _UNREADABLE),
    _npz("labels_are_no_array", npz(images=npy(_IMAGES), labels=b"plain"), _UNREADABLE),
    _npz("objects", npz(images=npy(np.array([{}], object))), _UNREADABLE),
    _npz("member_is_a_pickle", npz(images=pickle.dumps(_IMAGES)), _UNREADABLE),
    _npz("encrypted", _patched(_WHOLE, 6, b"\1\0"), _UNREADABLE),
    _npz("packed_in_another_way", _patched(_WHOLE, 8, b"\x63\0"), _UNREADABLE),
    _npz("wrong_checksum", _patched(_WHOLE, 14, b"sums"), _UNREADABLE),
    _npz("bomb", _patched(_WHOLE, 22, b"\xfe\xff\xff\xff"),
         "has an array `images` of 4294967294 bytes; expected at most 2 GiB"),
    _npz("shape_beyond_memory", npz(images=_described("(10000000000000, 8, 8)")), _UNREADABLE),
    _npz("too_few_labels", _arrays(images=_IMAGES, labels=_LABELS[1:]), ".*label for each of 20"),
    _npz("label_fraction", _arrays(images=_IMAGES, labels=_LABELS + 0.5), ".*has 0.5 for image 0"),
    _npz("label_nan", _arrays(images=_IMAGES, labels=_LABELS * np.nan), ".*has nan for image 0"),
    _npz("label_strings", _arrays(images=_IMAGES, labels=_LABELS.astype("U2")), ".*type <U2"),
    _npz("label_large", _arrays(images=_IMAGES, labels=_LABELS + 2**40), ".*expected integers"),
    _npz("label_number", _arrays(images=_IMAGES[:1], labels=np.int64(3)), ".*label for each of 1"),
    _raw_mat("words", 30 * b"plain words ", ": is not a MATLAB file"),
    _raw_mat("npy", npy(_IMAGES), ": is (not|a) .*MATLAB"),
    _raw_mat("a_terabyte", cases.sparse(2**40, b"MATLAB 5.0 MAT-file".ljust(124)
                                        + b"\x00\x01IM"), ": is larger than 4 GiB"),
    _mat("without_images", ": lacks the arrays images", x=_IMAGES),
    _mat("words_as_images", ": images is text", images="words"),
    _mat("cells", ": images is an array of cells", images=np.array([1, "a"], object)),
    _mat("complex", ": images is an array of complex numbers", images=_IMAGES * 1j),
    _raw_mat("numbers_of_no_type", _odd_mat, ": is damaged or not complete .*type 34819"),
    _raw_mat("bomb", _mat_bomb, ": has an array `images` of 4294967296 bytes; expected at most 2"),
    _mat("nan", " has values that are NaN", images=_IMAGES * np.nan),
    _mat("flat", " has images of shape", images=_IMAGES.reshape(20, 64)),
    _chardata("rows", r"data has shape 783 x 3; expected 784 rows", data=np.zeros((783, 3))),
    _chardata("alphabets", "target must have a single 1", target=np.zeros((1, 3))),
    _chardata("columns", "testtarget has shape 1 x 3; expected .* 2 columns",
              testtarget=np.ones((1, 3))),
    _chardata("characters", "targetchar has -7", targetchar=np.full((1, 3), -7.0)),
]
