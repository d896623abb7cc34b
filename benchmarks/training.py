"""Training steps of a freshly made model, for the benchmarks."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.models import builders
from du_vae_tf.objectives import schedules
from du_vae_tf.training import optimizers
from du_vae_tf.training import regimes
from du_vae_tf.training import step as step_lib
from du_vae_tf.training.procedures import table as procedures


class Step:
  """One training step after the other, the KL weight at 1.

  Args:
    config: of the run.
    sizes: what the data fix of the model.
    policy: Keras dtype policy of the networks.
  """

  def __init__(self, config: config_lib.RunConfig, sizes: Mapping[str, int], policy: str):
    self.model = builders.build_model(config, sizes, policy)
    trained = optimizers.Optimizers(functools.partial(
        regimes.REGIMES[config.modality].optimizer, config.learning_rate), self.model)
    self._stepper = step_lib.Stepper(
        self.model, trained, tf.distribute.get_strategy(), config,
        schedules.Constant(1.0), procedures.differentiate(config, self.model))
    self._number = 0

  def take(self, batches: Any) -> None:
    """One step on the next batch; waits for it."""
    self._number += 1
    self._stepper.take(batches, tf.constant(self._number, tf.int64), tf.constant(1, tf.int64))
    if not np.all(np.isfinite(self._stepper.totals.numpy())):
      raise FloatingPointError(
          f"the sums must be finite. Received: {self._stepper.totals_by_name()}.")
