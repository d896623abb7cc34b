"""Evaluates a run again: `bazel run //du_vae_tf:evaluate -- --run_dir=...`."""

import dataclasses
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import finished_runs
from du_vae_tf import startup

USAGE = """
Evaluates the best weights of a run and writes evaluations/<split>-<iw_samples>.json beside them.

  bazel run //du_vae_tf:evaluate -- --run_dir=FOLDER [--flag=value ...]
"""

SPECS = [
    *finished_runs.flags("Evaluation", several=False),
    *command_line.config_flags("precision"),
    command_line.Flag(
        name="split", type=str, default="test", group="Evaluation", text="Which examples.",
        choices=("train", "valid", "test")),
    command_line.Flag(
        name="iw_samples", type=int, default=None, group="Evaluation",
        text="Samples of the importance-weighted NLL (default: as in the run)."),
    command_line.Flag(
        name="max_eval_examples", type=int, default=None, group="Evaluation",
        text="The first N examples of the split (default: as in the run).")]


def main(explicit: dict[str, Any]) -> None:
  """Evaluates the run that the flags name."""
  paths = finished_runs.folders(explicit)
  # Imported late: a missing flag is answered before TensorFlow is loaded.
  startup.load_tensorflow()
  from du_vae_tf import console
  from du_vae_tf.analysis import evaluation
  from du_vae_tf.training import signals

  stop = signals.StopRequest()
  stop.install()
  (run, corpus), = finished_runs.load(explicit, paths)
  config = dataclasses.replace(run.config, **{
      name: explicit[name] for name in ("iw_samples", "max_eval_examples") if name in explicit})
  report = evaluation.evaluate(run, corpus, explicit.get("split", "test"), config.iw_samples,
                               config.max_eval_examples, stop)
  path = evaluation.save_evaluation(run, report)
  console.say(f"\n{report.table()}\n\nReport: {path}")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
