"""Refinement of Gaussian posteriors by stochastic variational inference, and its derivative."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

MOMENTUM = 0.5

# Losses [b] of moments [2, b, n], posterior mean and log-variance, under given noise [b or 1, n].
Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Refinement:
  """Gradient steps with momentum on the moments of each example's posterior.

      p <- 0.5 p - clip(rate dL/d moments),  moments <- moments + p

  The steps of an example's mean and of its log-variance are each clipped. Examples do not see each
  other. Noise is given, so that a step can be repeated exactly; `pull_back` repeats each step to
  differentiate through it, and so holds one step in memory at a time.

  Source: Kim et al. 2018, algorithm 1.

  Args:
    steps: how many, K.
    rate: of the steps, > 0.
    clip_norm: longest step before momentum, > 0.
    adjoint_norm: longest gradient by an example's moments that `pull_back` carries from one step to
      the one before, > 0: where a step is so long for the curvature of the loss that it leads away,
      the exact gradient grows with each step and would drown all others.
  """

  def __init__(self, steps: int, rate: float, clip_norm: float, adjoint_norm: float) -> None:
    self.steps = steps
    self._rate = rate
    self._clip_norm = clip_norm
    self._adjoint_norm = adjoint_norm

  def refine(self, loss: Loss, moments: tf.Tensor, noise: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """Takes the steps.

    Args:
      loss: what they lower, twice differentiable.
      moments: float tensor [2, b, n], where they start; no gradient flows back to them.
      noise: standard normal float tensor [K, b or 1, n].

    Returns:
      the refined moments, and the path to them, for `pull_back`.
    """
    writers = [tf.TensorArray(moments.dtype, self.steps, element_shape=moments.shape)
               for _ in range(2)]

    def body(k: tf.Tensor, moments: tf.Tensor, momentum: tf.Tensor, *writers: Any) -> Any:
      kept = [writer.write(k, value)
              for writer, value in zip(writers, (moments, momentum), strict=True)]
      return (k + 1, *self._step(loss, moments, momentum, noise[k]), *kept)

    _, refined, _, *writers = tf.while_loop(
        lambda k, *_: k < self.steps, body,
        (tf.constant(0), moments, tf.zeros_like(moments), *writers), parallel_iterations=1)
    return refined, tuple(writer.stack() for writer in writers)

  def pull_back(self, loss: Loss, path: Any, noise: tf.Tensor, upstream: tf.Tensor,
                variables: Sequence[Any]) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Differentiates through the steps: exactly, as long as nothing is longer than `adjoint_norm`.

    Args:
      loss: as given to `refine`.
      path: from `refine`.
      noise: as given to `refine`.
      upstream: gradient of something by the refined moments, [2, b, n].
      variables: trainable ones that the loss depends on.

    Returns:
      its gradients by the moments where the steps began, and, through the steps, by the variables.
    """
    moments, momenta = path
    sums = [tf.zeros(variable.shape, variable.dtype) for variable in variables]

    def body(k: tf.Tensor, by_moments: tf.Tensor, by_momentum: tf.Tensor, *sums: Any) -> Any:
      before = [moments[k], momenta[k]]
      with tf.GradientTape() as tape:
        tape.watch(before)
        after = self._step(loss, before[0], before[1], noise[k])
      gradients = tape.gradient(
          after, [*before, *variables], output_gradients=[by_moments, by_momentum],
          unconnected_gradients=tf.UnconnectedGradients.ZERO)
      by_moments, by_momentum, *more = (tf.convert_to_tensor(value) for value in gradients)
      return (k - 1, _clip(by_moments, self._adjoint_norm), by_momentum,
              *(total + value for total, value in zip(sums, more, strict=True)))

    _, by_moments, _, *sums = tf.while_loop(
        lambda k, *_: k >= 0, body,
        (tf.constant(self.steps - 1), upstream, tf.zeros_like(upstream), *sums),
        parallel_iterations=1)
    return by_moments, sums

  def _step(self, loss: Loss, moments: tf.Tensor, momentum: tf.Tensor,
            noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Moments and momentum after a step."""
    with tf.GradientTape() as tape:
      tape.watch(moments)
      total = tf.reduce_sum(loss(moments, noise))
    gradient = _clip(self._rate * tape.gradient(total, moments), self._clip_norm)
    momentum = MOMENTUM * momentum - gradient
    return moments + momentum, momentum


def _clip(vectors: tf.Tensor, norm: float) -> tf.Tensor:
  """Vectors [..., n], the longer ones cut to the norm."""
  # The square under the root stays away from 0, where the slope of the root has no bound.
  squares = tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True)
  return vectors * norm / tf.sqrt(tf.maximum(squares, norm**2))
