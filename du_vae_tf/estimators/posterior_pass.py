"""One pass over a split in evaluation mode, and the figures that follow from it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.estimators import active_units
from du_vae_tf.estimators import conditional_entropy
from du_vae_tf.estimators import mutual_information
from du_vae_tf.estimators import posterior_divergence
from du_vae_tf.models import vae


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collected:
  """What a pass gathers from N examples with n latent dimensions.

  Attributes:
    reconstruction: [N], -log p(x | z) of one sample, nats.
    kl: [N], KL(q(z | x) || p(z)), nats.
    kl_per_dimension: [n], mean over examples, nats.
    mean: [N, n], means of the Gaussian: the posterior, or z^0 of a flow.
    variance: [N, n], its variances.
    sample: [N, n], the sample of each example from it.
    log_determinant: [N], of a flow, nats; None without one.
    tokens: predicted symbols of all examples.
  """

  reconstruction: np.ndarray
  kl: np.ndarray
  kl_per_dimension: np.ndarray
  mean: np.ndarray
  variance: np.ndarray
  sample: np.ndarray
  log_determinant: np.ndarray | None
  tokens: int

  def figures(self) -> dict[str, Any]:
    """Means over examples, in nats: -ELBO (weight 1), its terms, MI, AU, MPD, CE.

    Of a flow, MI, AU and MPD of z^T are None, as they have no tractable form; those of z^0 have
    names that begin with `z0_`. CE of z^T is CE of z^0 plus the Monte Carlo mean of the
    log-determinant (Shen et al. 2021, eq. S23), with its standard error over examples.
    """
    losses = {
        "elbo_nll": float(np.mean(self.reconstruction + self.kl)),
        "reconstruction": float(np.mean(self.reconstruction)),
        "kl": float(np.mean(self.kl))}
    gaussian = {
        "mi": mutual_information.mutual_information(self.mean, self.variance, self.sample),
        "au": active_units.active_units(self.mean),
        "mpd": posterior_divergence.mean_posterior_divergence(self.mean, self.variance),
        "ce": conditional_entropy.conditional_entropy(self.variance)}
    if self.log_determinant is None:
      return losses | gaussian
    entropies = conditional_entropy.entropies(self.variance) + self.log_determinant
    std_error = entropies.std(ddof=1) / len(entropies)**0.5 if len(entropies) > 1 else None
    return losses | {
        "mi": None, "au": None, "mpd": None, "ce": float(entropies.mean()),
        "ce_std_error": std_error if std_error is None else float(std_error),
        **{f"z0_{name}": value for name, value in gaussian.items()}}


class PosteriorPass:
  """Collects posterior and ELBO terms of a split; traced once, used every epoch.

  The sample of an example depends on the seed, the purpose and the example's number alone, so
  epochs are compared under the same noise and batches may be cut in any way.

  Args:
    model: built.
    seed: of the run.
    purpose: name of the stream of noise.
  """

  def __init__(self, model: vae.VAE, seed: int, purpose: str):
    self._model = model
    self._seed = seed
    self._purpose = purpose

  @tf.function(reduce_retracing=True, autograph=False)
  def _terms(self, iterator: Any, active: tf.Tensor) -> dict[str, tf.Tensor]:
    batch = iterator.get_next()
    noise = seeds.row_normals(
        self._seed, self._purpose, batch["row"],
        [self._model.family.evaluation_samples, self._model.latent_dim])
    return self._model.terms(
        batch, tf.transpose(noise, [1, 0, 2]), training=False, active=active)

  def collect(self, dataset: tf.data.Dataset, active: bool = True,
              check: Callable[[], None] = lambda: None) -> Collected:
    """Passes over the data set once.

    Args:
      dataset: of batches, each example once.
      active: whether the variance floor acts.
      check: called between batches; raises to interrupt.

    Raises:
      ValueError: the data set is empty.
    """
    active_tensor = tf.constant(active)
    joined = {name: value.astype(np.float64) for name, value in gather(
        lambda iterator: self._terms(iterator, active_tensor), dataset, check).items()}
    return Collected(
        reconstruction=joined["reconstruction"], kl=joined["kl"],
        kl_per_dimension=joined["kl_per_dimension"].mean(axis=0), mean=joined["mean"],
        variance=joined["variance"], sample=joined.get("base_sample", joined["sample"]),
        log_determinant=joined.get("log_determinant"), tokens=int(joined["tokens"].sum()))


def gather(step: Callable[[Any], Mapping[str, tf.Tensor]], dataset: tf.data.Dataset,
           check: Callable[[], None] = lambda: None) -> dict[str, np.ndarray]:
  """What a step gives for all batches, joined along the first axis.

  Args:
    step: takes an iterator of batches and answers for its next batch.
    dataset: of batches.
    check: called between batches; raises to interrupt.

  Raises:
    ValueError: the data set is empty.
  """
  parts: list[dict[str, np.ndarray]] = []
  iterator = iter(dataset)
  while True:
    try:
      answers = step(iterator)
    except (tf.errors.OutOfRangeError, StopIteration):
      break
    parts.append({name: value.numpy() for name, value in answers.items()})
    check()
  if not parts:
    raise ValueError("`dataset` must hold at least one batch. Received an empty one.")
  return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
