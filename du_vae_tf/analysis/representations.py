"""What a trained encoder makes of a split: posteriors and representations, beside the labels."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import loop
from du_vae_tf.training import runs


@dataclasses.dataclass(frozen=True)
class Encoded:
  """The N examples of a split, in its order.

  Attributes:
    mean: float32 [N, n], of the Gaussian posterior, or of the Gaussian before a flow.
    variance: float32 [N, n].
    center: float32 [N, n], the z that stands for an example: the mean, or the flow's image of it.
    representation: float32 [N, m], what other tasks take: the mean (m = n), or with a flow mean
      and center (m = 2 n).
    sample: float32 [N, n], one z of each posterior.
    kl_per_dimension: float32 [N, n], KL to the prior, nats; Monte Carlo with a flow.
    labels: int32 [N], -1 where there is none.
  """

  mean: np.ndarray
  variance: np.ndarray
  center: np.ndarray
  representation: np.ndarray
  sample: np.ndarray
  kl_per_dimension: np.ndarray
  labels: np.ndarray


def encode(run: runs.Run, corpus: corpus_lib.Corpus, split: str,
           max_examples: int | None = None, check: Callable[[], None] = lambda: None) -> Encoded:
  """Encodes a split in evaluation mode; grey images are binarised once.

  Args:
    run: with its best weights.
    corpus: its data.
    split: `train`, `valid` or `test`.
    max_examples: the first so many examples of the split; None for all.
    check: called between batches; raises to interrupt.
  """

  @tf.function(reduce_retracing=True)
  def step(iterator: Any) -> dict[str, tf.Tensor]:
    batch = next(iterator)
    posterior = run.model.posterior(batch)
    noise = seeds.row_normals(
        run.config.seed, "representations", batch["row"],
        [run.model.family.evaluation_samples, run.model.latent_dim])
    latent = posterior.terms(tf.transpose(noise, [1, 0, 2]))
    return {
        "mean": posterior.mean, "variance": posterior.variance, "center": posterior.center,
        "representation": posterior.representation(), "sample": latent["sample"],
        "kl_per_dimension": latent["kl_per_dimension"], "labels": batch["label"],
        "row": batch["row"]}

  joined = posterior_pass.gather(
      step, corpus.evaluation_dataset(split, loop.EVALUATION_BATCH, max_examples), check)
  # Text is evaluated in order of length.
  order = np.argsort(joined.pop("row"))
  return Encoded(**{name: values[order] for name, values in joined.items()})
