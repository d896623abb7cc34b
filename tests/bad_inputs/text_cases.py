"""Text files and vocabularies that are refused."""

import os
import pathlib

from du_vae_tf import config as config_lib
from du_vae_tf.data import sources
from du_vae_tf.data import text_reader
from du_vae_tf.data import vocabulary
from tests.bad_inputs import cases

_SPLITS = ("train", "valid", "test")
_GOOD = 16 * b"a b c\n"
_LABELLED = 16 * b"1\ta b c\n"
_TERABYTE = 2**40


def _paths(folder: pathlib.Path) -> dict[str, pathlib.Path]:
  return {split: folder / f"{split}.txt" for split in _SPLITS}


def _read(folder: pathlib.Path) -> object:
  return text_reader.read_files(_paths(folder), "detect")


def _locate(folder: pathlib.Path) -> object:
  """Finds the files as `train --dataset=text` does."""
  config = config_lib.resolve({"dataset": "text", "data_dir": str(folder / "data"), **{
      f"{split}_file": str(path) for split, path in _paths(folder).items()}}, {})
  return sources.locate(config, sources.cache_dir(config))


def _text(name: str, message: str, act: cases.Act = _read, good: bytes = _GOOD,
          **files: bytes | cases.Writer) -> cases.Case:
  """A training set one file of which is bad."""
  given = {f"{split}.txt": good for split in _SPLITS}
  return cases.Case(f"text_{name}", message, act, {
      **given, **{f"{split}.txt": content for split, content in files.items()}})


def _vocabulary(name: str, content: bytes | cases.Writer, message: str) -> cases.Case:
  return cases.Case(f"vocabulary_{name}", rf"v\.txt{message}",
                    lambda folder: vocabulary.load(folder / "v.txt"), {"v.txt": content})


def _nothing(path: pathlib.Path) -> None:
  """Leaves the file out."""


def _loop(path: pathlib.Path) -> None:
  path.symlink_to(path)


def _manual(**values: str) -> cases.Act:
  def act(folder: pathlib.Path) -> object:
    config = config_lib.resolve({
        "data_dir": str(folder / "data"),
        **{name: value.replace("{}", str(folder)) for name, value in values.items()}}, {})
    return sources.locate(config, sources.cache_dir(config))
  return act


CASES = [
    _text("missing", r"--train_file=.*train\.txt: no such file; expected a text file", _locate,
          train=_nothing),
    _text("folder", r"--valid_file=.*valid\.txt: is not a file", _locate, valid=cases.folder),
    _text("pipe", r"--test_file=.*test\.txt: is not a file", _locate, test=os.mkfifo),
    _text("link_to_itself", r"--test_file=.*test\.txt: ", _locate, test=_loop),
    _text("empty", r"--train_file=.*train\.txt: is empty", _locate, train=b""),
    _text("a_terabyte", r"train\.txt: has a line of more than 64 MiB", _locate,
          train=cases.sparse(_TERABYTE, _GOOD)),
    _text("a_terabyte_in_one_line", r"valid\.txt: has a line of more than 64 MiB", _read,
          valid=cases.sparse(_TERABYTE, b"a")),
    cases.Case("text_name_too_long", "--train_file=.*: cannot be read", _manual(
        dataset="text", train_file="{}/" + 300 * "a", valid_file="b", test_file="c")),
    cases.Case("text_nul_in_the_name", "--train_file=.*", _manual(
        dataset="text", train_file="a\0b", valid_file="b", test_file="c")),
    cases.Case("text_no_such_user", "--train_file=~nobody-here/a", _manual(
        dataset="text", train_file="~nobody-here/a", valid_file="b", test_file="c")),
    cases.Case("text_files_not_named", "--dataset=text needs --valid_file, --test_file", _manual(
        dataset="text", train_file="{}/train.txt")),
    cases.Case("manual_dir_missing", "--manual_dir=.*lacks yahoo.train.txt", _manual(
        dataset="yahoo", manual_dir="{}/none")),
    cases.Case("manual_dir_of_no_user", "--manual_dir=~nobody-here", _manual(
        dataset="yahoo", manual_dir="~nobody-here")),
    cases.Case("data_dir_is_a_file", "--data_dir=.*file", _manual(data_dir="{}/file"),
               {"file": b"precious"}),
    cases.Case("data_dir_with_nul", "--data_dir=", _manual(data_dir="{}/a\0b")),
    cases.Case("data_dir_of_no_user", "--data_dir=~nobody-here", _manual(
        data_dir="~nobody-here/a")),
    _text("utf_16", r"train\.txt, line 1: byte 0xff is not UTF-8; save the file as UTF-8",
          train=16 * "a b\n".encode("utf-16")),
    _text("latin_1_in_the_last_line", r"test\.txt, line 17: byte 0xe9", test=_GOOD + b"caf\xe9"),
    _text("surrogate", r"test\.txt, line 1: byte 0xed", test=b"\xed\xa0\x80\n"),
    _text("overlong_form", r"test\.txt, line 1: byte 0xc0", test=b"\xc0\x80\n"),
    _text("gzip", r"train\.txt, line 1: byte 0x8b", train=b"\x1f\x8b\x08\x00" + bytes(50)),
    _text("blank", r"valid\.txt: has 0 sentences in 3 lines", valid=b"\n \t\r\n\n"),
    _text("15_rows", r"train\.txt: has 15 sentences .* at least 16", train=15 * b"a b\n"),
    _text("rows_of_old_macs", r"train\.txt: has 1 sentences in 1 lines", train=40 * b"a b\r"),
    _text("label_on_one_line", r"test\.txt, line 1 has '5'; write label<TAB>sentence on every",
          test=b"5\ta\n"),
    _text("label_missing_on_one_line", r"valid\.txt, line 2: has no label", good=_LABELLED,
          valid=b"1\ta\nb\n"),
    _text("label_below_zero", r"line 1: label '-1'; expected an integer from 0", good=_LABELLED,
          valid=b"-1\ta\n"),
    _text("label_of_20_digits", "label '9+'; expected an integer from 0", good=_LABELLED,
          valid=20 * b"9" + b"\ta\n"),
    _text("label_of_6000_digits", r"label '9{40}\.\.\.'; expected", good=_LABELLED,
          valid=6000 * b"9" + b"\ta\n"),
    _text("label_of_other_digits", r"label '٣' is not an integer", good=_LABELLED,
          valid="٣\ta\n".encode()),
    _text("label_fraction", r"label '1\.0' is not an integer", good=_LABELLED, valid=b"1.0\ta\n"),
    _text("label_without_sentence", r"valid\.txt: has 0 sentences in 2 lines", good=_LABELLED,
          valid=b"1\t\n0\t \n"),
    cases.Case("vocabulary_beside_is_a_folder", r"vocab\.txt: is not a file", _locate, {
        **{f"{split}.txt": _GOOD for split in _SPLITS}, "vocab.txt": cases.folder}),
    _vocabulary("missing", _nothing, ": no such file"),
    _vocabulary("empty", b"", ": is empty"),
    _vocabulary("blank_line", b"a\n\nb\n", ", line 2: expected exactly one word a line"),
    _vocabulary("two_words", b"a\nb c\n", ", line 2: expected exactly one word a line"),
    _vocabulary("repeated", b"a\nb\na\n", ", line 3: the word of line 1 again"),
    _vocabulary("latin_1", b"caf\xe9\n", ", line 1: byte 0xe9 is not UTF-8"),
    _vocabulary("only_special_words", b"<pad>\n<s>\n</s>\n<unk>\n", ": has no word but"),
    _vocabulary("byte_order_mark_twice", b"\xef\xbb\xbfa\na\n", ", line 2: the word of line 1"),
    _vocabulary("a_terabyte", cases.sparse(_TERABYTE, b"a\n"), ": is larger than 4 GiB"),
]
