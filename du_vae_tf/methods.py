"""The table of methods: a method is a row of settings, not a class.

A row says which posterior, which normalization of its means, whether its variances are dropped to
a floor, which objective and which procedure. Adding a method is adding a row.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

Normalization = Literal["none", "fixed_scale", "projected_scale", "fixed_shift"]
Posterior = Literal["gaussian", "iaf", "delta_gaussian", "autoencoder"]

# Numbers of the encoder's context for each latent dimension.
CONTEXT_PER_DIMENSION: dict[Posterior, int] = {"iaf": 2}

# The settings of each course of the KL weight.
KL_SCHEDULES: dict[str, Mapping[str, float]] = {
    "linear": {"kl_start": 0.0, "warmup_epochs": 10},
    "cyclical": {"kl_start": 0.0, "warmup_epochs": 10, "cycle_epochs": 20},
    "constant": {"beta": 1.0},
}
SCHEDULE_SETTINGS = frozenset(name for row in KL_SCHEDULES.values() for name in row)

# Sizes of a flow: blocks, and hidden units of a block's network for each latent dimension.
_FLOW: Mapping[str, float] = {"flow_depth": 2, "flow_width": 60}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
  """One row of the table.

  Attributes:
    summary: one line for `--help`.
    posterior: family of q(z | x): Gaussian, inverse autoregressive flow from a Gaussian, Gaussian
      whose KL has a floor by construction, or that of an autoencoder.
    normalization: batch normalization of the posterior means: none, with a scale fixed at gamma
      in every dimension (Zhu et al. 2020), with a trainable scale that is re-projected to RMS
      gamma after every update (Shen et al. 2021, section 3.3), or with a free scale and a shift
      that is fixed (appendix F).
    variance_dropout: whether posterior variances have the floor 1 / (2 pi e) and are dropped to
      it in training (Shen et al. 2021, eq. 6).
    objective: what is minimised.
    kl_schedules: the courses of the KL weight that go with it, the default one first; none where
      no KL enters the objective.
    selection: the validation figure by which the best epoch is chosen.
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
  objective: Literal["elbo", "free_bits", "mae"] = "elbo"
  kl_schedules: tuple[str, ...] = ("linear", "cyclical", "constant")
  selection: Literal["elbo_nll", "reconstruction"] = "elbo_nll"
  procedure: Literal["standard", "aggressive", "semi_amortized"] = "standard"
  defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  dataset_defaults: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


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
    "ae": Method(
        summary="autoencoder: the reconstruction alone, no KL", posterior="autoencoder",
        kl_schedules=(), selection="reconstruction", defaults={"ae_sampling": "stochastic"}),
    "beta_vae": Method(
        summary="constant weight of the KL (Higgins et al. 2017)", kl_schedules=("constant",),
        defaults={"beta": 0.4}, dataset_defaults={"omniglot": {"beta": 0.8}}),
    "cyclical_vae": Method(
        summary="KL annealing in cycles (Fu et al. 2019)", kl_schedules=("cyclical",)),
    "free_bits": Method(
        summary="floor on the KL of each dimension (Kingma et al. 2016)", objective="free_bits",
        defaults={"free_bits": 0.1}),
    "delta_vae": Method(
        summary="posteriors whose KL cannot fall below a floor (Razavi et al. 2019)",
        posterior="delta_gaussian", defaults={"delta": 0.1}),
    "bn_fixed_shift": Method(
        summary="batch-normalized means with a fixed shift (Shen et al. 2021, appendix F)",
        normalization="fixed_shift", defaults={"mean_shift": 0.5}),
    "mae": Method(
        summary="terms for diverse and even posteriors (Ma et al. 2019), standard normal prior",
        objective="mae", defaults={"mae_diversity": 1.0, "mae_smoothness": 0.2},
        dataset_defaults={
            "yelp": {"mae_diversity": 2.0}, "short_yelp": {"mae_diversity": 2.0},
            "omniglot": {"mae_diversity": 0.5}}),
    "agg_vae": Method(
        summary="encoder trained to convergence at each step until MI stops rising"
        " (He et al. 2019)", procedure="aggressive", defaults={"kl_start": 0.1}),
    "sa_vae": Method(
        summary="posteriors refined by gradient steps for each example (Kim et al. 2018)",
        procedure="semi_amortized", defaults={"svi_steps": 20, "svi_rate": 1.0, "kl_start": 0.1},
        # At the published rate the steps lead away from posteriors in these two dimensions.
        dataset_defaults={"synthetic": {"svi_rate": 0.1}}),
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
