"""A worker whose validation figures are not those of the others.

`python -m tests.training.differing_worker FOLDER` trains as the command does, and prints in one
line of JSON what it decided from the figures. They get better from epoch to epoch at worker 0, and
worse at the others.
"""

import json
import os
import sys
from typing import Any
from unittest import mock

from du_vae_tf import pipeline
from du_vae_tf.training import epoch_figures
from du_vae_tf.training import loop
from du_vae_tf.training import signals
from tests.training import tiny

EPOCHS = 3


def main(folder: str) -> None:
  """Trains in a folder that holds the data, too."""
  config = tiny.make_config(folder, epochs=EPOCHS, warmup_epochs=0, strategy="multi_worker")
  step = 1.0 if json.loads(os.environ["TF_CONFIG"])["task"]["index"] else -1.0
  make = epoch_figures.make
  trained: list[loop.Training] = []

  def differing(*args: Any, **named: Any) -> dict[str, Any]:
    figures = make(*args, **named)
    return figures | {config.method_row.selection: 100.0 + step * figures["step"]}

  class Recorded(loop.Training):
    """Can be asked afterwards."""

    def __init__(self, *args: Any, **named: Any):
      super().__init__(*args, **named)
      trained.append(self)

  with (mock.patch.object(epoch_figures, "make", differing),
        mock.patch.object(loop, "Training", Recorded)):
    pipeline.train(config, signals.StopRequest())
  progress = trained[0].progress
  print(json.dumps([progress.best_epoch, progress.best_value, progress.plateau]))


if __name__ == "__main__":
  main(sys.argv[1])
