"""The importance-weighted log-likelihood that exported models answer with."""

from collections.abc import Mapping

import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.models import vae

# Importance samples of one answer, and how many of them run at once.
SAMPLES = 100
_SAMPLES_AT_ONCE = 10


def log_likelihood(model: vae.VAE, batch: Mapping[str, tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
  """Importance-weighted log p(x) (Burda et al. 2016), nats.

  The value depends on the example and its seed alone, not on the rest of the batch.

  Args:
    model: in evaluation mode.
    batch: b examples.
    seed: int64 [b].

  Returns:
    float32 [b].
  """
  noise = seeds.row_normals(
      seed, "log_likelihood", tf.zeros_like(seed), [SAMPLES, model.latent_dim])
  weights = model.log_weights(batch, tf.transpose(noise, [1, 0, 2]), _SAMPLES_AT_ONCE)
  total = tf.reduce_logsumexp(weights, axis=0)
  return total - tf.math.log(float(SAMPLES))
