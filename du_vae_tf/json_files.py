"""JSON that a file of somebody else may hold: an object of the expected fields, or why it is none.

Everything raises `ValueError` in a few words; callers say which file it is and what to do.
"""

import dataclasses
import json
import os
import pathlib
import types
from collections.abc import Mapping, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

# None of the files that the project writes as JSON comes near it.
LARGEST_BYTES = 2**20


def read_object(path: str | os.PathLike[str], largest: int = LARGEST_BYTES) -> dict[str, Any]:
  """The object in a file.

  Args:
    path: of the file.
    largest: bytes; of a larger file nothing more is read.

  Raises:
    ValueError: it is larger, or holds something else.
    OSError: it cannot be read.
  """
  file = pathlib.Path(path)
  if file.exists() and not file.is_file():
    raise ValueError("is not a file")  # To open a pipe would be to wait for its other end.
  with file.open("rb") as content:
    head = content.read(largest + 1)
  if len(head) > largest:
    raise ValueError(f"it is larger than {largest / 2**20:g} MiB")
  return parse_object(head.decode("utf-8"))


def parse_object(text: str | bytes) -> dict[str, Any]:
  """The object that a text describes.

  Raises:
    ValueError: it describes something else.
  """
  try:
    content = json.loads(text)
  except RecursionError:
    raise ValueError("it is nested too deeply") from None
  if not isinstance(content, dict):
    raise ValueError(f"it must be an object; received {_shown(content)}")
  return content


def check_fields(kind: type, values: Mapping[str, Any]) -> None:
  """Raises `ValueError` unless a dataclass could be made from the values.

  Args:
    kind: the dataclass; its fields are plain values, or lists and mappings.
    values: by the names of the fields.
  """
  hints = get_type_hints(kind)
  fields = {field.name: field for field in dataclasses.fields(kind)}
  for name, value in values.items():
    if name not in fields:
      raise ValueError(f"{_shown(name)}: is no field of it")
    if not _fits(value, hints[name]):
      raise ValueError(f"{name}: must be {_described(hints[name])}; received {_shown(value)}")
  missing = [name for name, field in fields.items()
             if name not in values and field.default is dataclasses.MISSING
             and field.default_factory is dataclasses.MISSING]
  if missing:
    raise ValueError(f"missing: {', '.join(missing)}")


def _fits(value: Any, hint: Any) -> bool:
  """Whether a value of JSON is of a type; a whole number is a number too, but no truth is."""
  if get_origin(hint) in (Union, types.UnionType):
    return any(_fits(value, part) for part in get_args(hint))
  origin = get_origin(hint) or hint
  if origin is float:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
  if origin is int:
    return isinstance(value, int) and not isinstance(value, bool)
  if origin in (list, Sequence):
    return isinstance(value, list) and all(_fits(entry, get_args(hint)[0]) for entry in value)
  if isinstance(origin, type) and issubclass(origin, Mapping):
    return isinstance(value, dict) and all(
        _fits(entry, get_args(hint)[1]) for entry in value.values())
  return origin is Any or isinstance(value, origin)


_NAMES = {int: "a whole number", float: "a number", str: "a string", bool: "true or false",
          types.NoneType: "null"}


def _described(hint: Any) -> str:
  if get_origin(hint) in (Union, types.UnionType):
    return " or ".join(map(_described, get_args(hint)))
  origin = get_origin(hint) or hint
  if origin in _NAMES:
    return _NAMES[origin]
  kind = "a list" if origin in (list, Sequence) else "an object"
  parts = get_args(hint)[-1:]
  return f"{kind}, each entry {_described(parts[0])}" if parts and parts[0] is not Any else kind


def _shown(value: Any) -> str:
  if isinstance(value, (list, dict)):
    return "a list" if isinstance(value, list) else "an object"
  text = json.dumps(value)
  return text if len(text) <= 40 else f"{text[:40]}..."
