"""The fidelity profiles: where the authors' code and the text of the paper differ.

Light on purpose: the command line reads it before TensorFlow is imported.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from du_vae_tf import methods


@dataclasses.dataclass(frozen=True, kw_only=True)
class PosteriorFidelity:
  """What differs between the two for a family of posteriors.

  Attributes:
    normalization_epsilon: added to the batch variance of the means.
    normalized_encoder: initialisation of a text encoder whose means are normalized.
    plain_encoder: of one whose means are not.
  """

  normalization_epsilon: float
  normalized_encoder: str = "small_uniform"
  plain_encoder: str = "small_uniform"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FlowFidelity:
  """What differs between the two in a flow.

  Attributes:
    gate_bias: start of a trainable bias of the gates' logits; None for no such bias.
    degrees: of the hidden units of its networks; see `layers.masked_dense.MADE`.
    shared_masks: whether all blocks have the same masks.
  """

  gate_bias: float | None
  degrees: str
  shared_masks: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fidelity:
  """What differs between the authors' code and the text of the paper, as plain settings.

  Attributes:
    regularize_from_start: whether the variance floor and the variance dropout act from the first
      step (the paper's text) or from the step at which the KL weight reaches 1 (authors' code).
    posteriors: by family of posteriors.
    flow: of the flow.
    overrides: values that stand before those of the data set's flagfile, by modality.
  """

  regularize_from_start: bool
  posteriors: Mapping[methods.Posterior, PosteriorFidelity]
  flow: FlowFidelity
  overrides: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


_ZERO_BIAS = "small_uniform_zero_bias"
_PAPER = PosteriorFidelity(normalization_epsilon=1e-12)

FIDELITIES: dict[str, Fidelity] = {
    "authors": Fidelity(
        regularize_from_start=False,
        posteriors={
            "gaussian": PosteriorFidelity(
                normalization_epsilon=1e-5, normalized_encoder="framework"),
            "iaf": PosteriorFidelity(
                normalization_epsilon=1e-8, normalized_encoder=_ZERO_BIAS,
                plain_encoder=_ZERO_BIAS)},
        flow=FlowFidelity(gate_bias=2.0, degrees="random", shared_masks=True)),
    "paper": Fidelity(
        regularize_from_start=True, posteriors={"gaussian": _PAPER, "iaf": _PAPER},
        flow=FlowFidelity(gate_bias=None, degrees="balanced", shared_masks=False),
        overrides={"text": {"epochs": 120}}),
}
