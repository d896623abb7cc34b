"""Reads labels from frozen representations: `bazel run //du_vae_tf:probe -- --run_dir=...`."""

from typing import Any

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import finished_runs
from du_vae_tf import startup

USAGE = """
Trains linear classifiers on the representation that a run gives its examples, with few labels, and
writes their test accuracy to probe-<classifier>.json in the folder of the run. Table and learning
curves of all runs given go to --output_dir.

  bazel run //du_vae_tf:probe -- --run_dir=FOLDER [--run_dir=FOLDER ...] [--flag=value ...]

Text: labels in all, of training sentences drawn at random. Images: labels of each character, a
classifier for each alphabet, the mean accuracy over alphabets.
"""

_GROUP = "Probe"

SPECS = [
    *finished_runs.flags(_GROUP, several=True),
    *command_line.config_flags("precision"),
    finished_runs.folder_flag(_GROUP),
    command_line.Flag(
        name="classifier", type=str, default="paper", group=_GROUP,
        text="The published training, or logistic regression whose penalty is validated.",
        choices=("paper", "logistic_regression")),
    command_line.Flag(
        name="label_counts", type=str, default=None, group=_GROUP,
        text="Numbers of labels, separated by commas (default: 100,500,1000,2000,10000 for text,"
        " 5,10,15 of each class for images)."),
    command_line.Flag(
        name="draws", type=int, default=10, group=_GROUP,
        text="How often labels are drawn for each number."),
    command_line.Flag(
        name="probe_seed", type=int, default=0, group=_GROUP,
        text="Seed of the draws and of the classifiers; the same for all runs.")]


def label_counts(text: str | None) -> list[int] | None:
  """The numbers in `--label_counts`.

  Raises:
    errors.UserError: they are no numbers, or not all positive.
  """
  if text is None:
    return None
  try:
    counts = [int(part) for part in text.split(",")]
  except ValueError:
    counts = []
  if not counts or min(counts) < 1:
    raise errors.UserError(
        f"--label_counts={text}: must be whole numbers from 1, separated by commas.")
  return counts


def main(explicit: dict[str, Any]) -> None:
  """Probes the runs that the flags name."""
  paths = finished_runs.folders(explicit)
  values = command_line.values_of(SPECS, explicit)
  counts, classifier = label_counts(values["label_counts"]), values["classifier"]
  for name, least in (("draws", 1), ("probe_seed", 0)):
    if values[name] < least:
      raise errors.UserError(f"--{name}={values[name]}: must be at least {least}.")
  stem = finished_runs.output_folder(explicit, paths) / f"probe-{classifier}"
  # Imported late: a mistyped flag is answered before TensorFlow is loaded.
  startup.load_tensorflow()
  from du_vae_tf import console
  from du_vae_tf import files
  from du_vae_tf.analysis import probe_results
  from du_vae_tf.analysis import probes
  from du_vae_tf.training import signals

  stop = signals.StopRequest()
  stop.install()
  results = []
  for title, (run, corpus) in zip(
      finished_runs.titles(paths),
      # Labels are drawn from all training examples, also where a run was trained on a part.
      finished_runs.load(explicit, paths, max_train_examples=None), strict=True):
    console.say(f"Run: {run.folder.path}")
    result = probes.probe(
        title, run, corpus, classifier, counts, values["draws"], values["probe_seed"],
        lambda text: console.say(f"  {text}"), stop.check)
    path = run.folder.path / f"probe-{classifier}.json"
    result.write(path)
    console.say(f"  Results: {path}")
    results.append(result)
  if len({tuple(result.label_counts) for result in results}) > 1:
    return console.say("The runs are of text and of images: no table or picture of all of them.")
  table = probe_results.table(results)
  files.write_text_atomically(stem.with_suffix(".md"), table)
  pictures = probe_results.draw_curves(results, stem)
  console.say(f"\n{table}\nTable: {stem.with_suffix('.md')}")
  console.say(f"Picture: {', '.join(map(str, pictures))}")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
