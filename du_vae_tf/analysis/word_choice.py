"""How the words of a decoded sentence are chosen.

Light on purpose: the command line reads it before TensorFlow is imported.
"""

import dataclasses
import math
from typing import TypedDict

from du_vae_tf import errors

DECODINGS = ("greedy", "sample", "beam")

DEFAULT_TEMPERATURE = 1.0
DEFAULT_BEAM_WIDTH = 5

_OWNERS = {"temperature": "sample", "top_k": "sample", "beam_width": "beam"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordChoice:
  """The likeliest word at each step, words drawn at random, or beam search.

  Attributes:
    decoding: one of `DECODINGS`.
    temperature: of `sample`: divides the logits, > 0; None: `DEFAULT_TEMPERATURE`.
    top_k: of `sample`: only so many of the likeliest words are drawn; None: all words.
    beam_width: of `beam`: sentences that the search keeps, of which the likeliest is taken; None:
      `DEFAULT_BEAM_WIDTH`.

  Raises:
    errors.UserError: a value is out of its range, or has no effect on this decoding.
  """

  decoding: str = "greedy"
  temperature: float | None = None
  top_k: int | None = None
  beam_width: int | None = None

  def __post_init__(self) -> None:
    if self.decoding not in DECODINGS:
      raise errors.UserError(
          f"--decoding={self.decoding}: must be one of {', '.join(DECODINGS)}.")
    for name, owner in _OWNERS.items():
      if getattr(self, name) is not None and self.decoding != owner:
        raise errors.UserError(f"--{name}: has an effect with --decoding={owner} only.")
    if self.temperature is not None and not (
        self.temperature > 0.0 and math.isfinite(self.temperature)):
      raise errors.UserError(f"--temperature={self.temperature}: must be a finite number above 0.")
    for name in ("top_k", "beam_width"):
      value = getattr(self, name)
      if value is not None and value < 1:
        raise errors.UserError(f"--{name}={value}: must be at least 1.")


class Options(TypedDict, total=False):
  """The fields of `WordChoice` as keywords."""

  decoding: str
  temperature: float
  top_k: int
  beam_width: int
