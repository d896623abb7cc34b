"""The evidence lower bound as a loss."""

import tensorflow as tf


def negative_elbo(reconstruction: tf.Tensor, kl: tf.Tensor, kl_weight: tf.Tensor) -> tf.Tensor:
  """-ELBO per example with a weighted KL, nats.

  Source: Kingma and Welling 2014; the weight, Bowman et al. 2016.

  Args:
    reconstruction: -log p(x | z) [b], nats.
    kl: KL(q(z | x) || p(z)) [b], nats.
    kl_weight: scalar; 1 gives the bound itself.

  Returns:
    float tensor [b].
  """
  return reconstruction + kl_weight * kl
