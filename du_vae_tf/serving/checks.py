"""Checks of requests in the graph: an InvalidArgumentError says what was received and is allowed.

A failed check ends the request. What is to wait for a check is made under its control dependency,
so that no memory is spent on a request that is refused.
"""

from collections.abc import Mapping

import tensorflow as tf


def rows(inputs: Mapping[str, tf.Tensor], most: int) -> list[tf.Tensor]:
  """The inputs, after a check that they have equally many rows, and not too many.

  Args:
    inputs: tensors [b, ...] by name.
    most: the largest b.
  """
  counts = {name: tf.shape(values, tf.int64)[0] for name, values in inputs.items()}
  first, *others = counts
  made = [_check(
      counts[first] <= most, f"`{first}`: received ", counts[first],
      f" row(s); allowed are at most {most}.")]
  made += [_check(
      counts[name] == counts[first], f"`{name}`: received ", counts[name],
      " row(s); allowed are ", counts[first], f", as many as of `{first}`.") for name in others]
  with tf.control_dependencies(made):
    return [tf.identity(values) for values in inputs.values()]


def entries(name: str, values: tf.Tensor, fit: tf.Tensor, allowed: str,
            unit: str = "") -> tf.Operation:
  """A check that all entries of a tensor fit; the message has the first that does not.

  Args:
    name: of the input.
    values: numbers [b, ...].
    fit: bool [b, ...].
    allowed: which entries fit, in words.
    unit: what the entries count, if they are counts.
  """
  place = tf.where(tf.logical_not(fit))[:1]
  return _check(
      tf.reduce_all(fit), f"`{name}`: received ", tf.gather_nd(values, place), f"{unit} in row ",
      place[:, 0], f"; allowed are {allowed}.")


def _check(condition: tf.Tensor, *message: str | tf.Tensor) -> tf.Operation:
  """Fails with a message made of texts and of numbers, a scalar or at most one entry each."""
  parts = [part if isinstance(part, str) else tf.strings.reduce_join(_written(part))
           for part in message]
  return tf.debugging.Assert(condition, [tf.strings.join(parts)], name="check")


def _written(number: tf.Tensor) -> tf.Tensor:
  return tf.strings.as_string(number, shortest=number.dtype.is_floating)
