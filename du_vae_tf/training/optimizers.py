"""The optimizers of encoder and decoder."""

import functools
from collections.abc import Callable, Sequence
from typing import Literal

import keras
import tensorflow as tf

from du_vae_tf.models import vae
from du_vae_tf.training import regimes

Part = Literal["encoder", "decoder"]
PARTS: tuple[Part, ...] = ("encoder", "decoder")


class Optimizers:
  """One optimizer for each part of a model, so that a part can be updated alone.

  Normalization of means and flow belong to the encoder. Updating both parts is the same as one
  optimizer's update.

  Args:
    make: an optimizer of a name.
    model: built.
  """

  def __init__(self, make: Callable[[str], keras.optimizers.Optimizer], model: vae.VAE) -> None:
    variables = model.trainable_variables
    decoder = {variable.path for variable in model.decoder.trainable_variables}
    self._places: dict[Part, list[int]] = {part: [] for part in PARTS}
    for place, variable in enumerate(variables):
      self._places["decoder" if variable.path in decoder else "encoder"].append(place)
    self._model_variables = variables
    self._optimizers: dict[Part, keras.optimizers.Optimizer] = {}
    for part in PARTS:
      # Checkpoints know variables by their paths, which begin with the optimizer's name.
      self._optimizers[part] = make(f"{part}_optimizer")
      self._optimizers[part].build([variables[place] for place in self._places[part]])

  @property
  def variables(self) -> list[keras.Variable]:
    """The state of both."""
    return [variable for part in PARTS for variable in self._optimizers[part].variables]

  def set_learning_rate(self, value: float) -> None:
    """Of both."""
    for optimizer in self._optimizers.values():
      optimizer.learning_rate = value

  def apply(self, gradients: Sequence[tf.Tensor], parts: Sequence[Part] = PARTS) -> None:
    """Updates the weights of some parts; to be called in a replica.

    Args:
      gradients: of all trainable variables of the model, in its order; already summed over the
        replicas. Keras's own `apply` would sum them once more, and send all of them again.
      parts: those to update.
    """
    tf.distribute.get_replica_context().merge_call(
        functools.partial(self._update, parts), args=(list(gradients),))

  def _update(self, parts: Sequence[Part], strategy: tf.distribute.Strategy,
              gradients: Sequence[tf.Tensor]) -> None:
    """Updates every replica's copy of the weights by that replica's gradients."""
    for part in parts:
      optimizer = self._optimizers[part]
      for place in self._places[part]:
        weight = self._model_variables[place]
        strategy.extended.update(
            weight.value, _update_of(optimizer, weight.constraint),
            args=(gradients[place], optimizer.learning_rate), group=False)
      optimizer.iterations.assign_add(1)

  def forget(self) -> None:
    """Makes both as good as new; the learning rate is to be set again."""
    for optimizer in self._optimizers.values():
      regimes.forget(optimizer)


def _update_of(
    optimizer: keras.optimizers.Optimizer,
    constraint: Callable[[tf.Tensor], tf.Tensor] | None,
) -> Callable[[tf.Variable, tf.Tensor, tf.Tensor], None]:
  """Updates one replica's copy of a weight, from its gradient and the learning rate."""

  def update(copy: tf.Variable, gradient: tf.Tensor, learning_rate: tf.Tensor) -> None:
    optimizer.update_step(gradient, copy, learning_rate)
    if constraint is not None:
      copy.assign(constraint(copy))

  return update
