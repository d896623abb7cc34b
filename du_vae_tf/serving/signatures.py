"""What exported models of text and of images have in common: checked inputs, one function each."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.models import vae
from du_vae_tf.serving import checks


@dataclasses.dataclass(frozen=True)
class Input:
  """One input of a signature.

  Attributes:
    spec: name, type and shape; the first axis is that of the rows.
    read: checks the values, and makes of them what the answer is made from.
  """

  spec: tf.TensorSpec
  read: Callable[[tf.Tensor], Any] = tf.identity


class Signatures(tf.Module):
  """The functions of an exported model; one row's answer depends on that row alone.

  Args:
    model: with its weights; evaluation mode throughout.
    max_rows: most rows of a request.
  """

  def __init__(self, model: vae.VAE, max_rows: int):
    super().__init__()
    self._model = model
    self._weights = [variable.value for variable in model.variables]
    self._max_rows = max_rows
    self._functions: dict[str, Any] = {}
    self._seed = Input(tf.TensorSpec([None], tf.int64, name="seed"))
    self._z = Input(
        tf.TensorSpec([None, model.latent_dim], tf.float32, name="z"), _finite("z"))
    self._weight = Input(
        tf.TensorSpec([None], tf.float32, name="weight"), unit_interval("weight"))

  @property
  def signatures(self) -> dict[str, Any]:
    """The functions by the names of the signatures."""
    return {"serving_default": self._functions["encode"], **self._functions}

  def _add(self, name: str, answer: Callable[..., dict[str, tf.Tensor]], *inputs: Input) -> None:
    """Adds a signature.

    Args:
      name: of the signature.
      answer: takes what the inputs are read as; gives the outputs by name.
      *inputs: in this order.
    """

    def checked(*given: tf.Tensor) -> dict[str, tf.Tensor]:
      names = [one.spec.name for one in inputs]
      values = checks.rows(dict(zip(names, given, strict=True)), self._max_rows)
      return answer(*(one.read(value) for one, value in zip(inputs, values, strict=True)))

    self._functions[name] = tf.function(
        checked, input_signature=[one.spec for one in inputs], autograph=False)

  def _prior(self, seed: tf.Tensor) -> tf.Tensor:
    """z of the prior [b, n], one for each seed int64 [b]."""
    return seeds.row_normals(seed, "generate", tf.zeros_like(seed), [self._model.latent_dim])


def unit_interval(name: str) -> Callable[[tf.Tensor], tf.Tensor]:
  """Reads numbers in [0, 1]; NaN is none of them."""

  def read(values: tf.Tensor) -> tf.Tensor:
    fit = (values >= 0.0) & (values <= 1.0)
    with tf.control_dependencies([checks.entries(name, values, fit, "numbers from 0 to 1")]):
      return tf.identity(values)

  return read


def _finite(name: str) -> Callable[[tf.Tensor], tf.Tensor]:
  """Reads finite numbers."""

  def read(values: tf.Tensor) -> tf.Tensor:
    check = checks.entries(name, values, tf.math.is_finite(values), "finite numbers")
    with tf.control_dependencies([check]):
      return tf.identity(values)

  return read
