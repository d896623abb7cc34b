"""What the commands on trained runs share: their flags, and reading runs with their data."""

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import report as report_lib
from du_vae_tf.training import run_folder

if TYPE_CHECKING:
  from du_vae_tf.data import corpus as corpus_lib
  from du_vae_tf.training import runs

# What decides on the figures of a run besides its mathematics.
_FIGURES = ("epochs", "iw_samples", "max_eval_examples")

SOURCES = ("manual_dir", "data_dir", "train_file", "valid_file", "test_file")


def flags(group: str, *, several: bool) -> list[command_line.Flag]:
  """`--run_dir` and where its data lie now.

  Args:
    group: heading of `--run_dir` in the help.
    several: whether it may be given several times.
  """
  return [run_flag(group, several=several), *command_line.config_flags(*SOURCES)]


def run_flag(group: str, *, several: bool) -> command_line.Flag:
  """`--run_dir` alone; see `flags`."""
  text = "Folder of the run; must be given" + (", once for each run." if several else ".")
  return command_line.Flag(
      name="run_dir", type=list if several else str, default=None, group=group, text=text)


def folder_flag(group: str) -> command_line.Flag:
  """`--output_dir`, where a command writes what belongs to several runs."""
  return command_line.Flag(
      name="output_dir", type=str, default=None, group=group,
      text="Where pictures and tables go (default: the folder figures of the run; of several runs,"
      " comparison where you stand).")


def folders(explicit: Mapping[str, Any]) -> list[str]:
  """The values of `--run_dir`.

  Raises:
    errors.UserError: there are none, or one is given twice.
  """
  given = explicit.get("run_dir") or []
  paths: Sequence[str] = [given] if isinstance(given, str) else given
  if not paths:
    raise errors.UserError("--run_dir: must be given; the folder of a run of //du_vae_tf:train.")
  for path in paths:
    if paths.count(path) > 1:
      raise errors.UserError(f"--run_dir={path}: is given twice.")
  return list(paths)


def given_folder(explicit: Mapping[str, Any]) -> pathlib.Path | None:
  """The value of `--output_dir`; None if it was not given.

  Raises:
    errors.UserError: it cannot be written to.
  """
  if "output_dir" not in explicit:
    return None
  folder = pathlib.Path(explicit["output_dir"])
  files.check_writable(folder, "output_dir")
  return folder


def output_folder(explicit: Mapping[str, Any], paths: Sequence[str]) -> pathlib.Path:
  """Where the pictures of these runs go; see `folder_flag`.

  Raises:
    errors.UserError: `--output_dir` cannot be written to.
  """
  alone = pathlib.Path(paths[0]) / "figures" if len(paths) == 1 else pathlib.Path("comparison")
  return given_folder(explicit) or alone


def titles(paths: Sequence[str]) -> list[str]:
  """What the runs are called in pictures and tables: the names of their folders, or the paths."""
  names = [pathlib.Path(path).resolve().name for path in paths]
  return [name if names.count(name) == 1 else str(path)
          for name, path in zip(names, paths, strict=True)]


def load(explicit: Mapping[str, Any], paths: Sequence[str],
         **changes: Any) -> "Iterator[tuple[runs.Run, corpus_lib.Corpus]]":
  """The runs one after the other, with their data; needs TensorFlow.

  Args:
    explicit: the flags given, `precision` among them where the command has it.
    paths: of the folders.
    **changes: of the run's configuration where the data are read.

  Raises:
    errors.UserError: there is no such run, or its data are not there.
  """
  from du_vae_tf.training import runs

  for path in paths:
    run = runs.load(path, explicit.get("precision", config_lib.RunConfig.precision))
    sources = {name: explicit[name] for name in SOURCES if name in explicit}
    yield run, run.load_corpus(**sources, **changes)


def is_done(folder: pathlib.Path, config: config_lib.RunConfig) -> bool:
  """Whether a folder holds this very run, trained and evaluated; in doubt `train` decides."""
  path = folder / "report.json"
  if not path.is_file():
    return False
  saved, _, _ = run_folder.RunFolder(folder).load_config()
  return same_figures(saved, config) and report_lib.Report.read(path).epochs == config.epochs


def same_figures(first: config_lib.RunConfig, second: config_lib.RunConfig) -> bool:
  """Whether two runs train and evaluate alike."""
  return first.mathematics() == second.mathematics() and all(
      getattr(first, name) == getattr(second, name) for name in _FIGURES)
