"""The standard procedure: an outer update is one step on one batch."""

from typing import Any

import tensorflow as tf

from du_vae_tf.training import step as step_lib


def outer_update(stepper: step_lib.Stepper, iterator: Any, step: tf.Tensor) -> None:
  """Updates encoder and decoder together on the next batch (Shen et al. 2021, algorithm 1)."""
  stepper.take(iterator, step)
