"""Where the raw files of a data set are, and what names their content."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Iterable, Mapping

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.data import download
from du_vae_tf.data import image_reader
from du_vae_tf.data import raw_files
from du_vae_tf.data import synthetic_generator
from du_vae_tf.data import text_reader
from du_vae_tf.data import tfds_images


# Bytes that are not read in a moment.
_WORTH_TELLING = 2**30


@dataclasses.dataclass(frozen=True)
class Source:
  """The raw files of one data set.

  Attributes:
    files: split name, or "all" -> file; empty for a data set that is made or comes from TFDS.
    raw_digest: hex digits that name the content of `files`, or name and version of what TFDS has.
    digest: the same, of `files` and `vocabulary_file`.
    vocabulary_file: of text: the `vocab.txt` beside the training file, if there is one.
    tfds_name: the data set of TFDS in place of files.
  """

  files: Mapping[str, pathlib.Path]
  raw_digest: str
  digest: str
  vocabulary_file: pathlib.Path | None = None
  tfds_name: str | None = None


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
  except (OSError, RuntimeError, ValueError) as error:
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
  if not dataset.flags:
    return _named(f"{config.dataset} {synthetic_generator.VERSION}")
  if "tfds_name" in dataset.flags and config.tfds_name is not None:
    _check_nothing_beside(config)
    name = tfds_images.full_name(config.tfds_name, str(cache / "tfds"))
    return dataclasses.replace(_named(f"tfds {name}"), tfds_name=config.tfds_name)
  files = _files_at_hand(config) or _downloaded_files(config, cache, opener)
  raw = hashlib.sha256()
  sizes = {path: raw_files.size(path, _expected(config)) for path in files.values()}
  if sum(sizes.values()) > _WORTH_TELLING:
    console.say(f"Reading {sum(sizes.values()) / 2**30:.1f} GiB of raw files")
  for split, path in files.items():
    raw.update(f"{split} {sizes[path]}\n".encode())
    raw_files.update_digest(raw, path, _expected(config), config.modality == "text")
  source = Source(files, raw.hexdigest(), raw.hexdigest())
  if config.modality != "text":
    return source
  beside = files["train"].parent / "vocab.txt"
  if not beside.exists():
    return source
  everything = raw.copy()
  everything.update(b"vocabulary\n" + raw_files.read_bytes(beside, "one word a line"))
  return dataclasses.replace(source, vocabulary_file=beside, digest=everything.hexdigest())


def check_some(configs: Iterable[config_lib.RunConfig]) -> None:
  """Refuses runs none of which can start, before time is spent on any.

  Args:
    configs: of the runs; files to download, and data that are made or come from TFDS, count as
      there.

  Raises:
    errors.UserError: raw files that the user names are not there, whichever run is looked at;
      the first run's message.
  """
  refused = None
  for config in configs:
    try:
      if config.tfds_name is None and datasets.DATASETS[config.dataset].flags:
        _files_at_hand(config)
      return
    except errors.UserError as error:
      refused = refused or error
  if refused is not None:
    raise refused


def _named(name: str) -> Source:
  digest = hashlib.sha256(name.encode()).hexdigest()
  return Source({}, digest, digest)


def _expected(config: config_lib.RunConfig) -> str:
  return text_reader.EXPECTED if config.modality == "text" else image_reader.EXPECTED


def _given_files(config: config_lib.RunConfig) -> dict[str, str]:
  """split name -> what the flag of own files says, where it says something."""
  given = {split: getattr(config, f"{split}_file") for split in datasets.SPLITS}
  return {split: path for split, path in given.items() if path}


def _check_nothing_beside(config: config_lib.RunConfig) -> None:
  for split, path in _given_files(config).items():
    raise errors.UserError(
        f"--tfds_name={config.tfds_name}: excludes --{split}_file={path}; give one of them.")


def _files_at_hand(config: config_lib.RunConfig) -> dict[str, pathlib.Path] | None:
  """What the user names, checked to be there; None if the files are downloaded."""
  if not datasets.DATASETS[config.dataset].file_names:
    return _own_files(config)
  return None if config.manual_dir is None else _manual_files(config)


def _own_files(config: config_lib.RunConfig) -> dict[str, pathlib.Path]:
  given = _given_files(config)
  # Images for validation can be split off from those for training.
  needed = datasets.SPLITS if config.modality == "text" else ("train", "test")
  missing = [f"--{split}_file" for split in needed if split not in given]
  if missing:
    instead = ", or --tfds_name" if "tfds_name" in datasets.DATASETS[config.dataset].flags else ""
    raise errors.UserError(
        f"--dataset={config.dataset} needs {', '.join(missing)}: {_expected(config)}{instead}.")
  files = {split: raw_files.expanded(path, f"{split}_file") for split, path in given.items()}
  for split, path in files.items():
    raw_files.check(path, _expected(config), f"{split}_file")
  return files


def _manual_files(config: config_lib.RunConfig) -> dict[str, pathlib.Path]:
  folder = raw_files.expanded(config.manual_dir or "", "manual_dir") / config.dataset
  names = datasets.DATASETS[config.dataset].file_names
  files = {part: folder / name for part, name in names.items()}
  missing = [path.name for path in files.values() if not path.exists()]
  if missing:
    raise errors.UserError(
        f"--manual_dir={config.manual_dir}: {folder} lacks {', '.join(missing)}; expected"
        f" {', '.join(names.values())} in that folder.")
  for path in files.values():
    raw_files.check(path, _expected(config))
  return files


def _downloaded_files(
    config: config_lib.RunConfig, cache: pathlib.Path, opener: download.Opener | None
) -> dict[str, pathlib.Path]:
  name, dataset = config.dataset, datasets.DATASETS[config.dataset]
  folder = cache / "downloads" / name
  if not folder.is_dir():
    names = list(dataset.file_names.values())
    what = "archive" if dataset.packed else "file"
    advice = (
        f"get the {what} by hand, put {', '.join(names)} into a folder named {name} and say"
        f" --manual_dir=<the folder that holds {name}>.")
    options = {} if opener is None else {"opener": opener}
    if dataset.packed:
      download.fetch_archive(
          dataset.url or "", folder, names, ["vocab.txt"], advice=advice, sha256=dataset.sha256,
          **options)
    else:
      download.fetch_file(
          dataset.url or "", folder, names[0], advice=advice, sha256=dataset.sha256, **options)
  return {part: folder / file for part, file in dataset.file_names.items()}
