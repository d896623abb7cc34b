"""Trains, evaluates and exports a model: `bazel run //du_vae_tf:train -- --dataset=yahoo`."""

from typing import Any

from du_vae_tf import command_line
from du_vae_tf import startup
from du_vae_tf.training import signals

USAGE = """
Trains a VAE, evaluates its best epoch on the test split and exports it as a SavedModel.

  bazel run //du_vae_tf:train -- [--flag=value ...]

Everything is written to the run folder. The same command resumes an interrupted run; a finished
one prints its report again. Defaults of a data set (sizes, epochs) are in flags/<dataset>.flags.
"""

SPECS = command_line.config_flags()


def main(explicit: dict[str, Any]) -> None:
  """Trains the run that the flags describe."""
  config = command_line.resolve(explicit)
  # From here on, since to load TensorFlow takes seconds in which a stop may be asked for, too.
  stop = signals.StopRequest()
  stop.install()
  # Imported late: a mistyped flag is answered before TensorFlow is loaded.
  startup.load_tensorflow()
  stop.check()
  from du_vae_tf import pipeline

  pipeline.train(config, stop)
  stop.done()


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
