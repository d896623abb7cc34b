"""The parts of what the last linear map of an encoder gives."""

import tensorflow as tf


def split(numbers: tf.Tensor, latent_dim: int, context_size: int) -> tuple[tf.Tensor, ...]:
  """Mean and what the variance is made from, float32 [b, n] each, and the context [b, c] if c > 0.

  Args:
    numbers: float tensor [b, 2 n + c].
    latent_dim: n.
    context_size: c.
  """
  sizes = [latent_dim, latent_dim, *([context_size] if context_size else [])]
  return tuple(tf.split(tf.cast(numbers, tf.float32), sizes, axis=-1))
