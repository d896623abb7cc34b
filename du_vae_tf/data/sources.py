"""Where the raw files of a data set are, and what names their content."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Mapping

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import datasets
from du_vae_tf.data import download
from du_vae_tf.data import synthetic_generator
from du_vae_tf.data import text_reader


@dataclasses.dataclass(frozen=True)
class Source:
  """The raw files of one data set.

  Attributes:
    files: split name -> file; empty for a data set that is made.
    vocabulary_file: the `vocab.txt` beside the training file, if there is one.
    raw_digest: hex digits that name the content of `files`.
    digest: the same, of `files` and `vocabulary_file`.
  """

  files: Mapping[str, pathlib.Path]
  vocabulary_file: pathlib.Path | None
  raw_digest: str
  digest: str


def cache_dir(config: config_lib.RunConfig) -> pathlib.Path:
  """The folder for prepared data: `--data_dir` or the user's cache folder.

  Raises:
    errors.UserError: it cannot be made or written.
  """
  try:
    folder = (
        pathlib.Path(config.data_dir).expanduser() if config.data_dir
        else pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        / "du_vae_tf")
    folder.mkdir(parents=True, exist_ok=True)
  except (OSError, RuntimeError) as error:
    raise errors.UserError(
        f"--data_dir={config.data_dir or '(default)'}: no folder for prepared data can be made"
        f" ({error}); name one that can be written.") from error
  if not os.access(folder, os.W_OK | os.X_OK):
    raise errors.UserError(f"--data_dir={folder}: is not a folder that can be written.")
  return folder


def locate(
    config: config_lib.RunConfig, cache: pathlib.Path, opener: download.Opener | None = None
) -> Source:
  """Finds, or downloads, the raw files.

  Args:
    config: says where to look.
    cache: from `cache_dir`; downloads are kept there.
    opener: opens URLs in place of `urllib` (for tests).

  Raises:
    errors.UserError: a file is missing or unusable, or a download failed.
  """
  dataset = datasets.DATASETS[config.dataset]
  if dataset.line_format is None:
    digest = hashlib.sha256(
        f"{config.dataset} {synthetic_generator.VERSION}".encode()).hexdigest()
    return Source({}, None, digest, digest)
  if dataset.archive_url is None:
    files = _own_files(config)
  elif config.manual_dir is not None:
    files = _manual_files(config.dataset, config.manual_dir)
  else:
    files = _downloaded_files(config.dataset, dataset, cache, opener)
  raw = hashlib.sha256()
  for split, path in files.items():
    content = text_reader.read_bytes(path)
    raw.update(f"{split} {len(content)}\n".encode())
    raw.update(content)
  beside = files["train"].parent / "vocab.txt"
  if not beside.exists():
    return Source(files, None, raw.hexdigest(), raw.hexdigest())
  everything = raw.copy()
  everything.update(b"vocabulary\n" + text_reader.read_bytes(beside))
  return Source(files, beside, raw.hexdigest(), everything.hexdigest())


def _own_files(config: config_lib.RunConfig) -> dict[str, pathlib.Path]:
  given = {"train_file": config.train_file, "valid_file": config.valid_file,
           "test_file": config.test_file}
  missing = [f"--{flag}" for flag, path in given.items() if not path]
  if missing:
    raise errors.UserError(
        f"--dataset={config.dataset} needs {', '.join(missing)}: a file with a sentence a line, or"
        " label<TAB>sentence.")
  paths = {flag: pathlib.Path(path or "").expanduser() for flag, path in given.items()}
  for flag, path in paths.items():
    text_reader.check_file(path, flag)
  return {split: paths[f"{split}_file"] for split in datasets.SPLITS}


def _file_names(name: str) -> dict[str, str]:
  return {split: f"{name}.{split}.txt" for split in datasets.SPLITS}


def _manual_files(name: str, manual_dir: str) -> dict[str, pathlib.Path]:
  folder = pathlib.Path(manual_dir).expanduser() / name
  files = {split: folder / file for split, file in _file_names(name).items()}
  missing = [path.name for path in files.values() if not path.exists()]
  if missing:
    raise errors.UserError(
        f"--manual_dir={manual_dir}: {folder} lacks {', '.join(missing)}; expected"
        f" {', '.join(path.name for path in files.values())} in that folder.")
  for path in files.values():
    text_reader.check_file(path)
  return files


def _downloaded_files(
    name: str, dataset: datasets.Dataset, cache: pathlib.Path, opener: download.Opener | None
) -> dict[str, pathlib.Path]:
  folder = cache / "downloads" / name
  files = {split: folder / file for split, file in _file_names(name).items()}
  if not folder.is_dir():
    names = [path.name for path in files.values()]
    advice = (
        f"get the archive by hand, put {', '.join(names)} into a folder named {name} and say"
        f" --manual_dir=<the folder that holds {name}>.")
    options = {} if opener is None else {"opener": opener}
    download.fetch(
        dataset.archive_url or "", folder, names, ["vocab.txt"], advice=advice,
        sha256=dataset.archive_sha256, **options)
  return files
