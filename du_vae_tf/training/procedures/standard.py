"""The standard procedure: every batch updates all weights once."""

from typing import Any

import tensorflow as tf

from du_vae_tf.training import step as step_lib


def outer_updates(stepper: step_lib.Stepper, iterator: Any, step: tf.Tensor,
                  count: tf.Tensor) -> None:
  """Updates encoder and decoder together on the next batches (Shen et al. 2021, algorithm 1)."""
  stepper.take(iterator, step, count)
