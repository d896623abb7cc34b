"""The terms of mutual posterior-divergence regularization."""

import tensorflow as tf

# Under the square root of the standard deviation, whose slope at 0 has no bound.
_EPSILON = 1e-12


def pairwise_kl(mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
  """KL(q(z | x_i) || q(z | x_j)) of each dimension, nats: [B, B, n] of [B, n] each."""
  log_variance, precision = tf.math.log(variance), 1.0 / variance
  squares = tf.square(mean[:, tf.newaxis] - mean)
  return 0.5 * ((variance[:, tf.newaxis] + squares) * precision
                - log_variance[:, tf.newaxis] + log_variance - 1.0)


def penalty(mean: tf.Tensor, variance: tf.Tensor, diversity: float,
            smoothness: float) -> tf.Tensor:
  """What MAE adds to the negative ELBO of a batch of B examples.

      diversity * sum_d softplus(-a_d) + smoothness * b

  a_d is the mean KL of dimension d over the B (B - 1) ordered pairs of different examples, b the
  unbiased standard deviation of the pairs' KLs, all dimensions together.

  Source: Ma et al. 2019, eq. (9) to (11).

  Args:
    mean: posterior means of the whole batch [B, n].
    variance: posterior variances [B, n], > 0.
    diversity: weight of the first term, >= 0.
    smoothness: weight of the second term, >= 0.

  Returns:
    scalar; 0 for a batch without pairs.
  """
  rows = tf.shape(mean)[0]
  pairs = tf.cast(rows * (rows - 1), mean.dtype)
  kl = pairwise_kl(mean, variance)  # Exactly 0 on the diagonal.
  average = tf.math.divide_no_nan(tf.reduce_sum(kl, axis=[0, 1]), pairs)
  total = tf.reduce_sum(kl, axis=-1)
  off_diagonal = 1.0 - tf.eye(rows, dtype=mean.dtype)
  squares = tf.square(total - tf.reduce_sum(average)) * off_diagonal
  deviation = tf.sqrt(
      tf.math.divide_no_nan(tf.reduce_sum(squares), pairs - 1.0) + _EPSILON)
  terms = diversity * tf.reduce_sum(tf.nn.softplus(-average)) + smoothness * deviation
  return tf.where(rows > 1, terms, tf.zeros_like(terms))
