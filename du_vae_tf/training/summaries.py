"""TensorBoard scalars of every epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.training import run_folder


class EpochSummaries(keras.callbacks.Callback):
  """Writes the figures of an epoch, the latent dimensions one by one.

  Args:
    folder: of the run.
  """

  def __init__(self, folder: run_folder.RunFolder):
    super().__init__()
    self._writer = tf.summary.create_file_writer(str(folder.tensorboard))

  def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
    """Writes `logs`; a sequence becomes one scalar per latent dimension; None is left out."""
    with self._writer.as_default(step=epoch + 1):
      for name, value in (logs or {}).items():
        if isinstance(value, Sequence):
          for dimension, number in enumerate(value):
            tf.summary.scalar(f"{name}/{dimension:03d}", number)
        elif value is not None:
          tf.summary.scalar(f"epoch/{name}", value)
    self._writer.flush()

  def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
    """Closes the file."""
    del logs
    self._writer.close()
