"""The procedures, by the names in the table of methods."""

from typing import Any, Protocol

import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.data import batching
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.models import vae
from du_vae_tf.training import step as step_lib
from du_vae_tf.training.procedures import aggressive
from du_vae_tf.training.procedures import semi_amortized
from du_vae_tf.training.procedures import standard


class Procedure(Protocol):
  """How the steps of an epoch are taken."""

  @property
  def one_at_a_time(self) -> bool:
    """Whether only one outer update is taken at a time."""

  def outer_updates(self, iterator: Any, epoch: int, step: int, count: int) -> None:
    """Takes `count` steps on the next batches of `iterator`, the first with number `step`."""

  def after_epoch(self, collected: posterior_pass.Collected) -> str | None:
    """Called with what the validation pass gave; what to tell the user, if anything."""


def differentiate(config: config_lib.RunConfig,
                  model: vae.VAE) -> step_lib.Differentiate | None:
  """What stands in place of plain differentiation in the steps of a run, if anything."""
  if config.method_row.procedure == "semi_amortized":
    return semi_amortized.SemiAmortized(model)
  return None


def make(config: config_lib.RunConfig, stepper: step_lib.Stepper,
         batches: batching.TrainBatches, strategy: tf.distribute.Strategy,
         state: dict[str, Any]) -> Procedure:
  """The procedure of a run.

  Args:
    config: of the run.
    stepper: takes the steps.
    batches: of the training split.
    strategy: whose replicas share a batch.
    state: of the procedure as last saved, plain values; changed in place.
  """
  if config.method_row.procedure == "aggressive":
    return aggressive.Aggressive(stepper, batches, strategy, config, state)
  return standard.Standard(stepper)
