"""The optimizers of encoder and decoder."""

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
      # What Keras would sum over the replicas is their sum already, and would be sent again.
      self._optimizers[part]._all_reduce_sum_gradients = list  # pylint: disable=protected-access

  @property
  def variables(self) -> list[keras.Variable]:
    """The state of both."""
    return [variable for part in PARTS for variable in self._optimizers[part].variables]

  def set_learning_rate(self, value: float) -> None:
    """Of both."""
    for optimizer in self._optimizers.values():
      optimizer.learning_rate = value

  def apply(self, gradients: Sequence[tf.Tensor], parts: Sequence[Part] = PARTS) -> None:
    """Updates the weights of some parts.

    Args:
      gradients: of all trainable variables of the model, in its order, summed over the replicas.
      parts: those to update.
    """
    for part in parts:
      places = self._places[part]
      self._optimizers[part].apply(
          [gradients[place] for place in places],
          [self._model_variables[place] for place in places])

  def forget(self) -> None:
    """Makes both as good as new; the learning rate is to be set again."""
    for optimizer in self._optimizers.values():
      regimes.forget(optimizer)
