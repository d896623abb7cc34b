"""What a signature takes and gives, as far as JSON is concerned."""

import dataclasses
from typing import Literal

import numpy as np

# NumPy has no arrays of more than 64 axes.
_MAX_RANK = 32

Kind = Literal["string", "number", "whole number", "boolean"]


@dataclasses.dataclass(frozen=True)
class Spec:
  """Of one input.

  Attributes:
    kind: of the JSON values that it is made from; None where JSON has none.
    dtype: of the array; object for strings, which are bytes in it.
    shape: None for any rank; in it, None for any size.
  """

  kind: Kind | None
  dtype: np.dtype
  shape: tuple[int | None, ...] | None

  def fits(self, shape: tuple[int, ...]) -> bool:
    """Whether an array may have that shape."""
    if self.shape is None:
      return len(shape) <= _MAX_RANK
    return len(self.shape) == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(self.shape, shape, strict=True))

  def shape_text(self) -> str:
    """The shape as messages show it, e.g. "shape [rows, 28, 28, 1]"."""
    if self.shape is None:
      return f"at most {_MAX_RANK} axes"
    sizes = ["any" if size is None else str(size) for size in self.shape]
    if sizes and sizes[0] == "any":
      sizes[0] = "rows"
    return f"shape [{', '.join(sizes)}]"
