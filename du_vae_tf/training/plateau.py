"""When the learning rate falls and when training ends."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
  """The numbers of a plateau schedule.

  Attributes:
    patience: epochs without improvement before a decay.
    first_epoch: no decay before this epoch, counted from 0; the counter runs before, too.
    factor: of the learning rate at a decay.
    max_decays: training ends with this decay.
    keeps_best: whether the loss of an epoch is compared with the best so far; if not, the
      reference becomes the current, worse loss at a decay.
    counts_warmup: whether epochs that end before the KL weight is 1 are observed, too.
  """

  patience: int
  first_epoch: int
  factor: float
  max_decays: int
  keeps_best: bool
  counts_warmup: bool


# Source: Shen et al. 2021, appendix E, and the authors' code. That counts warm-up on images, too;
# but its losses are of another posterior than those after it, and their weights are never kept.
TEXT_RULE = Rule(patience=5, first_epoch=15, factor=0.5, max_decays=5, keeps_best=False,
                 counts_warmup=True)
IMAGE_RULE = Rule(patience=20, first_epoch=0, factor=0.5, max_decays=5, keeps_best=True,
                  counts_warmup=False)


@dataclasses.dataclass(frozen=True)
class Decision:
  """What follows from the loss of an epoch.

  Attributes:
    decay: the learning rate falls, and the best weights are to be reloaded.
    stop: training ends.
  """

  decay: bool
  stop: bool


class Plateau:
  """Counts epochs whose validation loss is above a reference.

  A loss that is not above the reference becomes the reference and resets the counter; so does a
  decay.

  Args:
    rule: the numbers.
    state: from an earlier `state`; None for a new run.
  """

  def __init__(self, rule: Rule, state: Mapping[str, Any] | None = None):
    values = state or {"reference": None, "bad_epochs": 0, "decays": 0}
    self._rule = rule
    self._reference: float | None = values["reference"]
    self._bad_epochs: int = values["bad_epochs"]
    self._decays: int = values["decays"]

  @property
  def state(self) -> dict[str, Any]:
    """Plain values from which the schedule goes on."""
    return {"reference": self._reference, "bad_epochs": self._bad_epochs, "decays": self._decays}

  @property
  def factor(self) -> float:
    """Of the initial learning rate, after the decays so far."""
    return self._rule.factor**self._decays

  def observe(self, epoch: int, loss: float) -> Decision:
    """Takes the validation loss of an epoch (counted from 0) into account."""
    if self._reference is None or loss <= self._reference:
      self._reference, self._bad_epochs = loss, 0
      return Decision(decay=False, stop=False)
    self._bad_epochs += 1
    if self._bad_epochs < self._rule.patience or epoch < self._rule.first_epoch:
      return Decision(decay=False, stop=False)
    self._reference = self._reference if self._rule.keeps_best else loss
    self._bad_epochs = 0
    self._decays += 1
    return Decision(decay=True, stop=self._decays >= self._rule.max_decays)
