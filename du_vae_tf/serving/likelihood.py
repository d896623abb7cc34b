"""The importance-weighted log-likelihood that exported models answer with."""

from collections.abc import Mapping

import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.models import vae

# Importance samples of one answer.
SAMPLES = 100
# How many samples of a row, and of all rows together, run at once, which bounds memory.
_SAMPLES_AT_ONCE = 10
_ROWS_AT_ONCE = 640


def log_likelihood(model: vae.VAE, batch: Mapping[str, tf.Tensor],
                   seed: tf.Tensor) -> dict[str, tf.Tensor]:
  """Importance-weighted log p(x) (Burda et al. 2016), nats.

  The value depends on the example and its seed alone, not on the rest of the batch.

  Args:
    model: in evaluation mode.
    batch: b examples.
    seed: int64 [b].

  Returns:
    `log_likelihood`, float32 [b].
  """
  noise = seeds.row_normals(
      seed, "log_likelihood", tf.zeros_like(seed), [SAMPLES, model.latent_dim])
  at_once = tf.clip_by_value(_ROWS_AT_ONCE // tf.maximum(tf.size(seed), 1), 1, _SAMPLES_AT_ONCE)
  weights = model.log_weights(batch, tf.transpose(noise, [1, 0, 2]), at_once)
  total = tf.reduce_logsumexp(weights, axis=0)
  return {"log_likelihood": total - tf.math.log(float(SAMPLES))}
