"""Batch normalization inside convolutional networks, synchronized over replicas."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import moments


@keras.saving.register_keras_serializable(package="du_vae_tf")
class BatchNormalization(keras.layers.Layer):
  """Normalizes each channel over all other axes.

      output = scale * (x - E[x]) / sqrt(Var[x] + epsilon) + shift

  In training the moments are those of the batch, over all replicas together; otherwise they are
  running averages. Source: Ioffe and Szegedy 2015. Moments, weights and output are float32 under
  every dtype policy: on a processor the activation that follows is faster so, too.

  One replica alone takes TensorFlow's fused operation, several exchange their moments: the same
  mathematics, the first about three times as fast.

  Args:
    momentum: weight of the old value in a running average, in [0, 1).
    epsilon: added to the variance, >= 0.

  Call arguments:
    inputs: float tensor [b, h, w, c].
    training: whether to use, and average, the moments of the batch.

  Returns:
    float32 [b, h, w, c].

  Raises:
    ValueError: an argument is out of its range.
  """

  def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> None:
    super().__init__(**({"autocast": False} | kwargs))
    if not 0.0 <= momentum < 1.0:
      raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}.")
    if not epsilon >= 0.0:
      raise ValueError(f"`epsilon` must be >= 0. Received: epsilon={epsilon}.")
    self.momentum = momentum
    self.epsilon = epsilon

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates scale, shift and running moments."""
    shape = (inputs_shape[-1],)
    self.scale = self.add_weight(
        name="scale", shape=shape, dtype="float32", autocast=False, initializer="ones")
    self.shift = self.add_weight(
        name="shift", shape=shape, dtype="float32", autocast=False, initializer="zeros")
    self.moving_mean, self.moving_variance = moments.add_running_moments(self, shape)

  def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
    x = tf.cast(inputs, tf.float32)
    if not training:
      output = self._fused(x, training=False)[0]
    elif moments.num_replicas() == 1:
      output, mean, unbiased = self._fused(x, training=True)
      count = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
      biased = unbiased * (tf.maximum(count - 1.0, 1.0) / count)
      self._update_averages(mean, biased, count)
    else:
      mean, variance, count = moments.batch_moments(x)
      self._update_averages(mean, variance, count)
      factor = self.scale.value * tf.math.rsqrt(variance + self.epsilon)
      output = (x - mean) * factor + self.shift.value
    return output

  def affine(self) -> tuple[tf.Tensor, tf.Tensor]:
    """What the layer does outside training: x * factor + offset, float32 [c] each."""
    factor = self.scale.value * tf.math.rsqrt(self.moving_variance.value + self.epsilon)
    return factor, self.shift.value - self.moving_mean.value * factor

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return inputs_shape

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"momentum": self.momentum, "epsilon": self.epsilon}

  def _fused(self, x: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The output, and in training the mean and the unbiased variance of the batch."""
    given = {} if training else {
        "mean": self.moving_mean.value, "variance": self.moving_variance.value}
    return tf.compat.v1.nn.fused_batch_norm(
        x, self.scale.value, self.shift.value, epsilon=self.epsilon, is_training=training, **given)

  def _update_averages(self, mean: tf.Tensor, variance: tf.Tensor, count: tf.Tensor) -> None:
    moments.update_averages(
        self.moving_mean, self.moving_variance, self.momentum, mean, variance, count)
