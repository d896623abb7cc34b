"""Batch normalization of posterior means with a controlled scale."""

from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import moments

SCALINGS = ("fixed", "projected", "free")


@keras.saving.register_keras_serializable(package="du_vae_tf")
class RootMeanSquare(keras.constraints.Constraint):
  """Rescales a vector so that its root mean square is a given value.

  Signs and ratios are kept; a vector of zeros is reset to the value in every entry.

  Source: Shen et al. 2021, section 3.3 (the scale is rescaled after every update).

  Args:
    value: the root mean square, > 0.

  Raises:
    ValueError: `value` is not > 0.
  """

  def __init__(self, value: float) -> None:
    if not value > 0.0:
      raise ValueError(f"`value` must be > 0. Received: value={value}.")
    self.value = value

  def __call__(self, w: Any) -> tf.Tensor:
    vector = tf.convert_to_tensor(w)
    # Dividing by the largest entry first keeps the squares of tiny entries from underflowing.
    largest = tf.reduce_max(tf.abs(vector))
    unit = tf.math.divide_no_nan(vector, largest)
    rms = tf.sqrt(tf.reduce_mean(tf.square(unit)))
    rescaled = tf.math.divide_no_nan(self.value * unit, rms)
    return tf.where(largest > 0.0, rescaled, tf.fill(tf.shape(vector), self.value))

  def get_config(self) -> dict[str, Any]:
    return {"value": self.value}


@keras.saving.register_keras_serializable(package="du_vae_tf")
class MeanNormalization(keras.layers.Layer):
  """Normalizes posterior means over the batch and scales them to a chosen spread.

      output_d = scale_d * (mean_d - E[mean_d]) / sqrt(Var[mean_d] + epsilon) + shift_d

  In training the moments are those of the batch, over all replicas together; otherwise they are
  running averages. As sqrt(mean_d scale_d^2) = gamma at all times, the KL to a standard normal
  prior has the lower bound n * gamma^2 / 2 nats (epsilon -> 0).

  Sources: Shen et al. 2021, eq. (9), section 3.3 (projected) and appendix F (free, with a fixed
  shift); Zhu et al. 2020 (fixed).

  The moments take two passes, the mean and then the centred squares, because
  E[m^2] - E[m]^2 cancels in float32 where the spread is small against the mean. Moments, weights
  and output are float32 under every dtype policy. Replicas may hold different numbers of rows,
  also none.

  Args:
    gamma: root mean square of the scale over the latent dimensions, > 0.
    scaling: "fixed": the scale is gamma in every dimension and not trained; "projected": it is
      trained, and projected back to root mean square gamma after every update; "free": it starts
      at gamma and is trained without that (no bound on the KL then).
    shift: of every dimension, not trained; None: it starts at 0 and is trained.
    momentum: weight of the old value in a running average, in [0, 1).
    epsilon: added to the variance, >= 0. Encoders with tiny initial weights give variances down to
      1e-10 at the start; a larger epsilon shrinks the spread that gamma promises.

  Call arguments:
    mean: float tensor [b, n].
    training: whether to use, and average, the moments of the batch.

  Returns:
    float32 [b, n].

  Raises:
    ValueError: an argument is out of its range.
  """

  def __init__(self, gamma: float, scaling: str, shift: float | None = None,
               momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> None:
    super().__init__(**({"autocast": False} | kwargs))
    if not gamma > 0.0:
      raise ValueError(f"`gamma` must be > 0. Received: gamma={gamma}.")
    if not 0.0 <= momentum < 1.0:
      raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}.")
    if not epsilon >= 0.0:
      raise ValueError(f"`epsilon` must be >= 0. Received: epsilon={epsilon}.")
    if scaling not in SCALINGS:
      raise ValueError(f"`scaling` must be one of {SCALINGS}. Received: scaling={scaling}.")
    self.gamma = gamma
    self.scaling = scaling
    self.fixed_shift = shift
    self.momentum = momentum
    self.epsilon = epsilon

  def build(self, mean_shape: tuple[int | None, ...]) -> None:
    """Creates scale, shift and running moments."""
    shape = (mean_shape[-1],)
    self.scale = self.add_weight(
        name="scale", shape=shape, dtype="float32", autocast=False,
        trainable=self.scaling != "fixed", initializer=keras.initializers.Constant(self.gamma),
        constraint=RootMeanSquare(self.gamma) if self.scaling == "projected" else None)
    self.shift = self.add_weight(
        name="shift", shape=shape, dtype="float32", autocast=False,
        trainable=self.fixed_shift is None,
        initializer=keras.initializers.Constant(self.fixed_shift or 0.0))
    self.moving_mean, self.moving_variance = moments.add_running_moments(self, shape)

  def call(self, mean: tf.Tensor, training: bool = False) -> tf.Tensor:
    mean = tf.cast(mean, tf.float32)
    if training:
      center, variance, count = moments.batch_moments(mean)
      moments.update_averages(
          self.moving_mean, self.moving_variance, self.momentum, center, variance, count)
    else:
      center, variance = self.moving_mean.value, self.moving_variance.value
    standardized = (mean - center) / tf.sqrt(variance + self.epsilon)
    return self.scale.value * standardized + self.shift.value

  def compute_output_shape(self, mean_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return mean_shape

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "gamma": self.gamma, "scaling": self.scaling, "shift": self.fixed_shift,
        "momentum": self.momentum, "epsilon": self.epsilon}
