"""How each kind of data is trained: optimizer and learning-rate schedule."""

import dataclasses
from collections.abc import Callable

import keras

from du_vae_tf import datasets
from du_vae_tf.training import plateau


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regime:
  """One row of the table.

  Attributes:
    optimizer: makes the optimizer from its learning rate.
    rule: when the learning rate falls and when training ends.
  """

  optimizer: Callable[[float], keras.optimizers.Optimizer]
  rule: plateau.Rule


# Checkpoints know variables by their paths, which begin with the optimizer's name.
_NAME = "optimizer"


def _sgd(learning_rate: float) -> keras.optimizers.Optimizer:
  return keras.optimizers.SGD(learning_rate, name=_NAME)


def _adam(learning_rate: float) -> keras.optimizers.Optimizer:
  return keras.optimizers.Adam(
      learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8, name=_NAME)


# Source: Shen et al. 2021, appendix E, and the authors' code.
REGIMES: dict[datasets.Modality, Regime] = {
    "text": Regime(optimizer=_sgd, rule=plateau.TEXT_RULE),
    "image": Regime(optimizer=_adam, rule=plateau.IMAGE_RULE),
}


def forget(optimizer: keras.optimizers.Optimizer) -> None:
  """Makes a built optimizer as good as new; its learning rate is to be set again."""
  for variable in optimizer.variables:
    variable.assign(keras.ops.zeros_like(variable))
