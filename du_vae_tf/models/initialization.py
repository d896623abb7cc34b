"""Weight initializers that depend on a seed and a name alone."""

import math
import zlib

import keras


def uniform(bound: float, seed: int, name: str) -> keras.initializers.Initializer:
  """U(-bound, bound), the same for the same seed and name."""
  return keras.initializers.RandomUniform(-bound, bound, seed=_weight_seed(seed, name))


def normal(stddev: float, seed: int, name: str) -> keras.initializers.Initializer:
  """N(0, stddev^2), the same for the same seed and name."""
  return keras.initializers.RandomNormal(0.0, stddev, seed=_weight_seed(seed, name))


def he_normal(kernel_size: int, filters: int, seed: int,
              name: str) -> keras.initializers.Initializer:
  """N(0, 2 / (kernel_size^2 * filters)) (He et al. 2015, fan-out), for k x k convolutions."""
  return normal(math.sqrt(2.0 / (kernel_size**2 * filters)), seed, name)


def xavier_uniform(fan_in: int, fan_out: int, seed: int,
                   name: str) -> keras.initializers.Initializer:
  """U(+-sqrt(6 / (fan_in + fan_out))) (Glorot and Bengio 2010)."""
  return uniform(math.sqrt(6.0 / (fan_in + fan_out)), seed, name)


def _weight_seed(seed: int, name: str) -> int:
  """A seed of the weight's own; never 0, which Keras takes for no seed."""
  return zlib.crc32(f"{seed}/{name}".encode()) | 1
