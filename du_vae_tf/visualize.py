"""Pictures of latent spaces: `bazel run //du_vae_tf:visualize -- --run_dir=...`."""

from typing import Any

from du_vae_tf import command_line
from du_vae_tf import finished_runs
from du_vae_tf import startup

USAGE = """
Draws the latent space of trained runs, side by side if several are given, as PNG and PDF: of two
dimensions the density of the aggregate posterior and the centers of the posteriors by label; of
more, the most active pairs of dimensions, PCA and t-SNE; and bars of what each dimension carries.

  bazel run //du_vae_tf:visualize -- --run_dir=FOLDER [--run_dir=FOLDER ...] [--flag=value ...]
"""

_GROUP = "Visualization"

SPECS = [
    *finished_runs.flags(_GROUP, several=True),
    *command_line.config_flags("precision"),
    finished_runs.folder_flag(_GROUP),
    command_line.Flag(
        name="split", type=str, default="test", group=_GROUP, text="Which examples.",
        choices=("train", "valid", "test")),
    command_line.Flag(
        name="max_eval_examples", type=int, default=None, group=_GROUP,
        text="The first N examples of the split (default: all).")]


def main(explicit: dict[str, Any]) -> None:
  """Draws the runs that the flags name."""
  paths = finished_runs.folders(explicit)
  values = command_line.values_of(SPECS, explicit)
  folder = finished_runs.output_folder(explicit, paths)
  # Imported late: a mistyped flag is answered before TensorFlow is loaded.
  startup.load_tensorflow()
  from du_vae_tf import console
  from du_vae_tf.analysis import latent_pictures
  from du_vae_tf.analysis import representations
  from du_vae_tf.training import signals

  stop = signals.StopRequest()
  stop.install()
  encodings, synthetic, seed = {}, True, 0
  for title, (run, corpus) in zip(
      finished_runs.titles(paths), finished_runs.load(explicit, paths), strict=True):
    encoded = representations.encode(
        run, corpus, values["split"], values["max_eval_examples"], stop.check)
    encodings[title] = encoded
    synthetic, seed = synthetic and run.config.dataset == "synthetic", run.config.seed
    console.say(f"{title}: {len(encoded.labels)} examples of {run.folder.path}")
  pictures = latent_pictures.draw(encodings, folder, synthetic=synthetic, seed=seed)
  console.say("Pictures:\n" + "\n".join(f"  {path}" for path in pictures))


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
