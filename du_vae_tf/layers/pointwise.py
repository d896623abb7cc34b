"""Linear map of the last axis of tensors of any rank."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="du_vae_tf")
class Pointwise(keras.layers.Layer):
  """A linear map of the last axis: a 1 x 1 convolution as one matrix product.

  The product is of two matrices. One of a tensor of higher rank with a matrix, which is what
  `keras.layers.Dense` takes, can corrupt memory in TensorFlow 2.21 on processors
  (https://github.com/tensorflow/tensorflow/issues/123109).

  Args:
    filters: output channels.
    use_bias: whether a bias, which starts at 0, is added.
    kernel_initializer: of the kernel.

  Call arguments:
    inputs: float tensor [..., c].

  Returns:
    float tensor [..., filters].

  Weights: `kernel` [c, filters] and, with a bias, `bias` [filters].
  """

  def __init__(self, filters: int, use_bias: bool = False,
               kernel_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.filters = filters
    self.use_bias = use_bias
    self.kernel_initializer = keras.initializers.get(kernel_initializer)

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates the weights."""
    self.kernel = self.add_weight(
        name="kernel", shape=(inputs_shape[-1], self.filters),
        initializer=self.kernel_initializer)
    if self.use_bias:
      self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    x = tf.cast(inputs, self.compute_dtype)
    output = tf.tensordot(x, self._cast(self.kernel), 1)
    return output + self._cast(self.bias) if self.use_bias else output

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return (*inputs_shape[:-1], self.filters)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "filters": self.filters, "use_bias": self.use_bias,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}

  def _cast(self, variable: keras.Variable) -> tf.Tensor:
    """The value in the compute dtype, also outside `__call__`, where Keras does not cast it."""
    return tf.cast(tf.convert_to_tensor(variable), self.compute_dtype)
