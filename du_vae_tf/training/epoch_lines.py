"""What the terminal says of an epoch."""

from collections.abc import Mapping
from typing import Any

from du_vae_tf import config as config_lib
from du_vae_tf import console

# A flow has no count of active units: its KL per dimension says whether it uses z.
_COLLAPSED_FLOW_KL = 1.0 / 32.0

# The method that keeps a posterior of the family from collapsing; for the others, du_vae.
_REGULARIZED = {"iaf": "du_iaf"}


class EpochLines:
  """Says how each epoch went, and warns once of a collapse.

  Args:
    config: of the run.
  """

  def __init__(self, config: config_lib.RunConfig):
    self._config = config
    self._warned = False

  def say(self, row: Mapping[str, Any], settled: bool) -> None:
    """Says how an epoch went.

    Args:
      row: its line of metrics.jsonl.
      settled: whether the KL weight is what it will be, so that a collapse counts.
    """
    config = self._config
    speed = (f"{row['words_per_second']:.0f} words/s" if "words_per_second" in row
             else f"{row['examples_per_second']:.1f} images/s")
    console.say(
        f"epoch {row['epoch']}/{config.epochs}: KL weight {row['kl_weight']:.2f},"
        f" validation -ELBO {row['elbo_nll']:.2f} = {row['reconstruction']:.2f}"
        f" + KL {row['kl']:.2f}, {_latent_figures(row, config.latent_dim)}, {speed}")
    if settled and not self._warned and self._collapsed(row):
      self._warned = True
      sign = (f"KL is {row['kl']:.2f}" if row["au"] is None
              else f"{row['au']} of {config.latent_dim} latent units are active")
      console.say(f"WARNING: {sign}: the posterior is collapsing onto the prior. Try"
                  f" {_remedy(config)}.")

  def _collapsed(self, row: Mapping[str, Any]) -> bool:
    if row["au"] is None:
      return bool(row["kl"] < _COLLAPSED_FLOW_KL * self._config.latent_dim)
    return bool(row["au"] < self._config.latent_dim / 4)


def _latent_figures(row: Mapping[str, Any], latent_dim: int) -> str:
  """What the line of an epoch says of the latent variable; of a flow, of z before it."""
  prefix, of = ("", "") if row["mi"] is not None else ("z0_", " before the flow")
  return f"MI {row[f'{prefix}mi']:.2f}, active units {row[f'{prefix}au']} of {latent_dim}{of}"


def _remedy(config: config_lib.RunConfig) -> str:
  """The flags to try: the method's own that keep more in z, or the method that is made for it."""
  if config.method_row.variance_dropout:
    return "a larger --gamma or a smaller --keep_prob"
  regularized = _REGULARIZED.get(config.method_row.posterior, "du_vae")
  stronger = [name for name in ("gamma", "free_bits", "delta", "mae_diversity")
              if getattr(config, name) is not None]
  if stronger:
    return f"a larger --{stronger[0]}, or --method={regularized}"
  advice = f"--method={regularized} (then --gamma and --keep_prob)"
  if config.kl_schedule == "constant":
    return f"a smaller --beta, or {advice}"
  return advice + (", or a longer --warmup_epochs" if config.warmup_epochs is not None else "")
