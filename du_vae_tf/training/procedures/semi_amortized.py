"""Semi-amortized training: posteriors are refined, and the refinement is differentiated."""

import tensorflow as tf

from du_vae_tf.models import vae
from du_vae_tf.objectives import elbo
from du_vae_tf.training import step as step_lib


class SemiAmortized:
  """Terms, losses and gradients of a batch whose posteriors are refined; a `step.Differentiate`.

  The loss is taken at the refined moments. It reaches the decoder directly and through every step
  of the refinement, and the encoder through all of them.

  What reaches the decoder through the steps is cut to the length of what reaches it directly. Where
  the steps do not converge it is many times longer and points elsewhere, and the clipping of the
  whole gradient would leave almost nothing of the direct one: the decoder would not learn.

  Source: Kim et al. 2018, algorithm 2; with exact second derivatives in place of differences.

  Args:
    model: with a refinement.
    longest: the longest gradient of the decoder through the steps, in lengths of the direct one.
  """

  def __init__(self, model: vae.VAE, longest: float = 1.0):
    self._model = model
    self._longest = longest

  def __call__(
      self, batch: step_lib.Batch, kl_weight: tf.Tensor, active: tf.Tensor, all_rows: tf.Tensor,
      dropout_seed: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor, list[step_lib.Gradient]]:
    """See `step.Differentiate`."""
    del active  # No floor, no dropout of variances.
    model, refinement = self._model, self._model.refinement
    assert refinement is not None
    decoder = {variable.path for variable in model.decoder.trainable_variables}
    of_decoder = [variable for variable in model.trainable_variables if variable.path in decoder]
    of_encoder = [
        variable for variable in model.trainable_variables if variable.path not in decoder]
    with tf.GradientTape() as encoder_tape:
      start = tf.stack(model.encoder(*model.encoder.inputs(batch), training=True))
    loss = model.refinement_loss(batch, kl_weight)
    noise = tf.transpose(batch["refinement_noise"], [1, 0, 2])
    moments, path = refinement.refine(loss, tf.stop_gradient(start), noise)
    with tf.GradientTape() as tape:
      tape.watch(moments)
      mean, raw = tf.unstack(moments)
      posterior = model.family.posterior(mean, model.family.variance(raw))
      terms = model.terms_of(
          posterior, batch, batch["noise"], training=True, dropout_seed=dropout_seed)
      losses = elbo.negative_elbo(terms["reconstruction"], terms["kl"], kl_weight)
      mean_loss = tf.reduce_sum(losses) / all_rows
    upstream, *direct = tape.gradient(mean_loss, [moments, *of_decoder])
    by_start, through = refinement.pull_back(loss, path, noise, upstream, of_decoder)
    direct = [tf.convert_to_tensor(gradient) for gradient in direct]
    share = self._share(direct, through)
    gradients = {variable.path: first + share * second
                 for variable, first, second in zip(of_decoder, direct, through, strict=True)}
    gradients |= zip(
        (variable.path for variable in of_encoder),
        encoder_tape.gradient(start, of_encoder, output_gradients=by_start), strict=True)
    return terms, losses, [gradients[variable.path] for variable in model.trainable_variables]

  def _share(self, direct: list[tf.Tensor], through: list[tf.Tensor]) -> tf.Tensor:
    """What is kept of the gradient through the steps; the same on all replicas."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
      direct, through = context.all_reduce("SUM", [direct, through])
    allowed = self._longest * tf.linalg.global_norm(direct)
    return tf.math.divide_no_nan(allowed, tf.maximum(tf.linalg.global_norm(through), allowed))
