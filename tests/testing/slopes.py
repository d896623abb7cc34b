"""Numerical slopes of a loss."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf


def along_gradient(weights: Sequence[keras.Variable], gradients: Sequence[tf.Tensor],
                   loss: Callable[[], float], size: float) -> tuple[float, float]:
  """The slope of a loss along its gradient by differences, and the length that it should be.

  Along the gradient the slope is largest against the rounding of float32.

  Args:
    weights: by which the loss is differentiated; left as they were.
    gradients: of the loss by each.
    loss: its value at the weights as they are.
    size: of the step to both sides.
  """
  dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
  length = float(tf.linalg.global_norm(dense))
  old = [weight.numpy() for weight in weights]
  losses = []
  for sign in (1.0, -1.0):
    for weight, value, gradient in zip(weights, old, dense, strict=True):
      weight.assign(value + sign * size / length * gradient)
    losses.append(loss())
  for weight, value in zip(weights, old, strict=True):
    weight.assign(value)
  return (losses[0] - losses[1]) / (2.0 * size), length
