"""The folder that holds everything of a run: its paths, its configuration, its lock."""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import shutil
import textwrap
from collections.abc import Mapping
from typing import Any

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import folder_lock
from du_vae_tf import json_files
from du_vae_tf import methods

_PATHS = ("manual_dir", "data_dir", "train_file", "valid_file", "test_file")
# What the data fix of a model: its name, the least and the most.
_SIZES: dict[datasets.Modality, tuple[str, int, int]] = {
    "text": ("vocab_size", 5, config_lib.LARGEST_VOCABULARY),
    "image": ("side", datasets.MIN_SIDE, datasets.MAX_SIDE)}
# Of a reason, which may have values of the file in it.
_LONGEST_REASON = 400
_PACKAGES = ("tensorflow", "tensorflow-probability", "keras")


@dataclasses.dataclass(frozen=True)
class _Data:
  """What a config.json says of the data."""

  data_digest: str
  sizes: dict[str, int]


class RunFolder:
  """Paths of a run folder.

  Args:
    path: the folder; it need not exist yet.
  """

  def __init__(self, path: str | os.PathLike[str]):
    self.path = pathlib.Path(path)
    self.config = self.path / "config.json"
    self.vocabulary = self.path / "vocab.txt"
    self.checkpoints = self.path / "checkpoints"
    self.best = self.path / "best"
    self.metrics = self.path / "metrics.jsonl"
    self.tensorboard = self.path / "tensorboard"
    self.report = self.path / "report.json"
    self.evaluations = self.path / "evaluations"
    self.samples = self.path / "samples"
    self.figures = self.path / "figures"
    self.export = self.path / "export"
    self._lock = folder_lock.FolderLock(self.path, "run_dir")

  def acquire(self) -> None:
    """Makes the folder and owns it until the process ends; see `FolderLock.acquire`.

    Raises:
      errors.UserError: another process owns it, or it cannot be written.
    """
    self._lock.acquire()

  def release(self) -> None:
    """Gives the folder up."""
    self._lock.release()

  def clear(self) -> None:
    """Deletes what the run wrote, the lock apart.

    Raises:
      errors.UserError: the folder holds something, but no run.
    """
    content = [entry for entry in self.path.iterdir() if entry.name != "lock"]
    if content and not self.config.exists():
      raise errors.UserError(
          f"--overwrite: {self.path} holds no config.json, so it is no run folder and is left"
          " alone; give another --run_dir.")
    for entry in content:
      shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

  def save_config(self, config: config_lib.RunConfig, data_digest: str,
                  sizes: Mapping[str, int]) -> None:
    """Writes config.json, after a check that the folder is of the same mathematics.

    Args:
      config: of the run.
      data_digest: content of its data.
      sizes: what the data fix of the model.

    Raises:
      errors.UserError: the folder holds a run of other mathematics or other data, or something
        that is no run.
    """
    if self.config.exists():
      old, old_digest, _ = self.load_config()
      self._refuse_other_mathematics(old, config, old_digest != data_digest)
    elif any(entry.name != "lock" for entry in self.path.iterdir()):
      raise errors.UserError(
          f"--run_dir={self.path}: the folder is not empty and holds no run; give another one.")
    values = config.to_dict() | {
        name: os.path.abspath(getattr(config, name))
        for name in _PATHS if getattr(config, name) is not None}
    for name in ("run_dir", "overwrite"):
      del values[name]
    versions = {package: importlib.metadata.version(package) for package in _PACKAGES}
    files.write_text_atomically(self.config, json.dumps(
        values | {"data_digest": data_digest, "sizes": dict(sizes), "versions": versions},
        indent=2) + "\n")

  def _refuse_other_mathematics(self, old: config_lib.RunConfig, new: config_lib.RunConfig,
                                other_data: bool) -> None:
    was, now = old.mathematics(), new.mathematics()
    differing = [f"--{name} was {was[name]} and is {now[name]}"
                 for name in now if was[name] != now[name]]
    if other_data:
      differing.append("the content of the data files differs")
    if differing:
      raise errors.UserError(
          f"--run_dir={self.path}: holds another run ({'; '.join(differing)}); give another"
          " --run_dir, or --overwrite to start anew.")

  def load_config(self) -> tuple[config_lib.RunConfig, str, dict[str, int]]:
    """The configuration of the run, the digest of its data and what the data fix of the model.

    Raises:
      errors.UserError: there is no run here, or its config.json cannot be read.
    """
    if not self.config.is_file():
      raise errors.UserError(
          f"--run_dir={self.path}: no run here (no config.json); give the folder of a run.")
    try:
      values = json_files.read_object(self.config)
      data: dict[str, Any] = {
          name: values.pop(name) for name in ("data_digest", "sizes") if name in values}
      json_files.check_fields(_Data, data)
      known = {field.name for field in dataclasses.fields(config_lib.RunConfig)}
      given = {name: value for name, value in values.items() if name in known}
      json_files.check_fields(config_lib.RunConfig, given)
      config = config_lib.RunConfig(**given | {"run_dir": str(self.path)})
      _check_complete(config, data["sizes"])
      return config, data["data_digest"], data["sizes"]
    except (OSError, ValueError) as error:
      reason = textwrap.shorten(str(error), _LONGEST_REASON)
      raise errors.UserError(f"{self.config}: not a configuration of a run ({reason}).") from None


def _check_complete(config: config_lib.RunConfig, sizes: Mapping[str, int]) -> None:
  """Raises `ValueError` unless a model can be made from what a config.json says."""
  method = {name: default for name, default in config.method_row.defaults.items()
            if name not in methods.SCHEDULE_SETTINGS}
  settings = [method, *(row.defaults for row in config.network_rows.values())]
  missing = [name for row in settings for name, default in row.items()
             if default is not None and getattr(config, name) is None]
  if missing:
    raise ValueError(f"missing: {', '.join(missing)}")
  name, least, most = _SIZES[config.modality]
  if name not in sizes:
    raise ValueError(f"sizes: missing: {name}")
  if not least <= sizes[name] <= most:
    raise ValueError(f"sizes: {name} is {sizes[name]}; expected {least} to {most}")
