"""What all entry points share: flags, flagfiles, help and how errors reach the user.

TensorFlow is not imported here, so that `--help` and a mistyped flag are answered at once.
"""

import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_type_hints

from absl import app
from absl import flags
from absl import logging

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf import exhaustion
from du_vae_tf import flagfiles
from du_vae_tf import methods
from du_vae_tf import networks
from du_vae_tf import parent_process
from du_vae_tf import versions

EXIT_USER_ERROR = 2
EXIT_FAILED = 1
EXIT_PREEMPTED = 75

# A value in a message may be of any length.
_LONGEST_MESSAGE = 700
_SHOWN = 200

FLAGS_FOLDER = pathlib.Path(__file__).parent.parent / "flags"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flag:
  """One flag of an entry point: name, Python type, default, heading, help line, choices.

  A flag of type `list` may be given several times; its value is the list of what was given.
  """

  name: str
  type: type
  default: Any
  group: str
  text: str
  choices: tuple[str, ...] = ()


def config_flags(*names: str) -> list[Flag]:
  """The flags made from fields of `RunConfig`, all of them if no name is given."""
  hints = get_type_hints(config_lib.RunConfig)
  made = []
  for field in dataclasses.fields(config_lib.RunConfig):
    if names and field.name not in names:
      continue
    kinds = [kind for kind in get_args(hints[field.name]) if kind is not type(None)]
    made.append(Flag(
        name=field.name, type=kinds[0] if kinds else hints[field.name], default=field.default,
        group=field.metadata["group"], text=field.metadata["help"],
        choices=field.metadata["choices"]))
  return made


class _NumberParser(flags.ArgumentParser):
  """Parses a number, or says in plain words what was expected."""

  def __init__(self, kind: type):
    self._kind = kind
    self.syntactic_help = "a whole number" if kind is int else "a number"

  def parse(self, argument: Any) -> Any:
    try:
      return self._kind(argument)
    except ValueError:
      raise ValueError(f"must be {self.syntactic_help}") from None


def _define(specs: Sequence[Flag], values: flags.FlagValues) -> None:
  for spec in specs:
    if spec.choices:
      flags.DEFINE_enum(spec.name, spec.default, list(spec.choices), spec.text, flag_values=values)
    elif spec.type is bool:
      flags.DEFINE_bool(spec.name, spec.default, spec.text, flag_values=values)
    elif spec.type is list:
      flags.DEFINE_multi_string(spec.name, spec.default, spec.text, flag_values=values)
    elif spec.type in (int, float):
      flags.DEFINE(_NumberParser(spec.type), spec.name, spec.default, spec.text,
                   flag_values=values, serializer=flags.ArgumentSerializer())
    else:
      flags.DEFINE_string(spec.name, spec.default, spec.text, flag_values=values)


def _parse(specs: Sequence[Flag], values: flags.FlagValues,
           arguments: Sequence[str]) -> dict[str, Any]:
  """The values given in the arguments (without the program's name), flagfiles included."""
  expanded = flagfiles.expand(arguments, FLAGS_FOLDER)
  for argument in expanded:
    if not argument.isprintable():
      _check_readable(argument)
  try:
    rest = values(["", *expanded])
  except flags.Error as error:
    message = " ".join(str(error).split()).removeprefix("flag ")
    raise errors.UserError(
        message if len(message) <= _LONGEST_MESSAGE
        else f"{message[:_SHOWN]} ... {message[-_SHOWN:]}") from None
  if rest[1:]:
    raise errors.UserError(
        f"unexpected argument {rest[1][:_SHOWN]!r}: flags are written --name=value.")
  return {spec.name: values[spec.name].value for spec in specs if values[spec.name].present}


def _check_readable(argument: str) -> None:
  """Refuses bytes that are no text: nothing could be said or written about them later."""
  try:
    argument.encode()
  except UnicodeEncodeError:
    shown = argument.encode("utf-8", "backslashreplace").decode()
    raise errors.UserError(f"{shown[:_SHOWN]}: is not UTF-8; give a name that is.") from None


def explicit_values(specs: Sequence[Flag], arguments: Sequence[str]) -> dict[str, Any]:
  """What the arguments (without the program's name) say, parsed apart from the global flags."""
  values = flags.FlagValues()
  _define(specs, values)
  return _parse(specs, values, arguments)


def values_of(specs: Sequence[Flag], explicit: Mapping[str, Any]) -> dict[str, Any]:
  """Every flag's value: what was given, or its default."""
  return {spec.name: explicit.get(spec.name, spec.default) for spec in specs}


def arguments(values: Mapping[str, Any]) -> list[str]:
  """Flags as they stand on a command line."""
  made = []
  for name, value in values.items():
    for one in value if isinstance(value, list) else [value]:
      made.append(f"--{name}={str(one).lower() if isinstance(one, bool) else one}")
  return made


def resolve(explicit: Mapping[str, Any]) -> config_lib.RunConfig:
  """The configuration of a run from what the user said.

  Raises:
    errors.UserError: a value is out of range, or has no effect on the method or the data set.
  """
  dataset = explicit.get("dataset", config_lib.RunConfig.dataset)
  own_file = FLAGS_FOLDER / f"{dataset}.flags"
  own_values = (explicit_values(config_flags(), [f"--flagfile={own_file}"])
                if own_file.is_file() else {})
  own_values.pop("dataset", None)
  row = datasets.DATASETS[dataset]
  for name in sorted(datasets.SOURCE_FLAGS.intersection(explicit).difference(row.flags)):
    users = [other for other, entry in datasets.DATASETS.items() if name in entry.flags]
    raise errors.UserError(
        f"--{name} has no effect on --dataset={dataset}; it belongs to {', '.join(users)}.")
  return config_lib.resolve(dict(explicit) | {"dataset": dataset}, own_values)


def help_text(usage: str, specs: Sequence[Flag]) -> str:
  """The whole of `--help`: usage, then the flags by group with their defaults."""
  lines = [usage.strip(), ""]
  for group in dict.fromkeys(spec.group for spec in specs):
    lines.append(f"{group}:")
    for spec in (spec for spec in specs if spec.group == group):
      value = "|".join(spec.choices) if spec.choices else "" if spec.type is bool else "VALUE"
      name = f"  --{spec.name}" + (f"={value}" if value else "")
      lines.append(f"{name}\n      {spec.text}{_default_text(spec)}")
    lines.append("")
  names = [spec.name for spec in specs]
  if "dataset" in names:
    lines += _rows("Data sets", datasets.DATASETS)
  if "method" in names:
    lines += _rows("Methods", methods.METHODS)
    lines += _rows("Encoders", networks.ENCODERS) + _rows("Decoders", networks.DECODERS)
  lines.append("--flagfile=FILE reads flags from a file; the project's own are found by name.")
  return "\n".join(lines)


def _rows(heading: str, table: Mapping[str, Any]) -> list[str]:
  return [f"{heading}:", *(f"  {name:<15} {row.summary}" for name, row in table.items()), ""]


def _default_text(spec: Flag) -> str:
  """The default as the help shows it."""
  owned = config_lib.owned_settings().get(spec.name)
  if owned is not None and spec.default is None:
    return _owned_default_text(spec.name, *owned)
  if spec.name in ("encoder", "decoder"):
    return " (default: " + ", ".join(
        f"{getattr(row, spec.name)} for {kind}" for kind, row in datasets.MODALITIES.items()) + ")"
  if spec.default is None:
    return ""
  return f" (default: {str(spec.default).lower() if spec.type is bool else spec.default})"


def _owned_default_text(name: str, flag: str, owners: Sequence[str]) -> str:
  """The default of a setting that has an effect on some values of another flag only."""
  if flag != "method":
    settings = [row.defaults for row in datasets.MODALITIES.values()]
    settings += [row.defaults for row in networks.ENCODERS.values()]
    settings += methods.KL_SCHEDULES.values()
    values = [row[name] for row in settings if row.get(name) is not None]
    return (f" (default: {values[0]}; " if values else " (") + _only_text(flag, owners) + ")"
  rows = {owner: methods.METHODS[owner] for owner in owners}
  by_value: dict[tuple[str, Any], list[str]] = {}
  for owner, row in rows.items():
    by_value.setdefault(("", row.defaults[name]), []).append(owner)
  for owner, row in rows.items():
    for dataset, others in row.dataset_defaults.items():
      if others.get(name, row.defaults[name]) != row.defaults[name]:
        by_value.setdefault((f" on {dataset}", others[name]), []).append(owner)
  texts = [f"{value} for {', '.join(names)}{place}" for (place, value), names in by_value.items()]
  return f" (default: {'; '.join(texts)})"


def _only_text(flag: str, owners: Sequence[str]) -> str:
  return "text only" if flag == "dataset" else f"--{flag}={'|'.join(owners)} only"


def run(main: Callable[[dict[str, Any]], None], specs: Sequence[Flag], usage: str) -> None:
  """Runs an entry point as an absl app, from the folder that the user stands in.

  Args:
    main: takes the values that the user gave explicitly.
    specs: the flags of the entry point.
    usage: the head of `--help`.
  """
  parent_process.follow()
  os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
  explicit: dict[str, Any] = {}

  def parse(arguments: list[str]) -> list[str]:
    if any(argument in ("--help", "-help", "-h", "-?") for argument in arguments[1:]):
      sys.stdout.write(help_text(usage, specs) + "\n")
      sys.exit(0)
    try:
      explicit.update(_parse(specs, flags.FLAGS, arguments[1:]))
    except errors.UserError as error:
      _fail(error, EXIT_USER_ERROR)
    return arguments[:1]

  def guarded_main(_: Sequence[str]) -> None:
    if not flags.FLAGS["verbosity"].present:
      logging.set_verbosity(logging.WARNING)  # Of the libraries: we speak through `console`.
    try:
      versions.check()
      with exhaustion.told("use a machine with more"):
        main(explicit)
    except errors.UserError as error:
      _fail(error, EXIT_USER_ERROR)
    except (errors.DivergedError, errors.ExhaustedError) as error:
      _fail(error, EXIT_FAILED)
    except errors.PreemptedError as error:
      _fail(error, EXIT_PREEMPTED)

  _define(specs, flags.FLAGS)
  app.run(guarded_main, flags_parser=parse)


def _fail(error: Exception, status: int) -> None:
  sys.stderr.write(f"{' '.join(str(error).split())}\n")
  sys.exit(status)
