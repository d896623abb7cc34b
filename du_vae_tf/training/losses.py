"""The losses of a batch, by the names of the objectives in the table of methods."""

from collections.abc import Callable, Mapping
from typing import cast

import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.objectives import elbo
from du_vae_tf.objectives import free_bits
from du_vae_tf.objectives import mae
from du_vae_tf.training import global_batch

Terms = Mapping[str, tf.Tensor]
# Losses [b] of a replica's rows, whose mean over the global batch is minimised.
Losses = Callable[
    [Terms, tf.Tensor, global_batch.GlobalBatch, config_lib.RunConfig], tf.Tensor]


def _elbo(terms: Terms, kl_weight: tf.Tensor, batch: global_batch.GlobalBatch,
          config: config_lib.RunConfig) -> tf.Tensor:
  del batch, config
  return elbo.negative_elbo(terms["reconstruction"], terms["kl"], kl_weight)


def _free_bits(terms: Terms, kl_weight: tf.Tensor, batch: global_batch.GlobalBatch,
               config: config_lib.RunConfig) -> tf.Tensor:
  kl = terms["kl_per_dimension"]
  return free_bits.free_bits(
      terms["reconstruction"], kl, batch.mean(kl), cast(float, config.free_bits), kl_weight)


def _mae(terms: Terms, kl_weight: tf.Tensor, batch: global_batch.GlobalBatch,
         config: config_lib.RunConfig) -> tf.Tensor:
  penalty = mae.penalty(
      batch.gather(terms["mean"]), batch.gather(terms["variance"]),
      cast(float, config.mae_diversity), cast(float, config.mae_smoothness))
  return elbo.negative_elbo(terms["reconstruction"], terms["kl"], kl_weight) + penalty


LOSSES: dict[str, Losses] = {"elbo": _elbo, "free_bits": _free_bits, "mae": _mae}
