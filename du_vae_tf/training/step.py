"""One training step: the loss of a global batch, its gradient and the update, on all replicas."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf import seeds
from du_vae_tf.models import vae
from du_vae_tf.objectives import schedules
from du_vae_tf.training import global_batch
from du_vae_tf.training import losses as losses_lib
from du_vae_tf.training import optimizers as optimizers_lib

CLIP_NORM = 5.0

# More than any split has rows.
_ROWS_APART = 2**40

# What a step sums over the rows of the global batch.
TOTALS = ("reconstruction", "kl", "loss", "examples", "tokens")

# What must be finite, in the order in which a fault would spread.
WATCHED = ("reconstruction", "kl", "gradient")

Batch = dict[str, tf.Tensor]
Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices
# From a batch with its draws, the KL weight, whether variances have their floor, the rows of the
# global batch and a seed: terms and losses of the rows, and the gradients of their share in the
# global mean.
Differentiate = Callable[
    [Batch, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
    tuple[dict[str, tf.Tensor], tf.Tensor, list[Gradient]]]


class Stepper:
  """Steps of one run; holds the sums of the running epoch and the first non-finite term.

  Args:
    model: built inside the strategy's scope.
    optimizers: of the model, made inside the scope.
    strategy: runs the replicas.
    config: of the run.
    kl_schedule: KL weight by step.
    differentiate: gives terms, losses and gradients in place of plain differentiation.

  Attributes:
    kl_schedule: as given.
    one_at_a_time: whether a call may take one step only: replicas exchange tensors of changing
      sizes, such as sparse gradients, which TensorFlow does only once in a call.
    totals: float64 [len(TOTALS)], sums since the last `reset`.
    inner_totals: float64 [len(TOTALS)], sums of updates of the encoder alone.
    first_fault: int64 [2], step and index in `WATCHED` of the first non-finite term; step 0 while
      all were finite.
  """

  def __init__(self, model: vae.VAE, optimizers: optimizers_lib.Optimizers,
               strategy: tf.distribute.Strategy, config: config_lib.RunConfig,
               kl_schedule: schedules.Schedule, differentiate: Differentiate | None = None):
    self._model = model
    self._optimizers = optimizers
    self._strategy = strategy
    self._config = config
    self.kl_schedule = kl_schedule
    self.one_at_a_time = strategy.num_replicas_in_sync > 1
    # All that is random is drawn before, so that XLA changes no draw.
    self._differentiate: Any = differentiate or self._loss_and_gradients
    if config.jit_compile:
      self._differentiate = tf.function(
          self._loss_and_gradients, jit_compile=True, autograph=False)
    self.totals = tf.Variable(tf.zeros([len(TOTALS)], tf.float64), trainable=False)
    self.inner_totals = tf.Variable(tf.zeros([len(TOTALS)], tf.float64), trainable=False)
    self.first_fault = tf.Variable(tf.zeros([2], tf.int64), trainable=False)

  def regularized(self, step: Any) -> Any:
    """Whether variance floor and variance dropout act at this step (counted from 1)."""
    return self._config.fidelity_row.regularize_from_start or self.kl_schedule.settled(step)

  @tf.function(autograph=False)
  def take(self, iterator: Any, step: tf.Tensor, count: tf.Tensor) -> None:
    """Takes the next batches and updates the weights after each, in one call.

    Args:
      iterator: of distributed batches.
      step: int64 scalar, number of the first step, counted from 1.
      count: int64 scalar, how many steps.
    """
    def body(number: tf.Tensor) -> tuple[tf.Tensor]:
      self.totals.assign_add(self._update(iterator.get_next(), number, optimizers_lib.PARTS))
      return (number + 1,)

    tf.while_loop(lambda number: number < step + count, body, (step,))

  @tf.function(reduce_retracing=True, autograph=False)
  def update_encoder(self, batch: Any, step: tf.Tensor, inner: tf.Tensor) -> None:
    """Updates the encoder alone; the sums go to `inner_totals`.

    Args:
      batch: distributed.
      step: int64 scalar, number of the step that this update prepares.
      inner: int64 scalar, number of the update within the step.
    """
    self.inner_totals.assign_add(self._update(batch, step, ("encoder",), inner))

  @tf.function(reduce_retracing=True, autograph=False)
  def update_decoder(self, batch: Any, step: tf.Tensor) -> None:
    """Updates the decoder alone.

    Args:
      batch: distributed.
      step: int64 scalar, number of the step.
    """
    self.totals.assign_add(self._update(batch, step, ("decoder",)))

  def _update(self, batch: Any, step: tf.Tensor, parts: Sequence[optimizers_lib.Part],
              inner: tf.Tensor | None = None) -> tf.Tensor:
    """Updates parts of the model on a batch; the sums over its rows."""
    sums, faults = self._strategy.run(
        functools.partial(self._replica_step, parts=parts, inner=inner), args=(batch, step))
    faults = self._strategy.reduce("SUM", faults, axis=None) > 0
    is_first = tf.logical_and(tf.reduce_any(faults), self.first_fault[0] == 0)
    self.first_fault.assign(tf.where(
        is_first, tf.stack([step, tf.argmax(faults)]), self.first_fault))
    return self._strategy.reduce("SUM", sums, axis=None)

  def _replica_step(self, batch: Batch, step: tf.Tensor, parts: Sequence[optimizers_lib.Part],
                    inner: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
    context = tf.distribute.get_replica_context()
    rows = tf.shape(batch["row"])[0]
    all_rows = context.all_reduce("SUM", tf.cast(rows, tf.float32))
    terms, losses, gradients = self._differentiate(
        self._drawn(batch, step, inner), self.kl_schedule.weight(step), self.regularized(step),
        all_rows, self._seed("word_dropout", step, inner))
    gradients, norm = reduced_and_clipped(gradients)
    self._optimizers.apply(gradients, parts)
    sums = tf.stack([
        tf.reduce_sum(tf.cast(value, tf.float64))
        for value in (terms["reconstruction"], terms["kl"], losses,
                      tf.ones([rows]), terms["tokens"])])
    faults = tf.stack([
        tf.logical_not(tf.reduce_all(tf.math.is_finite(value)))
        for value in (terms["reconstruction"], terms["kl"], norm)])
    return sums, tf.cast(faults, tf.int32)

  def _drawn(self, batch: Batch, step: tf.Tensor, inner: tf.Tensor | None) -> Batch:
    """The batch with the draws of this step, where it does not bring its own.

    Grey images are binarised anew.
    """
    shape = [tf.shape(batch["row"])[0], self._model.latent_dim]
    drawn = {
        "noise": batch["noise"] if "noise" in batch
        else tf.random.stateless_normal(shape, self._seed("posterior_noise", step, inner)),
        "variance_uniform": batch["variance_uniform"] if "variance_uniform" in batch
        else tf.random.stateless_uniform(shape, self._seed("variance_dropout", step, inner))}
    if self._config.svi_steps is not None:
      # Of a row and a step, whatever the replica: a step may be repeated with the same noise.
      rows = batch["row"] + step * _ROWS_APART
      drawn["refinement_noise"] = seeds.row_normals(
          self._config.seed, "refinement", rows, [self._config.svi_steps, shape[1]])
    if "image" in batch:
      grey = batch["image"]
      uniform = batch["pixel_uniform"] if "pixel_uniform" in batch else (
          tf.random.stateless_uniform(tf.shape(grey), self._seed("binarization", step, inner)))
      drawn["image"] = tf.cast(uniform < grey, grey.dtype)
    return batch | drawn

  def _loss_and_gradients(
      self, batch: Batch, kl_weight: tf.Tensor, active: tf.Tensor, all_rows: tf.Tensor,
      dropout_seed: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor, list[Gradient]]:
    """See `Differentiate`."""
    with tf.GradientTape() as tape:
      terms = self._model.terms(
          batch, batch["noise"], training=True, active=active,
          variance_uniform=batch["variance_uniform"], dropout_seed=dropout_seed)
      losses = losses_lib.LOSSES[self._config.method_row.objective](
          terms, kl_weight, global_batch.GlobalBatch(all_rows), self._config)
      loss = tf.reduce_sum(losses) / all_rows
    return terms, losses, tape.gradient(loss, self._model.trainable_variables)

  def _seed(self, purpose: str, step: tf.Tensor, inner: tf.Tensor | None) -> tf.Tensor:
    folds = [step] if inner is None else [step, inner]
    return seeds.stateless_seed(
        self._config.seed, purpose if inner is None else f"inner/{purpose}", *folds,
        seeds.replica_id())

  def reset(self, totals: Sequence[float] | None = None) -> None:
    """Starts the sums of an epoch, or continues those of an interrupted one."""
    self.totals.assign([0.0] * len(TOTALS) if totals is None else totals)

  def refuse_faults(self, state: str) -> None:
    """Ends the training if a term was not finite.

    Args:
      state: for the message: where the last good weights are.

    Raises:
      errors.DivergedError: one was; the message names the first one and its step.
    """
    step, index = self.first_fault.numpy()
    if step:
      raise errors.DivergedError(
          f"step {step}: the {WATCHED[index]} is not finite, so training stopped; {state}. A lower"
          " --learning_rate may help.")

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
    The clipped gradients, the same in every replica; and the norm before clipping.
  """
  context = tf.distribute.get_replica_context()
  reduced = [_without_repetition(gradient)
             for gradient in context.all_reduce("SUM", list(gradients))]
  norm = tf.linalg.global_norm(reduced)
  factor = tf.minimum(1.0, CLIP_NORM / (norm + 1e-6))
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
