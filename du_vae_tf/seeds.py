"""Random numbers that depend only on (seed, purpose, step, replica) or on (seed, purpose, row).

Nothing here has hidden state, so a resumed run draws what the uninterrupted one would have drawn.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

_WORD = 0x7FFFFFFF


def stateless_seed(seed: int, purpose: str, *folds: Any) -> tf.Tensor:
  """A seed for the `tf.random.stateless_*` functions.

  Args:
    seed: the seed of the run.
    purpose: what the numbers are for; different purposes give independent streams.
    *folds: integers or scalar integer tensors (step, replica, ...), each of which gives a stream
      of its own.

  Returns:
    int32 tensor [2].
  """
  key = tf.constant([seed & _WORD, zlib.crc32(purpose.encode()) & _WORD], tf.int32)
  for fold in folds:
    key = tf.random.experimental.stateless_fold_in(key, tf.cast(fold, tf.int32))
  return key


def replica_id() -> Any:
  """The number of the running replica, 0 outside a replica context: scalar int or tensor."""
  context = tf.distribute.get_replica_context()
  return 0 if context is None else context.replica_id_in_sync_group


def row_normals(seed: Any, purpose: str, rows: tf.Tensor, shape: Sequence[Any]) -> tf.Tensor:
  """Standard normals that belong to the rows, whatever the batch they come in.

  Args:
    seed: the seed of the run (int), or an integer tensor that broadcasts against `rows`.
    purpose: see `stateless_seed`.
    rows: int64 [b], the numbers of the rows.
    shape: the shape of the draw of one row.

  Returns:
    float32 [b, *shape].
  """
  return _of_rows(tf.random.stateless_normal, seed, purpose, rows, shape)


def row_uniforms(seed: Any, purpose: str, rows: tf.Tensor, shape: Sequence[Any]) -> tf.Tensor:
  """The same from [0, 1)."""
  return _of_rows(tf.random.stateless_uniform, seed, purpose, rows, shape)


def _of_rows(distribution: Callable[..., tf.Tensor], seed: Any, purpose: str, rows: tf.Tensor,
             shape: Sequence[Any]) -> tf.Tensor:
  word = zlib.crc32(purpose.encode()) & _WORD
  seeds = tf.broadcast_to(tf.cast(seed, tf.int64), tf.shape(rows))

  def draw(args: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    row, row_seed = args
    key = tf.random.experimental.stateless_fold_in(
        tf.stack([row_seed, tf.constant(word, tf.int64)]), row)
    return distribution(shape, key)

  return tf.map_fn(draw, (tf.cast(rows, tf.int64), seeds), fn_output_signature=tf.float32)
