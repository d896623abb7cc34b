"""From arrays to the JSON of an answer, as TensorFlow Serving's REST interface has it."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from du_vae_tf.server import refusals

# Outputs whose names end so are binary.
_BINARY_SUFFIX = "_bytes"


def dump(content: Any) -> bytes:
  """A line of JSON; NaN, Infinity and -Infinity stand in it as such.

  Half of a surrogate pair, which UTF-8 has no form for, is written as JSON escapes it.
  """
  return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def predictions(outputs: Mapping[str, np.ndarray], rows: bool) -> dict[str, Any]:
  """The answer to a request.

  Args:
    outputs: arrays by name; strings are bytes in arrays of objects.
    rows: whether to answer row by row.

  Raises:
    refusals.Refusal: the outputs have no common rows.
  """
  if not rows:
    columns = {name: _values(name, array) for name, array in outputs.items()}
    return {"outputs": columns if len(columns) > 1 else next(iter(columns.values()))}
  sizes = {array.shape[0] if array.ndim else None for array in outputs.values()}
  if len(sizes) != 1 or None in sizes:
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in outputs.items())
    raise refusals.Refusal(
        400, f'the outputs have no common rows ({shapes}); ask with "inputs" in place of'
        ' "instances".')
  listed = {name: _values(name, array) for name, array in outputs.items()}
  if len(listed) == 1:
    return {"predictions": next(iter(listed.values()))}
  return {"predictions": [dict(zip(listed, row, strict=True))
                          for row in zip(*listed.values(), strict=True)]}


def _values(name: str, array: np.ndarray) -> Any:
  """Nested lists of what JSON has for the entries; a bare value for rank 0."""
  if array.dtype == object:
    return _strings(array.tolist(), name.endswith(_BINARY_SUFFIX))
  if array.dtype.kind in "iub" or array.dtype == np.float64:
    return array.tolist()
  # The shortest decimals that give the same float32, not the longer ones of its float64.
  return array.astype(np.float32).astype(str).astype(np.float64).tolist()


def _strings(value: Any, binary: bool) -> Any:
  """Bytes, or nested lists of them, as strings; as base64 what is binary or no UTF-8."""
  if isinstance(value, list):
    return [_strings(entry, binary) for entry in value]
  if not binary:
    try:
      return value.decode()
    except UnicodeDecodeError:
      pass
  return {"b64": base64.b64encode(value).decode()}
