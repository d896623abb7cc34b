"""The losses of a batch, by the names of the objectives in the table of methods."""

from collections.abc import Callable, Mapping
from typing import cast

import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.objectives import elbo
from du_vae_tf.objectives import free_bits

Terms = Mapping[str, tf.Tensor]
# The mean over the rows of the global batch, all replicas together, of what a replica's rows have.
BatchMean = Callable[[tf.Tensor], tf.Tensor]
# Losses [b] of the rows, whose mean over the global batch is minimised.
Losses = Callable[[Terms, tf.Tensor, BatchMean, config_lib.RunConfig], tf.Tensor]


def _elbo(terms: Terms, kl_weight: tf.Tensor, batch_mean: BatchMean,
          config: config_lib.RunConfig) -> tf.Tensor:
  del batch_mean, config
  return elbo.negative_elbo(terms["reconstruction"], terms["kl"], kl_weight)


def _free_bits(terms: Terms, kl_weight: tf.Tensor, batch_mean: BatchMean,
               config: config_lib.RunConfig) -> tf.Tensor:
  kl = terms["kl_per_dimension"]
  return free_bits.free_bits(
      terms["reconstruction"], kl, batch_mean(kl), cast(float, config.free_bits), kl_weight)


LOSSES: dict[str, Losses] = {"elbo": _elbo, "free_bits": _free_bits}
