"""A model whose latent space is known: items are vectors, and a vector's center is the vector."""

import types
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf


class Posterior:
  """N(vector, 0)."""

  def __init__(self, vector: tf.Tensor):
    self.mean = self.center = vector
    self.variance = tf.zeros_like(vector)

  def representation(self) -> tf.Tensor:
    return self.center

  def terms(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"sample": self.center + 0.0 * noise[0], "kl_per_dimension": tf.zeros_like(self.center)}


class Identity:
  """See the module; stands for `vae.VAE`."""

  latent_dim = 3
  family = types.SimpleNamespace(evaluation_samples=1)

  def posterior(self, batch: Mapping[str, tf.Tensor]) -> Posterior:
    return Posterior(batch["vector"])


class Vectors:
  """The medium of such items; stands for `codec.Medium`."""

  def dataset(self, items: Sequence[np.ndarray]) -> tf.data.Dataset:
    """Batches in which the items stand in the reverse order."""
    count = len(items)
    return tf.data.Dataset.from_tensor_slices({
        "vector": np.stack(items)[::-1].astype(np.float32), "label": np.full(count, -1, np.int32),
        "row": np.arange(count, dtype=np.int64)[::-1]}).batch(64)
