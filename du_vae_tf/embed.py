"""Embeds a file of any size: `bazel run //du_vae_tf:embed -- --run_dir=... --input=...`."""

import pathlib
from collections.abc import Mapping
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf import finished_runs
from du_vae_tf import startup
from du_vae_tf.data import image_reader
from du_vae_tf.data import raw_files
from du_vae_tf.data import text_reader
from du_vae_tf.embedding_jobs import jobs
from du_vae_tf.training import run_folder

USAGE = """
Embeds every row of a file by a trained run: text with a sentence, or label<TAB>sentence, a line
(plain or gzip), or images (.npy, .npz, .mat).

  bazel run //du_vae_tf:embed -- --run_dir=FOLDER --input=FILE --output=FOLDER [--flag=value ...]

Writes embeddings-00000-of-NNNNN.parquet and so on, in the order of the file, each row with its
number from 0; rows that cannot be embedded are in dead_letters.jsonl with the reason. The same
command goes on where it was. --runner embeds shards in parallel by Apache Beam.
"""

_GROUP = "Embedding"
_BEAM_GROUP = "Apache Beam"

SPECS = [
    finished_runs.run_flag(_GROUP, several=False),
    command_line.Flag(
        name="input", type=str, default=None, group=_GROUP, text="The file; must be given."),
    command_line.Flag(
        name="output", type=str, default=None, group=_GROUP,
        text="Folder of the shards; must be given."),
    command_line.Flag(
        name="format", type=str, default="parquet", group=_GROUP, text="Of the shards.",
        choices=jobs.FORMATS),
    command_line.Flag(
        name="fields", type=str, default="representation", group=_GROUP,
        text=f"Columns of numbers, separated by commas, of {', '.join(jobs.FIELDS)}."),
    command_line.Flag(
        name="rows_per_shard", type=int, default=50_000, group=_GROUP,
        text="Rows of the input in a shard; memory grows with it."),
    command_line.Flag(
        name="batch_size", type=int, default=128, group=_GROUP,
        text="Rows that are embedded together."),
    *command_line.config_flags("precision"),
    command_line.Flag(
        name="runner", type=str, default=None, group=_BEAM_GROUP,
        text="Name of a Beam runner, e.g. DirectRunner (default: without Beam, in this process)."),
    command_line.Flag(
        name="beam_option", type=list, default=None, group=_BEAM_GROUP,
        text="NAME=VALUE, an option of Beam or of its runner; may be given several times.")]


def check(explicit: Mapping[str, Any]) -> None:
  """Refuses what is missing, out of range or without effect.

  Raises:
    errors.UserError: there is such a flag.
  """
  for name, what in {"input": "the file to embed", "output": "the folder of the shards"}.items():
    if not explicit.get(name):
      raise errors.UserError(f"--{name}: must be given; {what}.")
  for name in ("rows_per_shard", "batch_size"):
    if explicit.get(name, 1) < 1:
      raise errors.UserError(f"--{name}={explicit[name]}: must be at least 1.")
  if "beam_option" in explicit and not explicit.get("runner"):
    raise errors.UserError("--beam_option: has an effect with --runner only.")
  for option in explicit.get("beam_option", []):
    if not option.partition("=")[1]:
      raise errors.UserError(f"--beam_option={option}: must be NAME=VALUE.")


def fields(text: str) -> tuple[str, ...]:
  """The names in `--fields`.

  Raises:
    errors.UserError: one is unknown, or given twice.
  """
  names = tuple(text.split(","))
  if not set(names) <= set(jobs.FIELDS) or len(set(names)) < len(names):
    raise errors.UserError(
        f"--fields={text}: must be different ones of {', '.join(jobs.FIELDS)}, separated by"
        " commas.")
  return names


def check_input(path: pathlib.Path, config: config_lib.RunConfig) -> None:
  """Refuses a file that is not there, or that is not what the run was trained on.

  Raises:
    errors.UserError: it is.
  """
  is_text = config.modality == "text"
  raw_files.check(path, text_reader.EXPECTED if is_text else image_reader.EXPECTED, "input")
  if is_text and path.suffix.lower() in image_reader.SUFFIXES:
    raise errors.UserError(
        f"--input={path}: is a file of images, and the run was trained on text"
        f" (--dataset={config.dataset}).")


def main(explicit: dict[str, Any]) -> None:
  """Embeds the file that the flags name."""
  run_dir, = finished_runs.folders(explicit)
  check(explicit)
  values = command_line.values_of(SPECS, explicit)
  chosen = fields(values["fields"])
  config, _, _ = run_folder.RunFolder(run_dir).load_config()
  path = pathlib.Path(values["input"])
  check_input(path, config)
  # Imported late: a mistyped flag is answered before TensorFlow is loaded.
  startup.load_tensorflow()
  from du_vae_tf.embedding_jobs import running
  from du_vae_tf.training import precision
  from du_vae_tf.training import signals

  stop = signals.StopRequest()
  stop.install()
  engine: running.Engine = running.in_this_process
  if values["runner"]:
    startup.load_quietly("apache_beam")
    from du_vae_tf.embedding_jobs import beam_engine

    engine = beam_engine.BeamEngine(values["runner"], values["beam_option"] or [])
  running.run(jobs.Job(
      run_dir=pathlib.Path(run_dir).absolute(),
      precision=precision.resolve(values["precision"], config.hidden_size),
      input=path.absolute(), output=pathlib.Path(values["output"]).absolute(),
      format=values["format"], fields=chosen, rows_per_shard=values["rows_per_shard"],
      batch_size=values["batch_size"]), engine, stop)


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
