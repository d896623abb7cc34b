"""Free bits: a floor under the KL of each latent dimension."""

import tensorflow as tf


def free_bits(reconstruction: tf.Tensor, kl_per_dimension: tf.Tensor, mean_kl: tf.Tensor,
              floor: float, kl_weight: tf.Tensor) -> tf.Tensor:
  """Losses whose mean over the batch has each dimension's KL replaced by max(floor, its mean).

      loss = reconstruction + kl_weight * sum_d (KL_d where E[KL_d] > floor, else floor)

  A dimension below the floor passes no gradient. The floor acts on the mean over the whole batch
  (all replicas), so that single examples may lie below it.

  Source: Kingma et al. 2016, eq. (15).

  Args:
    reconstruction: -log p(x | z) [b], nats.
    kl_per_dimension: [b, n], nats.
    mean_kl: mean of `kl_per_dimension` over the global batch [n].
    floor: lambda >= 0, nats per dimension.
    kl_weight: scalar.

  Returns:
    float tensor [b].
  """
  held = tf.where(tf.stop_gradient(mean_kl) > floor, kl_per_dimension, floor)
  return reconstruction + kl_weight * tf.reduce_sum(held, axis=-1)
