"""Importance-weighted estimates of a freshly made model, for the benchmarks."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from du_vae_tf.estimators import importance_nll
from du_vae_tf.models import vae


class _Silent:
  """Progress that nobody watches."""

  def start(self, total: int, expected_seconds: float) -> None:
    """Does nothing."""

  def update(self, count: int) -> None:
    """Does nothing."""


def repeat(model: vae.VAE, samples: int, dataset: tf.data.Dataset) -> Callable[[], None]:
  """What estimates all examples of a data set once."""
  estimator = importance_nll.ImportanceNLL(model, samples, seed=0)

  def estimate() -> None:
    weighted = estimator.estimate(dataset, _Silent())
    if not np.all(np.isfinite(weighted.nll)):
      raise FloatingPointError(f"the estimates must be finite. Received: {weighted.nll}.")

  return estimate
