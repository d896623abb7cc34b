"""From the JSON of a predict request to arrays, as TensorFlow Serving's REST interface has it.

Every fault is a `refusals.Refusal` that says where in the request it is.
"""

import base64
import binascii
import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from du_vae_tf.server import refusals
from du_vae_tf.server import specs

DEFAULT_SIGNATURE = "serving_default"

_SHOWN_NAMES = 10


@dataclasses.dataclass(frozen=True)
class Request:
  """What a client asks for.

  Attributes:
    signature: its name.
    rows: whether the inputs are written row by row (`instances`) and the answer is to be, too.
    given: the value of `instances`, a list that is not empty, or of `inputs`.
  """

  signature: str
  rows: bool
  given: Any


def parse(body: bytes) -> Request:
  """Reads the body of a request."""
  try:
    text = body.decode("utf-8")
  except UnicodeDecodeError as error:
    raise _refusal(f"the request is not UTF-8 (byte {error.start})") from None
  try:
    content = json.loads(text)
  except RecursionError:
    raise _refusal("the request is not JSON that can be read: it is nested too deeply") from None
  except ValueError as error:
    raise _refusal(f"the request is not JSON: {error}") from None
  if not isinstance(content, dict):
    raise _refusal(f"the request must be an object; received {_shown(content)}")
  signature = content.get("signature_name", "")
  if not isinstance(signature, str):
    raise _refusal(f"signature_name: must be a string; received {_shown(signature)}")
  if ("instances" in content) == ("inputs" in content):
    raise _refusal('the request must have either "instances" (rows) or "inputs" (columns);'
                   f" received {'both' if 'inputs' in content else 'neither'}")
  rows = "instances" in content
  given = content["instances" if rows else "inputs"]
  if rows and not (isinstance(given, list) and given):
    raise _refusal(f"instances: must be a list of at least one row; received {_shown(given)}")
  return Request(signature or DEFAULT_SIGNATURE, rows, given)


def arrays(request: Request, inputs: Mapping[str, specs.Spec]) -> dict[str, np.ndarray]:
  """The inputs of the signature, by name.

  Args:
    request: to that signature.
    inputs: of the signature, by name.
  """
  if request.rows:
    return _from_rows(request.given, inputs)
  return _from_columns(request.given, inputs)


def _from_rows(rows: list[Any], inputs: Mapping[str, specs.Spec]) -> dict[str, np.ndarray]:
  if _is_object(rows[0]):
    for number, row in enumerate(rows):
      _check_names(row, inputs, f"instances[{number}]")
    columns = {name: ([row[name] for row in rows], f".{name}") for name in inputs}
  else:
    columns = {_only(inputs, "instances"): (rows, "")}
  made = {}
  for name, (entries, suffix) in columns.items():
    shape = _shape(entries[0])
    builder = _Builder(name, inputs[name], (len(entries), *shape))
    for number, entry in enumerate(entries):
      builder.add(entry, shape, f"instances[{number}]{suffix}")
    made[name] = builder.array()
  return made


def _from_columns(given: Any, inputs: Mapping[str, specs.Spec]) -> dict[str, np.ndarray]:
  if _is_object(given):
    _check_names(given, inputs, "inputs")
    columns = {name: (given[name], f"inputs.{name}") for name in inputs}
  else:
    columns = {_only(inputs, "inputs"): (given, "inputs")}
  made = {}
  for name, (value, place) in columns.items():
    shape = _shape(value)
    builder = _Builder(name, inputs[name], shape)
    builder.add(value, shape, place)
    made[name] = builder.array()
  return made


class _Builder:
  """Collects the values of one input.

  Args:
    name: of the input.
    spec: of the input.
    shape: of all values.
  """

  def __init__(self, name: str, spec: specs.Spec, shape: tuple[int, ...]):
    if spec.kind is None:
      raise _refusal(f"{name}: is {spec.dtype}, which JSON has no values for")
    if not spec.fits(shape):
      raise _refusal(f"{name}: must have {spec.shape_text()}; received"
                     f" {_shown_shape(shape)}")
    self._name, self._spec, self._shape = name, spec, shape
    self._read = _READERS[spec.kind]
    self._values: list[Any] = []

  def add(self, value: Any, shape: tuple[int, ...], place: str) -> None:
    """Adds a value, or nested lists of them of that shape, found at a place of the request."""
    if not shape:
      self._values.append(self._read(value, self._spec, place))
      return
    if not isinstance(value, list) or len(value) != shape[0]:
      raise _refusal(f"{place}: must be a list of {shape[0]}, as the first one of its kind;"
                     f" received {_shown(value)}")
    for number, entry in enumerate(value):
      self.add(entry, shape[1:], f"{place}[{number}]")

  def array(self) -> np.ndarray:
    """All values that were added."""
    if self._spec.kind != "number":
      return np.array(self._values, self._spec.dtype).reshape(self._shape)
    try:
      exact = np.array(self._values, np.float64)
    except OverflowError:
      raise self._beyond() from None
    with np.errstate(over="ignore"):
      array = exact.astype(self._spec.dtype)
    if not np.array_equal(np.isinf(array), np.isinf(exact)):
      raise self._beyond()
    return array.reshape(self._shape)

  def _beyond(self) -> refusals.Refusal:
    return _refusal(f"{self._name}: a number is beyond {self._spec.dtype}")


def _string(value: Any, spec: specs.Spec, place: str) -> bytes:
  del spec
  if _is_binary(value):
    try:
      return base64.b64decode(value["b64"], validate=True)
    except (ValueError, binascii.Error):
      raise _refusal(f"{place}.b64: is not base64") from None
  if not isinstance(value, str):
    raise _wrong(value, "a string", place)
  try:
    return value.encode()
  except UnicodeEncodeError:
    raise _refusal(f"{place}: has half of a surrogate pair, which is no character") from None


def _number(value: Any, spec: specs.Spec, place: str) -> float:
  del spec
  if isinstance(value, bool) or not isinstance(value, (int, float)):
    raise _wrong(value, "a number", place)
  return value


def _whole_number(value: Any, spec: specs.Spec, place: str) -> int:
  if isinstance(value, bool) or not isinstance(value, int):
    raise _wrong(value, "a whole number", place)
  limits = np.iinfo(spec.dtype)
  if not limits.min <= value <= limits.max:
    raise _wrong(value, f"from {limits.min} to {limits.max}", place)
  return value


def _boolean(value: Any, spec: specs.Spec, place: str) -> bool:
  del spec
  if not isinstance(value, bool):
    raise _wrong(value, "true or false", place)
  return value


_READERS: dict[specs.Kind, Callable[[Any, specs.Spec, str], Any]] = {
    "string": _string, "number": _number, "whole number": _whole_number, "boolean": _boolean}


def _is_binary(value: Any) -> bool:
  return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_object(value: Any) -> bool:
  return isinstance(value, dict) and not _is_binary(value)


def _check_names(given: Any, inputs: Mapping[str, specs.Spec], place: str) -> None:
  if not _is_object(given) or given.keys() != inputs.keys():
    received = (f"an object with {_listed(given) or 'nothing'}" if _is_object(given)
                else _shown(given))
    raise _refusal(f"{place}: must be an object with {_listed(inputs)}; received {received}")


def _only(inputs: Mapping[str, specs.Spec], place: str) -> str:
  if len(inputs) != 1:
    raise _refusal(f"{place}: values must have names, as the signature has several inputs:"
                   f" {_listed(inputs)}")
  return next(iter(inputs))


def _shape(value: Any) -> tuple[int, ...]:
  """The lengths of nested lists, along their first entries."""
  shape = []
  while isinstance(value, list):
    shape.append(len(value))
    if not value:
      break
    value = value[0]
  return tuple(shape)


def _shown_shape(shape: tuple[int, ...]) -> str:
  return (f"shape {list(shape)}" if len(shape) <= _SHOWN_NAMES
          else f"{len(shape)} axes")


def _listed(names: Mapping[str, Any]) -> str:
  given = sorted(names)
  rest = f" and {len(given) - _SHOWN_NAMES} more" if len(given) > _SHOWN_NAMES else ""
  return ", ".join(map(_shown, given[:_SHOWN_NAMES])) + rest


def _shown(value: Any) -> str:
  """A value as messages show it."""
  if isinstance(value, list):
    return f"a list of {len(value)}"
  if isinstance(value, dict):
    return "an object"
  return refusals.shown(json.dumps(value, ensure_ascii=False))


def _wrong(value: Any, wanted: str, place: str) -> refusals.Refusal:
  return _refusal(f"{place}: must be {wanted}; received {_shown(value)}")


def _refusal(message: str) -> refusals.Refusal:
  return refusals.Refusal(400, f"{message}.")
