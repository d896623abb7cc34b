"""The processes that train one run together: what they agree on, and what becomes of it all when
one of them is lost."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import tensorflow as tf

from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf.training import signals

Made = TypeVar("Made")

_VARIABLE = "TF_CONFIG"
_EXAMPLE = ('{"cluster": {"worker": ["HOST0:PORT", "HOST1:PORT"]},'
            ' "task": {"type": "worker", "index": 0}}')
_KINDS = ("chief", "worker")
# What a collective operation ends with when another worker is gone.
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError,
         tf.errors.DeadlineExceededError)
# So many hexadecimal digits, squared and summed over thousands of workers, are exact in int64.
_DIGITS = 6


def read_cluster() -> tuple[dict[str, list[str]], str, int]:
  """Addresses of the workers by kind, and the kind and number of this one, from `TF_CONFIG`.

  Raises:
    errors.UserError: it is missing or says something else.
  """
  text = os.environ.get(_VARIABLE)
  if not text:
    raise errors.UserError(
        f"--strategy=multi_worker: {_VARIABLE} is not set; give every worker its own, such as"
        f" {_EXAMPLE}.")
  try:
    values = json.loads(text)
    cluster, task = values["cluster"], values["task"]
    kind, index = task["type"], task["index"]
    known = {name: list(cluster[name]) for name in cluster}
    here = known[kind][index]
  except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
    raise errors.UserError(
        f"--strategy=multi_worker: {_VARIABLE} cannot be read ({type(error).__name__}: {error});"
        f" it must be like {_EXAMPLE}.") from None
  strange = set(known) - set(_KINDS)
  if strange or isinstance(index, bool) or index < 0 or not isinstance(here, str):
    raise errors.UserError(
        f"--strategy=multi_worker: {_VARIABLE} must name workers of the types"
        f" {' and '.join(_KINDS)} alone, by HOST:PORT; it must be like {_EXAMPLE}.")
  return known, kind, index


def join() -> tf.distribute.MultiWorkerMirroredStrategy:
  """The strategy of the workers of `TF_CONFIG`, once all of them are there.

  Raises:
    errors.UserError: `TF_CONFIG` says something else, or they do not find each other.
  """
  cluster, kind, index = read_cluster()
  count = sum(map(len, cluster.values()))
  console.say(f"{kind} {index} of {count} in all: waiting for the others at"
              f" {', '.join(address for one in cluster.values() for address in one)}")
  try:
    return tf.distribute.MultiWorkerMirroredStrategy()
  except tf.errors.OpError as error:
    raise errors.UserError(
        "--strategy=multi_worker: the workers did not find each other"
        f" ({str(error).strip().splitlines()[0]}).") from None


class Workers:
  """The workers of a strategy; a strategy of one process has one, which is its own chief.

  All workers take the same steps and come to the same decisions; the chief alone writes.

  Args:
    strategy: that they share.
  """

  def __init__(self, strategy: tf.distribute.Strategy):
    self._strategy = strategy
    resolver = strategy.cluster_resolver
    spec = resolver.cluster_spec().as_dict() if resolver is not None else {}
    self.count = max(1, sum(len(spec.get(kind, ())) for kind in _KINDS))
    self.is_chief = self.count == 1 or resolver.task_type == "chief" or (
        "chief" not in spec and resolver.task_id == 0)

  def total(self, values: Sequence[float]) -> np.ndarray:
    """The sum of what each worker gives, float64 [len(values)]; all must call it together."""
    own = np.asarray(values, np.float64)
    if self.count == 1:
      return own
    return self._sum(tf.constant(own)).numpy()

  @tf.function(input_signature=(tf.TensorSpec([None], tf.float64),), autograph=False)
  def _sum(self, own: tf.Tensor) -> tf.Tensor:
    def replica(values: tf.Tensor) -> tf.Tensor:
      context = tf.distribute.get_replica_context()
      here = self._strategy.extended._num_devices_per_worker  # pylint: disable=protected-access
      is_first = tf.cast(context.replica_id_in_sync_group % here == 0, values.dtype)
      return context.all_reduce("SUM", is_first * values)

    return self._strategy.experimental_local_results(self._strategy.run(replica, args=(own,)))[0]

  def from_chief(self, value: float) -> float:
    """The chief's value: what decisions are made from must be the same to the last bit."""
    return float(self.total([value if self.is_chief else 0.0])[0])

  def wait(self) -> None:
    """Until all workers are here."""
    self.total([0.0])  # Of nothing at all TensorFlow makes a crash.

  def chief_first(self, make: Callable[[], Made]) -> Made:
    """What each worker makes of files that the first to come may have to make.

    Raises:
      errors.UserError: another worker failed.
    """
    made: list[Made] = []
    for turn in (True, False):
      with self.together():
        if self.is_chief == turn:
          made.append(make())
    return made[0]

  def check(self, stop: signals.StopRequest) -> None:
    """Raises `errors.PreemptedError` on all workers if one of them was asked to stop."""
    if self.count > 1 and self.total([stop.requested])[0]:
      stop.requested = True
    stop.check()

  @contextlib.contextmanager
  def together(self) -> Iterator[None]:
    """What every worker does on its own: if one fails, all end.

    Raises:
      errors.UserError: another worker failed.
    """
    try:
      yield
    except errors.UserError:
      self.total([1.0])
      raise
    if self.total([0.0])[0]:
      raise errors.UserError(
          "--strategy=multi_worker: another worker could not begin; its own message says why.")

  def agree(self, digits: str, what: str) -> None:
    """Refuses workers that are not of one mind.

    Args:
      digits: hexadecimal digits that follow from what they are to agree on.
      what: in words.

    Raises:
      errors.UserError: those of another worker differ.
    """
    number = int(digits[:_DIGITS], 16)
    total, squares = self.total([number, number**2])
    if total**2 != self.count * squares:  # Cauchy and Schwarz: equal if and only if all are.
      raise errors.UserError(f"--strategy=multi_worker: the workers have different {what}.")

  @contextlib.contextmanager
  def watched(self) -> Iterator[None]:
    """Turns the loss of another worker into a polite end.

    Raises:
      errors.PreemptedError: another worker was lost.
    """
    try:
      yield
    except _LOST as error:
      if self.count == 1:
        raise
      raise errors.PreemptedError(
          "another worker was lost, so this one stopped too; the same commands on all workers"
          " continue from the last saved state.") from error
