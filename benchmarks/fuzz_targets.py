"""The readers of what others have written, each as a function of bytes, for a fuzzer."""

import collections
import dataclasses
import io
import json
import pathlib
import zipfile
from collections.abc import Callable, Sequence

import numpy as np
import scipy.io

from du_vae_tf import command_line
from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf import report
from du_vae_tf.data import image_reader
from du_vae_tf.data import text_reader
from du_vae_tf.data import vocabulary
from du_vae_tf.server import refusals
from du_vae_tf.server import request_json
from du_vae_tf.server import specs
from du_vae_tf.training import run_folder


@dataclasses.dataclass(frozen=True)
class Target:
  """A reader.

  Attributes:
    name: of the target.
    read: takes the bytes, and a folder of its own to put them into.
    seeds: bytes that it reads, to begin with.
  """

  name: str
  read: Callable[[bytes, pathlib.Path], object]
  seeds: Sequence[bytes]

  def run(self, content: bytes, folder: pathlib.Path) -> bool:
    """Whether the reader takes the bytes; it may refuse them, in one line.

    Args:
      content: the bytes.
      folder: for files.

    Raises:
      Exception: the reader does something else.
    """
    try:
      self.read(content, folder)
    except (errors.UserError, refusals.Refusal) as error:
      if "\n" in str(error):
        raise AssertionError(f"a refusal must be one line. Received: {error}") from error
      return False
    return True


def _written(content: bytes, folder: pathlib.Path, name: str) -> pathlib.Path:
  path = folder / name
  path.write_bytes(content)
  return path


_FORMATS: tuple[datasets.LineFormat, ...] = ("detect", "labelled", "sentence")


def _text(content: bytes, folder: pathlib.Path) -> None:
  """The first byte says what the lines are."""
  path = _written(content[1:], folder, "a.txt")
  splits = text_reader.read_files(
      {"train": path, "test": path}, _FORMATS[(content[:1] or b"\0")[0] % len(_FORMATS)])
  for split in splits.values():
    collections.deque(split.rows(), maxlen=0)


def _vocabulary(content: bytes, folder: pathlib.Path) -> None:
  words = vocabulary.load(_written(content, folder, "vocab.txt"))
  words.decode(words.encode(content.split()))


def _images(name: str) -> Callable[[bytes, pathlib.Path], object]:
  return lambda content, folder: image_reader.read_files(
      {"train": _written(content, folder, name)})


def _flags(content: bytes, folder: pathlib.Path) -> None:
  command_line.resolve(command_line.explicit_values(
      command_line.config_flags(), [f"--flagfile={_written(content, folder, 'a.flags')}"]))


def _config(content: bytes, folder: pathlib.Path) -> None:
  _written(content, folder, "config.json")
  run_folder.RunFolder(folder).load_config()


def _report(content: bytes, folder: pathlib.Path) -> None:
  report.Report.read(_written(content, folder, "report.json")).table()


_INPUTS: tuple[dict[str, specs.Spec], ...] = (
    {"text": specs.Spec("string", np.dtype(object), (None,))},
    {"image": specs.Spec("number", np.dtype(np.float32), (None, 2, 2, 1))},
    {"text": specs.Spec("string", np.dtype(object), (None,)),
     "seed": specs.Spec("whole number", np.dtype(np.int64), (None,))},
    {"x": specs.Spec("number", np.dtype(np.float32), None)})


def _request(content: bytes, folder: pathlib.Path) -> None:
  """The first byte says what the signature takes."""
  del folder
  request_json.arrays(
      request_json.parse(content[1:]), _INPUTS[(content[:1] or b"\0")[0] % len(_INPUTS)])


_IMAGES = np.linspace(0.0, 1.0, 3 * 64, dtype=np.float32).reshape(3, 8, 8)
_FIGURES = {
    "dataset": "text", "method": "vae", "split": "test", "num_examples": 2, "iw_samples": 3,
    "nll": 4.0, "nll_std_error": 0.5, "ppl": 6.0, "elbo_nll": 5.0, "reconstruction": 4.0,
    "kl": 1.0, "mi": 0.5, "au": 1, "mpd": 2.0, "ce": 1.5, "latent_dim": 2, "seed": 7, "epochs": 1,
    "best_epoch": 1, "train_seconds": 3.0, "precision": "float32"}


def _npy(images: np.ndarray) -> bytes:
  made = io.BytesIO()
  np.save(made, images)
  return made.getvalue()


def _npz(packing: int) -> bytes:
  made = io.BytesIO()
  with zipfile.ZipFile(made, "w", packing) as file:
    file.writestr("images.npy", _npy(_IMAGES))
    file.writestr("labels.npy", _npy(np.arange(3)))
  return made.getvalue()


def _mat(is_packed: bool) -> bytes:
  made = io.BytesIO()
  scipy.io.savemat(made, {"images": _IMAGES, "labels": np.arange(3)}, do_compression=is_packed)
  return made.getvalue()


_CONFIG = {
    "dataset": "text", "method": "vae", "hidden_size": 4, "embedding_size": 3, "data_digest": "d",
    "sizes": {"vocab_size": 7, "max_words": 5}}

TARGETS: dict[str, Target] = {target.name: target for target in (
    Target("text", _text, [
        b"\0" + 16 * b"a b\n", b"\0" + 16 * b"1\ta b\n", b"\1" + 16 * b"-2\ta\n\n",
        b"\2\xef\xbb\xbf" + 17 * "ö\t\r\n".encode()]),
    Target("vocabulary", _vocabulary, [
        b"<pad>\n<s>\n</s>\n<unk>\na\nb\n", b"\xef\xbb\xbfa\r\nb\r\n", "ö\n_UNK\n".encode()]),
    Target("npy", _images("a.npy"), [
        _npy(_IMAGES), _npy((255 * _IMAGES).astype(np.uint8)), _npy(_IMAGES > 0.5)]),
    Target("npz", _images("a.npz"), [_npz(zipfile.ZIP_STORED), _npz(zipfile.ZIP_DEFLATED)]),
    Target("mat", _images("a.mat"), [_mat(False), _mat(True)]),
    Target("flags", _flags, [
        b"--epochs=3\n# words\n--gamma=0.5\n--dataset=yahoo\n", b"--nodeterministic\n--seed=9\n",
        b"--flagfile=yahoo.flags\n--method=du_iaf\n--flow_depth=3\n"]),
    Target("config", _config, [
        json.dumps(_CONFIG).encode(),
        json.dumps({"dataset": "omniglot", "method": "du_iaf", "flow_depth": 2, "gamma": 0.5,
                    "data_digest": "d", "sizes": {"side": 28}}).encode()]),
    Target("report", _report, [
        json.dumps(_FIGURES).encode(),
        json.dumps(_FIGURES | {"mi": None, "null_reasons": {"mi": "a flow"}, "z0_mi": 1}).encode()
    ]),
    Target("request", _request, [
        b'\0{"instances": ["a", {"b64": "YQ=="}]}', b'\1{"inputs": [[[[0],[1]],[[1e3],[NaN]]]]}',
        b'\2{"signature_name": "x", "instances": [{"text": "a", "seed": 3}]}',
        b'\3{"inputs": {"x": [[1, 2], [3, 4.5]]}}']))}
