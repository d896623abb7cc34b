"""From the configuration of a run to its model."""

import importlib
import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from du_vae_tf import config as config_lib
from du_vae_tf import networks
from du_vae_tf.layers import masked_dense
from du_vae_tf.layers import mean_normalization
from du_vae_tf.layers import variance_dropout
from du_vae_tf.models import initialization
from du_vae_tf.models import vae
from du_vae_tf.posteriors import delta_gaussian
from du_vae_tf.posteriors import gaussian
from du_vae_tf.posteriors import iaf
from du_vae_tf.posteriors import point
from du_vae_tf.posteriors import refinement


def _iaf(config: config_lib.RunConfig) -> vae.Family:
  """The flow of a run, its networks not yet built."""
  flow = config.fidelity_row.flow

  def network(number: int) -> masked_dense.MADE:
    name = f"flow_{number}"
    return masked_dense.MADE(
        config.latent_dim, cast(int, config.flow_width) * config.latent_dim,
        config.context_size, degrees=flow.degrees, mask_seed=0 if flow.shared_masks else number,
        offset=flow.gate_bias, initializers=lambda inputs, part: initialization.uniform(
            1.0 / math.sqrt(inputs), config.seed, f"{name}/{part}"), name=name)

  return iaf.IAF([network(number + 1) for number in range(cast(int, config.flow_depth))])


def _autoencoder(config: config_lib.RunConfig) -> vae.Family:
  return (gaussian.Gaussian(point.MIN_LOG_VARIANCE) if config.ae_sampling == "stochastic"
          else point.Point())


FAMILIES: dict[str, Callable[[config_lib.RunConfig], vae.Family]] = {
    "gaussian": lambda config: gaussian.Gaussian(),
    "iaf": _iaf,
    "delta_gaussian": lambda config: delta_gaussian.DeltaGaussian(cast(float, config.delta)),
    "autoencoder": _autoencoder,
}


_SCALINGS = {"fixed_scale": "fixed", "projected_scale": "projected", "fixed_shift": "free"}


def _normalization(
    config: config_lib.RunConfig) -> mean_normalization.MeanNormalization | None:
  """The layer that a method's row asks for."""
  kind = config.method_row.normalization
  if kind == "none":
    return None
  # The method's row gives these a value where the method uses them.
  gamma = 1.0 if config.gamma is None else config.gamma
  return mean_normalization.MeanNormalization(
      gamma, _SCALINGS[kind], shift=config.mean_shift,
      epsilon=config.posterior_row.normalization_epsilon, name="mean_normalization")


def build_model(config: config_lib.RunConfig, sizes: Mapping[str, int],
                policy: str = "float32") -> vae.VAE:
  """The model of a run, with all its weights.

  Args:
    config: the resolved configuration.
    sizes: what the data fix: `vocab_size` of text, number of token ids, the special ones
      included; `side` of images.
    policy: Keras dtype policy of the networks, "float32" or "mixed_bfloat16"; weights, moments
      and the terms of the objective are float32 under both.
  """
  method = config.method_row
  rows = config.network_rows
  model = vae.VAE(
      _create(rows["encoder"], config, sizes, policy),
      _create(rows["decoder"], config, sizes, policy),
      FAMILIES[method.posterior](config),
      _normalization(config),
      variance_dropout.VarianceDropout(cast(float, config.keep_prob), name="variance_dropout")
      if method.variance_dropout else None,
      _refinement(config) if config.svi_steps is not None else None,
      name="vae")
  model.build()
  return model


def _refinement(config: config_lib.RunConfig) -> refinement.Refinement:
  """Kim et al. take the mean loss of a batch at rate 1, and clip to norm 5 over the batch.

  They clip steps, and the gradient on its way back. Of examples with gradients of equal length,
  that is this rate and this norm for each.
  """
  steps, rate = cast(int, config.svi_steps), cast(float, config.svi_rate)
  norm = 5.0 / math.sqrt(config.batch_size)
  return refinement.Refinement(steps, rate / config.batch_size, norm, norm)


def _create(row: networks.Network, config: config_lib.RunConfig, sizes: Mapping[str, int],
            policy: str) -> Any:
  """The network that a row of the tables names."""
  module, class_name = row.layer
  return getattr(importlib.import_module(module), class_name).create(config, sizes, dtype=policy)
