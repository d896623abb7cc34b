"""The course of the KL weight of a run, by the names that `--kl_schedule` takes."""

from collections.abc import Callable
from typing import cast

from du_vae_tf import config as config_lib
from du_vae_tf.objectives import schedules


def _linear(config: config_lib.RunConfig, steps: Callable[[int], int]) -> schedules.Schedule:
  return schedules.LinearWarmup(
      cast(float, config.kl_start), steps(cast(int, config.warmup_epochs)))


def _cyclical(config: config_lib.RunConfig, steps: Callable[[int], int]) -> schedules.Schedule:
  return schedules.Cyclical(
      cast(float, config.kl_start), steps(cast(int, config.warmup_epochs)),
      steps(cast(int, config.cycle_epochs)))


def _constant(config: config_lib.RunConfig, steps: Callable[[int], int]) -> schedules.Schedule:
  del steps
  return schedules.Constant(cast(float, config.beta))


def _none(config: config_lib.RunConfig, steps: Callable[[int], int]) -> schedules.Schedule:
  """The KL does not enter the objective."""
  del config, steps
  return schedules.Constant(0.0)


_SCHEDULES: dict[
    str | None, Callable[[config_lib.RunConfig, Callable[[int], int]], schedules.Schedule]] = {
        "linear": _linear, "cyclical": _cyclical, "constant": _constant, None: _none}


def make(config: config_lib.RunConfig, num_examples: int) -> schedules.Schedule:
  """The schedule of a run.

  Args:
    config: of the run.
    num_examples: of its training split.
  """
  return _SCHEDULES[config.kl_schedule](
      config, lambda epochs: schedules.warmup_steps(epochs, num_examples, config.batch_size))
