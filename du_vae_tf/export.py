"""Exports a trained run for serving: `bazel run //du_vae_tf:export -- --run_dir=...`."""

import pathlib
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import finished_runs
from du_vae_tf import report as report_lib
from du_vae_tf import startup
from du_vae_tf.serving import limits
from du_vae_tf.serving import versions
from du_vae_tf.training import run_folder

USAGE = """
Writes the best weights of a run as a new version of a SavedModel, as TensorFlow Serving takes it:
all that the model answers, requests that warm a server up, a map of the latent space, a model card.

  bazel run //du_vae_tf:export -- --run_dir=FOLDER [--flag=value ...]

train has written the first version, export/1 of the run. docs/serving.md says how to serve it.
"""

_GROUP = "Export"

SPECS = [
    *finished_runs.flags(_GROUP, several=False),
    command_line.Flag(
        name="output_dir", type=str, default=None, group=_GROUP,
        text="Folder of all versions of the model (default: the folder export of the run)."),
    command_line.Flag(
        name="version", type=int, default=None, group=_GROUP,
        text="Number of the version; a server takes the largest (default: the next free one)."),
    command_line.Flag(
        name="max_rows", type=int, default=limits.MAX_ROWS, group=_GROUP,
        text="Most rows of one request.")]


def main(explicit: dict[str, Any]) -> None:
  """Exports the run that the flags name."""
  path, = finished_runs.folders(explicit)
  max_rows = command_line.values_of(SPECS, explicit)["max_rows"]
  if max_rows < 1:
    raise errors.UserError(f"--max_rows={max_rows}: must be at least 1.")
  folder = run_folder.RunFolder(path)
  folder.load_config()
  if not folder.report.exists():
    raise errors.UserError(
        f"--run_dir={path}: the run is not finished (no report.json); the command that trained it"
        " goes on where it was.")
  report = report_lib.Report.read(folder.report)
  target = versions.choose(
      pathlib.Path(explicit.get("output_dir", folder.export)), explicit.get("version"))
  # Imported late: a mistake above is answered before TensorFlow is loaded.
  startup.load_tensorflow()
  from du_vae_tf import console
  from du_vae_tf import pipeline
  from du_vae_tf.training import signals

  stop = signals.StopRequest()
  stop.install()
  (run, corpus), = finished_runs.load({**explicit, "precision": "float32"}, [path])
  pipeline.export(run, corpus, report, target, stop, max_rows=max_rows)
  console.say(f"SavedModel: {target}")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
