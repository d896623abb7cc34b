"""Grids of settings: flags that may have several values, and their combinations."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import errors

_FOLDERS = {field.name for field in dataclasses.fields(config_lib.RunConfig)
            if not field.metadata["mathematics"]}


def specs() -> list[command_line.Flag]:
  """The flags of `train`, with lists of values where these may differ from run to run."""
  return [spec if spec.name in _FOLDERS else dataclasses.replace(
      spec, type=str, choices=(), default=None,
      text=f"{spec.text} One of {', '.join(spec.choices)}." if spec.choices else spec.text)
          for spec in command_line.config_flags()]


def may_differ(name: str) -> bool:
  """Whether a flag of `train` may differ from run to run."""
  return name not in _FOLDERS


def combinations(explicit: Mapping[str, Any]) -> list[dict[str, str]]:
  """The values of each run, by flag, of the flags that have several.

  Raises:
    errors.UserError: no flag has several values, or a combination is no run.
  """
  lists = {name: value.split(",") for name, value in explicit.items()
           if may_differ(name) and "," in value}
  if not lists:
    raise errors.UserError(
        "no flag has several values: give some, separated by commas, e.g. --gamma=0.4,0.5.")
  chosen = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
  for values in chosen:
    check({**explicit, **values})  # All of them before the first is trained.
  return chosen


def check(values: Mapping[str, Any]) -> None:
  """Refuses flags of a run, one value each, that are no run.

  Raises:
    errors.UserError: they are none.
  """
  command_line.resolve(command_line.explicit_values(
      command_line.config_flags(), command_line.arguments(values)))
