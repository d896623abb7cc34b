"""The table of methods: a method is a row of settings, not a class.

A row says which posterior, which normalization of its means, whether its variances are dropped to
a floor, which objective and which procedure. Adding a method is adding a row.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

Normalization = Literal["none", "fixed_scale", "projected_scale"]
Posterior = Literal["gaussian", "iaf"]

# Numbers of the encoder's context for each latent dimension.
CONTEXT_PER_DIMENSION: dict[Posterior, int] = {"gaussian": 0, "iaf": 2}

# Sizes of a flow: blocks, and hidden units of a block's network for each latent dimension.
_FLOW: Mapping[str, float] = {"flow_depth": 2, "flow_width": 60}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
  """One row of the table.

  Attributes:
    summary: one line for `--help`.
    posterior: family of q(z | x): Gaussian, or inverse autoregressive flow from a Gaussian.
    normalization: batch normalization of the posterior means: none, with a scale fixed at gamma
      in every dimension (Zhu et al. 2020), or with a trainable scale that is re-projected to RMS
      gamma after every update (Shen et al. 2021, section 3.3).
    variance_dropout: whether posterior variances have the floor 1 / (2 pi e) and are dropped to
      it in training (Shen et al. 2021, eq. 6).
    objective: what is minimised.
    procedure: how a step is taken.
    defaults: the method's own settings; a flag that belongs to a method and is not named here has
      no effect on it and is refused.
    dataset_defaults: what stands in for `defaults` on a data set for which other numbers are
      published.
  """

  summary: str
  posterior: Posterior = "gaussian"
  normalization: Normalization = "none"
  variance_dropout: bool = False
  objective: Literal["elbo", "free_bits"] = "elbo"
  procedure: Literal["standard"] = "standard"
  defaults: Mapping[str, float] = dataclasses.field(default_factory=dict)
  dataset_defaults: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)


METHODS: dict[str, Method] = {
    "du_vae": Method(
        summary="batch-normalized means with projected scale, dropout on variances"
        " (Shen et al. 2021)",
        normalization="projected_scale", variance_dropout=True,
        defaults={"gamma": 0.5, "keep_prob": 0.8},
        dataset_defaults={
            "synthetic": {"gamma": 1.0, "keep_prob": 0.5},
            "omniglot": {"gamma": 0.5, "keep_prob": 0.9}}),
    "vae": Method(summary="plain VAE with KL annealing (Bowman et al. 2016)"),
    "bn_vae": Method(
        summary="batch-normalized means with fixed scale (Zhu et al. 2020)",
        normalization="fixed_scale", defaults={"gamma": 0.6},
        dataset_defaults={"synthetic": {"gamma": 1.0}, "omniglot": {"gamma": 0.5}}),
    "du_iaf": Method(
        summary="du_vae before an inverse autoregressive flow (Shen et al. 2021)",
        posterior="iaf", normalization="projected_scale", variance_dropout=True,
        defaults={"gamma": 0.7, "keep_prob": 0.7, **_FLOW},
        dataset_defaults={
            "synthetic": {"gamma": 1.0, "keep_prob": 0.5},
            "yelp": {"gamma": 0.6}, "short_yelp": {"gamma": 0.6},
            "omniglot": {"gamma": 0.5, "keep_prob": 0.85}}),
    "iaf_free_bits": Method(
        summary="inverse autoregressive flow, floor on the KL of each dimension"
        " (Kingma et al. 2016)",
        posterior="iaf", objective="free_bits", defaults={"free_bits": 0.15, **_FLOW},
        dataset_defaults={"yelp": {"free_bits": 0.25}, "short_yelp": {"free_bits": 0.25}}),
    "iaf_bn": Method(
        summary="bn_vae before an inverse autoregressive flow (Shen et al. 2021)",
        posterior="iaf", normalization="fixed_scale", defaults={"gamma": 0.6, **_FLOW},
        dataset_defaults={
            "synthetic": {"gamma": 1.0}, "yelp": {"gamma": 0.7}, "short_yelp": {"gamma": 0.7},
            "omniglot": {"gamma": 0.5}}),
}
