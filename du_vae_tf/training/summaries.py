"""What TensorBoard shows of every epoch."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import run_folder


class EpochSummaries:
  """Writes the figures of an epoch, the latent dimensions one by one, and the posteriors' moments.

  Args:
    folder: of the run.
  """

  def __init__(self, folder: run_folder.RunFolder):
    self._writer = tf.summary.create_file_writer(str(folder.tensorboard))

  def write(self, row: Mapping[str, Any], collected: posterior_pass.Collected) -> None:
    """Writes scalars and histograms.

    Args:
      row: the line of metrics.jsonl of the epoch; None is left out.
      collected: of the validation split.
    """
    with self._writer.as_default(step=row["epoch"]):
      for name, value in row.items():
        if name != "epoch" and value is not None:
          tf.summary.scalar(f"epoch/{name}", value)
      for name, values in (("kl_per_dimension", collected.kl_per_dimension),
                           ("mean_variance", collected.variance.mean(axis=0))):
        for dimension, value in enumerate(values):
          tf.summary.scalar(f"{name}/{dimension:03d}", value)
      tf.summary.histogram("posterior/mean", collected.mean)
      tf.summary.histogram("posterior/variance", collected.variance)
    self._writer.flush()

  def close(self) -> None:
    """Closes the file."""
    self._writer.close()
