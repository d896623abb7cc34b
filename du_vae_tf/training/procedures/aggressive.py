"""The aggressive procedure: the encoder is trained to convergence before each decoder update."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.data import batching
from du_vae_tf.estimators import mutual_information
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import regimes
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies
from du_vae_tf.training import workers

# Encoder updates before each decoder update, at the most.
_MAX_INNER_UPDATES = 99

_LOSS, _EXAMPLES, _TOKENS = (
    step_lib.TOTALS.index(name) for name in ("loss", "examples", "tokens"))


class Aggressive:
  """While mutual information rises, the encoder takes many updates before each of the decoder.

  The first encoder update of a step is on the step's own batch, the others on batches drawn
  uniformly from those of the epoch. After every window of updates their mean loss is compared with
  that of the window before; the loop ends when it has risen. Then the decoder alone is updated on
  the step's batch. After an epoch in which mutual information (the minibatch estimate of He et al.
  on the validation split) is lower than before, as often as `regimes.Aggressive` says, training
  goes on as in the standard procedure.

  Source: He et al. 2019, algorithm 1 and section 4.3; numbers from their code.

  Args:
    stepper: takes the steps.
    batches: of the training split.
    strategy: whose replicas share a batch.
    config: of the run.
    state: plain values that are saved with the run; changed in place.
  """

  def __init__(self, stepper: step_lib.Stepper, batches: batching.TrainBatches,
               strategy: tf.distribute.Strategy, config: config_lib.RunConfig,
               state: dict[str, Any]):
    self._stepper = stepper
    self._batches = batches
    self._strategy = strategy
    self._workers = workers.Workers(strategy)
    self._config = config
    self._rule = regimes.REGIMES[config.modality].aggressive
    self._state = state
    if not state:
      state |= {"aggressive": True, "reference": 0.0, "drops": 0}

  @property
  def one_at_a_time(self) -> bool:
    """Whether only one outer update is taken at a time, which may be long."""
    return bool(self._state["aggressive"]) or self._stepper.one_at_a_time

  def outer_updates(self, iterator: Any, epoch: int, step: int, count: int) -> None:
    """Takes the next steps; see `standard.Standard.outer_updates`."""
    number = tf.constant(step, tf.int64)
    if not self._state["aggressive"]:
      self._stepper.take(iterator, number, tf.constant(count, tf.int64))
      return
    batch = next(iterator)
    self._train_encoder(batch, epoch, step)
    self._stepper.update_decoder(batch, number)

  def _train_encoder(self, batch: Any, epoch: int, step: int) -> None:
    # Drawn anew for each step, so that a resumed run draws the same.
    random = np.random.default_rng([self._config.seed, step])
    plan = self._batches.plan(epoch)
    before = math.inf
    for inner in range(1, _MAX_INNER_UPDATES + 1):
      self._stepper.update_encoder(
          batch, tf.constant(step, tf.int64), tf.constant(inner, tf.int64))
      if inner % self._rule.window == 0:
        totals = self._stepper.inner_totals.numpy()
        self._stepper.inner_totals.assign(tf.zeros_like(self._stepper.inner_totals))
        loss = totals[_LOSS] / totals[_TOKENS if self._rule.per_token else _EXAMPLES]
        # Also where the loss is not finite: the loop then looks for the fault.
        if not loss <= before:
          break
        before = loss
      rows = plan[int(random.integers(len(plan)))]
      batch = strategies.distribute_batch(self._batches.assemble(rows), self._strategy)
    self._stepper.inner_totals.assign(tf.zeros_like(self._stepper.inner_totals))

  def after_epoch(self, collected: posterior_pass.Collected) -> str | None:
    """Ends the aggressive training when mutual information no longer rises."""
    state = self._state
    if not state["aggressive"]:
      return None
    information = self._workers.from_chief(mutual_information.minibatch_mutual_information(
        collected.mean, collected.variance, collected.sample, self._config.batch_size))
    if information < state["reference"]:
      state["drops"] += 1
    if information > state["reference"] or not self._rule.keeps_best:
      state["reference"] = information
    if state["drops"] < self._rule.max_drops:
      return None
    state["aggressive"] = False
    return ("Mutual information no longer rises: encoder and decoder are trained together from now"
            " on.")
