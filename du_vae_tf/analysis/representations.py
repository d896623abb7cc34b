"""What a trained encoder makes of examples: posteriors and representations, beside the labels."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.models import vae
from du_vae_tf.training import loop
from du_vae_tf.training import runs


@dataclasses.dataclass(frozen=True)
class Encoding:
  """The posteriors of N examples with n latent dimensions.

  Attributes:
    mean: float32 [N, n], of the Gaussian posterior, or of the Gaussian before a flow.
    variance: float32 [N, n].
    center: float32 [N, n], the z that stands for an example: the mean, or the flow's image of it.
    representation: float32 [N, m], what other tasks take: the mean (m = n), or with a flow mean
      and center (m = 2 n).
    sample: float32 [N, n], one z of each posterior.
    kl_per_dimension: float32 [N, n], KL to the prior, nats; Monte Carlo with a flow.
  """

  mean: np.ndarray
  variance: np.ndarray
  center: np.ndarray
  representation: np.ndarray
  sample: np.ndarray
  kl_per_dimension: np.ndarray


@dataclasses.dataclass(frozen=True)
class Encoded(Encoding):
  """The posteriors of the examples of a split, in its order.

  Attributes:
    labels: int32 [N], -1 where there is none.
  """

  labels: np.ndarray


class Encoder:
  """Encodes in evaluation mode; traced once, used for any number of data sets.

  Args:
    model: with its weights.
    seed: of the run; the sample of an example depends on it and on the example's number alone.
  """

  def __init__(self, model: vae.VAE, seed: int):
    self._model = model
    self._seed = seed

  @tf.function(reduce_retracing=True, autograph=False)
  def _step(self, iterator: Any) -> dict[str, tf.Tensor]:
    batch = iterator.get_next()
    posterior = self._model.posterior(batch)
    noise = seeds.row_normals(
        self._seed, "representations", batch["row"],
        [self._model.family.evaluation_samples, self._model.latent_dim])
    latent = posterior.terms(tf.transpose(noise, [1, 0, 2]))
    return {
        "mean": posterior.mean, "variance": posterior.variance, "center": posterior.center,
        "representation": posterior.representation(), "sample": latent["sample"],
        "kl_per_dimension": latent["kl_per_dimension"], "labels": batch["label"],
        "row": batch["row"]}

  def encode(self, dataset: tf.data.Dataset,
             check: Callable[[], None] = lambda: None) -> dict[str, np.ndarray]:
    """The parts of `Encoded` by name, in order of `row`.

    Args:
      dataset: of batches, each example once.
      check: called between batches; raises to interrupt.

    Raises:
      ValueError: the data set is empty.
    """
    joined = posterior_pass.gather(self._step, dataset, check)
    # Text comes in order of length.
    order = np.argsort(joined.pop("row"))
    return {name: values[order] for name, values in joined.items()}


def encode(run: runs.Run, corpus: corpus_lib.Corpus, split: str,
           max_examples: int | None = None, check: Callable[[], None] = lambda: None) -> Encoded:
  """Encodes a split; grey images are binarised once.

  Args:
    run: with its best weights.
    corpus: its data.
    split: `train`, `valid` or `test`.
    max_examples: the first so many examples of the split; None for all.
    check: called between batches; raises to interrupt.
  """
  dataset = corpus.evaluation_dataset(split, loop.EVALUATION_BATCH, max_examples)
  return Encoded(**Encoder(run.model, run.config.seed).encode(dataset, check))
