"""Weight initializers that depend on a seed and a name alone."""

import zlib

import keras


def uniform(bound: float, seed: int, name: str) -> keras.initializers.Initializer:
  """U(-bound, bound), the same for the same seed and name."""
  return keras.initializers.RandomUniform(-bound, bound, seed=_weight_seed(seed, name))


def normal(stddev: float, seed: int, name: str) -> keras.initializers.Initializer:
  """N(0, stddev^2), the same for the same seed and name."""
  return keras.initializers.RandomNormal(0.0, stddev, seed=_weight_seed(seed, name))


def _weight_seed(seed: int, name: str) -> int:
  """A seed of the weight's own; never 0, which Keras takes for no seed."""
  return zlib.crc32(f"{seed}/{name}".encode()) | 1
