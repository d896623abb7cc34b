"""The standard procedure: every batch updates all weights once."""

from typing import Any

import tensorflow as tf

from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import step as step_lib


class Standard:
  """Updates encoder and decoder together (Shen et al. 2021, algorithm 1).

  Args:
    stepper: takes the steps.
  """

  def __init__(self, stepper: step_lib.Stepper):
    self._stepper = stepper

  @property
  def one_at_a_time(self) -> bool:
    """Whether only one outer update is taken at a time."""
    return self._stepper.one_at_a_time

  def outer_updates(self, iterator: Any, epoch: int, step: int, count: int) -> None:
    """Takes the next steps.

    Args:
      iterator: of distributed batches.
      epoch: the running one, from 0.
      step: number of the first step, counted from 1.
      count: how many.
    """
    del epoch
    self._stepper.take(iterator, tf.constant(step, tf.int64), tf.constant(count, tf.int64))

  def after_epoch(self, collected: posterior_pass.Collected) -> str | None:
    """Called with what the validation pass gave; what to tell the user, if anything."""
    del collected
    return None
