"""One training step: the loss of a global batch, its gradient and the update, on all replicas."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import seeds
from du_vae_tf.models import vae
from du_vae_tf.objectives import elbo
from du_vae_tf.objectives import schedules

CLIP_NORM = 5.0

# What a step sums over the rows of the global batch.
TOTALS = ("reconstruction", "kl", "loss", "examples", "tokens")

# What must be finite, in the order in which a fault would spread.
WATCHED = ("reconstruction", "kl", "gradient")

Batch = dict[str, tf.Tensor]
Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices


class Stepper:
  """Steps of one run; holds the sums of the running epoch and the first non-finite term.

  Args:
    model: built inside the strategy's scope.
    optimizer: built on the model's trainable variables inside the scope.
    strategy: runs the replicas.
    config: of the run.
    warmup: KL weight by step.

  Attributes:
    totals: float64 [len(TOTALS)], sums since the last `reset`.
    first_fault: int64 [2], step and index in `WATCHED` of the first non-finite term; step 0 while
      all were finite.
  """

  def __init__(self, model: vae.VAE, optimizer: keras.optimizers.Optimizer,
               strategy: tf.distribute.Strategy, config: config_lib.RunConfig,
               warmup: schedules.LinearWarmup):
    self._model = model
    self._optimizer = optimizer
    self._strategy = strategy
    self._config = config
    self._warmup = warmup
    self.totals = tf.Variable(tf.zeros([len(TOTALS)], tf.float64), trainable=False)
    self.first_fault = tf.Variable(tf.zeros([2], tf.int64), trainable=False)

  def regularized(self, step: Any) -> Any:
    """Whether variance floor and variance dropout act at this step (counted from 1)."""
    return self._config.fidelity_row.regularize_from_start or self._warmup.finished(step)

  @tf.function
  def take(self, iterator: Any, step: tf.Tensor) -> None:
    """Takes the next batch and updates the weights.

    Args:
      iterator: of distributed batches.
      step: int64 scalar, counted from 1.
    """
    sums, faults = self._strategy.run(self._replica_step, args=(next(iterator), step))
    self.totals.assign_add(self._strategy.reduce("SUM", sums, axis=None))
    faults = self._strategy.reduce("SUM", faults, axis=None) > 0
    is_first = tf.logical_and(tf.reduce_any(faults), self.first_fault[0] == 0)
    self.first_fault.assign(tf.where(
        is_first, tf.stack([step, tf.argmax(faults)]), self.first_fault))

  def _replica_step(self, batch: Batch, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    context = tf.distribute.get_replica_context()
    rows = tf.shape(batch["row"])[0]
    all_rows = context.all_reduce("SUM", tf.cast(rows, tf.float32))
    with tf.GradientTape() as tape:
      terms = self._terms(batch, step)
      losses = elbo.negative_elbo(
          terms["reconstruction"], terms["kl"], self._warmup.weight(step))
      loss = tf.reduce_sum(losses) / all_rows
    variables = self._model.trainable_variables
    gradients, norm = reduced_and_clipped(tape.gradient(loss, variables))
    self._optimizer.apply(gradients, variables)
    sums = tf.stack([
        tf.reduce_sum(tf.cast(value, tf.float64))
        for value in (terms["reconstruction"], terms["kl"], losses,
                      tf.ones([rows]), terms["tokens"])])
    faults = tf.stack([
        tf.logical_not(tf.reduce_all(tf.math.is_finite(value)))
        for value in (terms["reconstruction"], terms["kl"], norm)])
    return sums, tf.cast(faults, tf.int32)

  def _drawn(self, batch: Batch, step: tf.Tensor) -> Batch:
    """The batch with its grey images binarised anew, by draws of its own if it brings them."""
    if "image" not in batch:
      return batch
    grey = batch["image"]
    uniform = batch.get("pixel_uniform")
    if uniform is None:
      uniform = tf.random.stateless_uniform(tf.shape(grey), self._seed("binarization", step))
    return batch | {"image": tf.cast(uniform < grey, grey.dtype)}

  def _terms(self, batch: Batch, step: tf.Tensor) -> dict[str, tf.Tensor]:
    """Terms of the batch under this step's noise, or under noise that the batch brings along."""
    batch = self._drawn(batch, step)
    shape = [tf.shape(batch["row"])[0], self._model.latent_dim]
    noise = batch.get("noise")
    if noise is None:
      noise = tf.random.stateless_normal(shape, self._seed("posterior_noise", step))
    uniform = batch.get("variance_uniform")
    if uniform is None:
      uniform = tf.random.stateless_uniform(shape, self._seed("variance_dropout", step))
    return self._model.terms(
        batch, noise, training=True, active=self.regularized(step), variance_uniform=uniform,
        dropout_seed=self._seed("word_dropout", step))

  def _seed(self, purpose: str, step: tf.Tensor) -> tf.Tensor:
    return seeds.stateless_seed(self._config.seed, purpose, step, seeds.replica_id())

  def reset(self, totals: Sequence[float] | None = None) -> None:
    """Starts the sums of an epoch, or continues those of an interrupted one."""
    self.totals.assign([0.0] * len(TOTALS) if totals is None else totals)

  def totals_by_name(self) -> dict[str, float]:
    """The sums so far."""
    return dict(zip(TOTALS, self.totals.numpy().tolist(), strict=True))

  def means(self, *names: str) -> dict[str, float]:
    """Means per example so far, in nats."""
    totals = self.totals_by_name()
    return {name: totals[name] / totals["examples"] for name in names}


def reduced_and_clipped(gradients: Sequence[Gradient]) -> tuple[list[Gradient], tf.Tensor]:
  """Sums gradients over the replicas, then clips their joint norm once.

  Clipping before the sum, as Keras's `global_clipnorm` does, would make the mathematics depend
  on the number of replicas. Sparse gradients stay sparse.

  Returns:
    The clipped gradients, divided by the number of replicas, since every replica now holds the
    whole gradient and Keras sums over the replicas once more; and the norm before clipping.
  """
  context = tf.distribute.get_replica_context()
  reduced = [_without_repetition(gradient)
             for gradient in context.all_reduce("SUM", list(gradients))]
  norm = tf.linalg.global_norm(reduced)
  factor = tf.minimum(1.0, CLIP_NORM / (norm + 1e-6)) / context.num_replicas_in_sync
  return [_scaled(gradient, factor) for gradient in reduced], norm


def _without_repetition(gradient: Gradient) -> Gradient:
  """A sparse gradient with every row once: only then is the norm of its values its own."""
  if not isinstance(gradient, tf.IndexedSlices):
    return gradient
  indices, places = tf.unique(tf.reshape(gradient.indices, [-1]))
  values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(indices))
  return tf.IndexedSlices(values, indices, gradient.dense_shape)


def _scaled(gradient: Gradient, factor: tf.Tensor) -> Gradient:
  if isinstance(gradient, tf.IndexedSlices):
    return tf.IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
  return gradient * factor
