"""How each kind of data is trained: optimizer and learning-rate schedule."""

import dataclasses
from collections.abc import Callable

import keras

from du_vae_tf import datasets
from du_vae_tf.training import plateau


@dataclasses.dataclass(frozen=True, kw_only=True)
class Aggressive:
  """How the encoder of `agg_vae` is trained to convergence at each step, and for how long.

  Attributes:
    window: encoder updates whose mean loss is compared with that of the window before.
    per_token: whether that mean is over predicted symbols, or over examples.
    keeps_best: whether an epoch's mutual information is compared with the best so far, or with
      that of the epoch before.
    max_drops: epochs of lower mutual information that end the aggressive training.
  """

  window: int
  per_token: bool
  keeps_best: bool
  max_drops: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regime:
  """One row of the table.

  Attributes:
    optimizer: makes an optimizer from its learning rate and its name.
    rule: when the learning rate falls and when training ends.
    aggressive: numbers of `agg_vae`.
  """

  optimizer: Callable[[float, str], keras.optimizers.Optimizer]
  rule: plateau.Rule
  aggressive: Aggressive


def _sgd(learning_rate: float, name: str) -> keras.optimizers.Optimizer:
  return keras.optimizers.SGD(learning_rate, name=name)


def _adam(learning_rate: float, name: str) -> keras.optimizers.Optimizer:
  return keras.optimizers.Adam(
      learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name=name)


# Source: Shen et al. 2021, appendix E, and the authors' code; of `aggressive`, code of He et al.
# 2019.
REGIMES: dict[datasets.Modality, Regime] = {
    "text": Regime(
        optimizer=_sgd, rule=plateau.TEXT_RULE,
        aggressive=Aggressive(window=15, per_token=True, keeps_best=False, max_drops=1)),
    "image": Regime(
        optimizer=_adam, rule=plateau.IMAGE_RULE,
        aggressive=Aggressive(window=10, per_token=False, keeps_best=True, max_drops=5)),
}


def forget(optimizer: keras.optimizers.Optimizer) -> None:
  """Makes a built optimizer as good as new; its learning rate is to be set again."""
  for variable in optimizer.variables:
    variable.assign(keras.ops.zeros_like(variable))
