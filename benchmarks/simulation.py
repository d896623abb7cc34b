"""Training on many GPUs, on paper: steps, stragglers, epochs."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmarks import collectives
from benchmarks import cost_model

_STEPS, _SEED = 20_000, 0

# Of a sentence of 80 words that `input_pipeline` makes, on one core: seconds to prepare it,
# and bytes of the text and of what is written (records and arrays).
PREPARATION_SECONDS = 8.0 / 100_000
TEXT_BYTES, WRITTEN_BYTES = 374, 770


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
  """A step on paper.

  Attributes:
    replicas: that take it together.
    rows: of all replicas.
    compute: seconds of a replica without jitter.
    slowest: mean over many steps of the slowest replica's jitter, a factor of `compute`.
    exchange: seconds of what replicas exchange.
  """

  replicas: int
  rows: float
  compute: float
  slowest: float
  exchange: float

  @property
  def seconds(self) -> float:
    """Of the step: all wait for the slowest."""
    return self.compute * self.slowest + self.exchange

  @property
  def rows_per_second(self) -> float:
    """Throughput of all replicas."""
    return self.rows / self.seconds


def slowest_jitter(replicas: int, sigma: float) -> float:
  """Mean of the largest of n log-normal factors of median 1, by Monte Carlo with a fixed seed.

  The first n of more replicas jitter as n do, so that more are never faster.

  Args:
    replicas: n.
    sigma: standard deviation of the logarithm.
  """
  draws = np.random.default_rng(_SEED).standard_normal((replicas, _STEPS))
  return float(np.exp(sigma * draws.max(axis=0)).mean())


def step(sizes: cost_model.Sizes, rows: float, replicas: int, machine: cost_model.Machine,
         cluster: collectives.Cluster, sigma: float) -> Step:
  """Predicts a step.

  Args:
    sizes: of the model, and of sentences.
    rows: of each replica.
    replicas: that take the step together.
    machine: each of them.
    cluster: links between them.
    sigma: of the jitter of their computing.
  """
  exchanged = collectives.of_step(sizes, rows) if replicas > 1 else []
  summing = collectives.gathered_traffic(exchanged, replicas) / machine.bandwidth
  return Step(
      replicas=replicas, rows=rows * replicas,
      compute=summing + cost_model.total_seconds(
          cost_model.step_parts(sizes, rows, machine, replicas > 1), machine),
      slowest=slowest_jitter(replicas, sigma),
      exchange=collectives.total_seconds(exchanged, replicas, cluster))


def last_that_helps(steps: Sequence[Step], worth: float) -> int:
  """The most replicas, of those tried in order, that are worth it.

  Args:
    steps: with ever more replicas.
    worth: of a replica that is added, throughput as a share of that of the first alone.
  """
  best, alone = steps[0], steps[0].rows_per_second / steps[0].replicas
  for more in steps[1:]:
    gained = more.rows_per_second - best.rows_per_second
    if gained < worth * alone * (more.replicas - best.replicas):
      break
    best = more
  return best.replicas
