"""Masked dense layers, and the network of them whose outputs are autoregressive."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# The initializer of a weight, from the inputs of its layer and its name.
Initializers = Callable[[int, str], keras.initializers.Initializer]

Degrees = Sequence[int] | np.ndarray

DEGREES = ("random", "balanced")


def uniform_by_inputs(inputs: int, name: str) -> keras.initializers.Initializer:
  """U(-1 / sqrt(inputs), 1 / sqrt(inputs)), whatever the name."""
  del name
  bound = 1.0 / math.sqrt(inputs)
  return keras.initializers.RandomUniform(-bound, bound)


@keras.saving.register_keras_serializable(package="du_vae_tf")
class MaskedDense(keras.layers.Layer):
  """A linear map in which an output sees only inputs of no higher degree.

  What is masked is zero in the product whatever is stored, so it has no gradient.

  Args:
    input_degrees: of each input.
    output_degrees: of each output.
    strict: whether an output sees only inputs of a lower degree.
    kernel_initializer: of the kernel.
    bias_initializer: of the bias.

  Call arguments:
    inputs: float tensor [..., inputs].

  Returns:
    float tensor [..., outputs].

  Weights: `kernel` [inputs, outputs], `bias` [outputs].
  """

  def __init__(self, input_degrees: Degrees, output_degrees: Degrees,
               strict: bool = False, kernel_initializer: Any = "glorot_uniform",
               bias_initializer: Any = "zeros", **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.input_degrees = [int(degree) for degree in input_degrees]
    self.output_degrees = [int(degree) for degree in output_degrees]
    self.strict = strict
    self.kernel_initializer = keras.initializers.get(kernel_initializer)
    self.bias_initializer = keras.initializers.get(bias_initializer)

  def build(self, inputs_shape: tuple[int | None, ...]) -> None:
    """Creates the weights."""
    del inputs_shape
    outputs = len(self.output_degrees)
    self.kernel = self.add_weight(
        name="kernel", shape=(len(self.input_degrees), outputs),
        initializer=self.kernel_initializer)
    self.bias = self.add_weight(name="bias", shape=(outputs,), initializer=self.bias_initializer)

  def mask(self) -> tf.Tensor:
    """Which entries of the kernel act, bool [inputs, outputs]."""
    # From the degrees: a mask of 1920 x 1920 would be as large a constant in every saved graph.
    inputs = tf.constant(self.input_degrees)[:, tf.newaxis]
    outputs = tf.constant(self.output_degrees)[tf.newaxis]
    return outputs > inputs if self.strict else outputs >= inputs

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    kernel = tf.convert_to_tensor(self.kernel)
    kernel = tf.where(self.mask(), kernel, tf.zeros_like(kernel))
    # Of two matrices: those of a higher rank can corrupt memory (see `Pointwise`).
    return tf.tensordot(inputs, kernel, 1) + self.bias

  def compute_output_shape(self, inputs_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return (*inputs_shape[:-1], len(self.output_degrees))

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "input_degrees": self.input_degrees, "output_degrees": self.output_degrees,
        "strict": self.strict,
        "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        "bias_initializer": keras.initializers.serialize(self.bias_initializer)}


@keras.saving.register_keras_serializable(package="du_vae_tf")
class MADE(keras.layers.Layer):
  """Two numbers for each dimension of z from the dimensions before it and from a context.

  Two hidden layers with ReLU. Input d has degree d; a hidden unit sees inputs and units of no
  higher degree than its own, an output only of lower degree. The context enters the first hidden
  layer, where every unit sees it. Inputs, weights and outputs are float32 under every dtype
  policy: the outputs become log-densities.

  Source: Germain et al. 2015; Shen et al. 2021, appendix E.

  Args:
    latent_dim: n.
    hidden_size: units of each hidden layer.
    context_size: c.
    degrees: of hidden units. "random": uniform over 1 to n - 1, from numpy's `RandomState`, layer
      after layer, as in the authors' code; both numbers of dimension 1 are then constants that
      depend on neither z nor context. "balanced": 0 to n - 1 equally often in random order; units
      of degree 0 see the context alone, so that all numbers depend on it.
    mask_seed: of the degrees.
    offset: start of a further trainable bias of the second numbers, or None for no such bias.
    initializers: gives the initializer of a weight from the inputs of its layer and its name.

  Call arguments:
    z: float tensor [..., b, n].
    context: float tensor [b, c].

  Returns:
    float32 [..., b, 2 n], the first numbers of all dimensions and then the second ones.

  Raises:
    ValueError: `degrees` is neither.
  """

  def __init__(self, latent_dim: int, hidden_size: int, context_size: int,
               degrees: str = "balanced", mask_seed: int = 0, offset: float | None = None,
               initializers: Initializers = uniform_by_inputs, **kwargs: Any) -> None:
    super().__init__(**({"autocast": False} | kwargs))
    if degrees not in DEGREES:
      raise ValueError(f"`degrees` must be one of {DEGREES}. Received: degrees={degrees}.")
    self.latent_dim = latent_dim
    self.hidden_size = hidden_size
    self.context_size = context_size
    self.degrees = degrees
    self.mask_seed = mask_seed
    self.offset = offset
    dimensions = np.arange(1, latent_dim + 1)
    first, second = hidden_degrees(latent_dim, hidden_size, degrees, mask_seed)

    def dense(name: str, seen: np.ndarray, seeing: np.ndarray, strict: bool) -> MaskedDense:
      return MaskedDense(
          seen, seeing, strict, kernel_initializer=initializers(len(seen), f"{name}/kernel"),
          bias_initializer=initializers(len(seen), f"{name}/bias"), dtype=self.variable_dtype,
          name=name)

    self.first = dense("first", dimensions, first, False)
    self.second = dense("second", first, second, False)
    self.last = dense("last", second, np.tile(dimensions, 2), True)
    self._initializers = initializers

  def build(self, z_shape: tuple[int | None, ...]) -> None:
    """Creates all weights."""
    self.first.build(z_shape)
    self.second.build((None, self.hidden_size))
    self.last.build((None, self.hidden_size))
    self.context_kernel = self.add_weight(
        name="context_kernel", shape=(self.context_size, self.hidden_size), autocast=False,
        initializer=self._initializers(self.context_size, "context_kernel"))
    if self.offset is not None:
      self.bias = self.add_weight(
          name="offset", shape=(self.latent_dim,), autocast=False,
          initializer=keras.initializers.Constant(self.offset))

  def call(self, z: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
    z, context = (tf.cast(value, self.variable_dtype) for value in (z, context))
    seen = tf.matmul(context, self.context_kernel)
    numbers = self.last(tf.nn.relu(self.second(tf.nn.relu(self.first(z) + seen))))
    if self.offset is None:
      return numbers
    return numbers + tf.concat([tf.zeros_like(self.bias), self.bias], axis=0)

  def compute_output_shape(self, z_shape: tuple[int | None, ...],
                           context_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    del context_shape
    return (*z_shape[:-1], 2 * self.latent_dim)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "latent_dim": self.latent_dim, "hidden_size": self.hidden_size,
        "context_size": self.context_size, "degrees": self.degrees, "mask_seed": self.mask_seed,
        "offset": self.offset}


def hidden_degrees(latent_dim: int, hidden_size: int, degrees: str,
                   seed: int) -> tuple[np.ndarray, np.ndarray]:
  """The degrees of the units of both hidden layers; see `MADE`."""
  random = np.random.RandomState(seed)
  if degrees == "random":
    # A single dimension has nothing before it: its units see the context alone.
    first, second = (random.randint(min(1, latent_dim - 1), latent_dim, hidden_size)
                     for _ in range(2))
  else:
    first, second = (random.permutation(np.arange(hidden_size) % latent_dim) for _ in range(2))
  return first, second
