"""Runs the trials of a sweep on this machine, one after the other or several at once."""

import functools
from collections.abc import Callable, Sequence

from du_vae_tf import programs
from du_vae_tf.sweeping import trials


def run(work: Sequence[trials.Trial], parallel: int,
        on_outcome: Callable[[trials.Outcome], object]) -> None:
  """Completes trials.

  Args:
    work: in the order in which trials are begun.
    parallel: how many are trained at once; they share the processor's cores.
    on_outcome: told of each trial that is done.

  Raises:
    errors.PreemptedError: this process was asked to stop; runs have saved themselves.
  """
  with programs.Programs(parallel) as children:
    programs.in_parallel(
        [functools.partial(trials.complete, children, trial) for trial in work], parallel,
        lambda outcome, _: on_outcome(outcome))
