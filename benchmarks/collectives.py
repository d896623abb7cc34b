"""What replicas exchange in a training step, and how long that takes, on paper.

The operations are those of `training/step.py` and `layers/moments.py` under TensorFlow's
collective operations, where several dense tensors travel as one and each sparse gradient for
itself: numbers of rows, values and indices are gathered.
"""

import dataclasses
import math
from collections.abc import Sequence

from benchmarks import cost_model

_FLOAT, _INDEX = 4, 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Link:
  """From a replica to the next one.

  Attributes:
    bandwidth: bytes a second, in one direction.
    latency: seconds.
  """

  bandwidth: float
  latency: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
  """Machines with several replicas each.

  Attributes:
    inside: links within a machine.
    across: links between machines, each of which has one.
    machine_size: replicas of a machine.
    start: seconds that a collective takes before anything is sent.
  """

  inside: Link
  across: Link
  machine_size: int
  start: float

  def machines(self, replicas: int) -> int:
    """How many they need."""
    return -(-replicas // self.machine_size)

  def bandwidth(self, replicas: int) -> float:
    """Of a ring or a tree through all replicas: that of its slowest link."""
    return (self.inside if self.machines(replicas) == 1 else self.across).bandwidth


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collective:
  """One kind of exchange in a step.

  Attributes:
    name: for people.
    size: bytes that each replica gives.
    count: how often.
    gathers: whether every replica gets what each gave, in place of the sum.
  """

  name: str
  size: float
  count: int = 1
  gathers: bool = False

  def seconds(self, replicas: int, cluster: Cluster) -> float:
    """Of all of them, one after the other."""
    one = gather_seconds if self.gathers else all_reduce_seconds
    return self.count * one(self.size, replicas, cluster)


def ring_seconds(size: float, replicas: int, bandwidth: float, latency: float) -> float:
  """An all-reduce in a ring of equal links: each replica sends 2 (n - 1) pieces of size / n.

  Source: Patarasuk and Yuan 2009.
  """
  return 2 * (replicas - 1) * (size / replicas / bandwidth + latency)


def all_reduce_seconds(size: float, replicas: int, cluster: Cluster) -> float:
  """By ring or by tree, whichever is faster, as NCCL chooses.

  A ring has 2 (n - 1) steps, of which 2 (machines - 1) wait for the network; a tree passes along
  a machine's replicas and doubles over the machines, there and back, and moves every byte twice.

  Source: latencies as in NCCL's `src/graph/tuning.cc`.
  """
  if replicas == 1:
    return 0.0
  machines, bandwidth = cluster.machines(replicas), cluster.bandwidth(replicas)
  hops = 2 * (machines - 1)
  ring = (ring_seconds(size, replicas, bandwidth, cluster.inside.latency)
          + hops * (cluster.across.latency - cluster.inside.latency))
  chain = -(-replicas // machines) - 1
  tree = 2 * (size / bandwidth + chain * cluster.inside.latency
              + math.ceil(math.log2(machines)) * cluster.across.latency)
  return cluster.start + min(ring, tree)


def gather_seconds(size: float, replicas: int, cluster: Cluster) -> float:
  """In a ring: each replica gets what the n - 1 others gave."""
  if replicas == 1:
    return 0.0
  machines = cluster.machines(replicas)
  latency = ((replicas - machines) * cluster.inside.latency
             + (machines - 1) * cluster.across.latency)
  return cluster.start + (replicas - 1) * size / cluster.bandwidth(replicas) + latency


def of_step(sizes: cost_model.Sizes, rows: float) -> list[Collective]:
  """Of a step of `du_vae`.

  Args:
    sizes: of the model, and of sentences.
    rows: of each replica.
  """
  if isinstance(sizes, cost_model.TextSizes):
    normalizations, channels = 1, float(sizes.latent_dim)
    tables = _of_tables(sizes, rows)
  else:
    normalizations, channels, tables = sizes.normalizations, sizes.channels, []
  return [
      # Mean and squares, forwards, and the gradients of both sums.
      Collective(name="moments", count=4 * normalizations, size=_FLOAT * channels),
      Collective(name="rows", size=_FLOAT),
      # Five sums in float64 and three faults, which are brought together in one place.
      Collective(name="totals", size=5 * 8), Collective(name="faults", size=3 * 4),
      Collective(name="gradients", size=_FLOAT * sizes.dense_weights), *tables]


def _of_tables(sizes: cost_model.TextSizes, rows: float) -> list[Collective]:
  """The sparse gradients of both tables of embeddings, a row as often as it was looked up."""
  return [
      Collective(name="embeddings", size=size, gathers=True)
      for tokens in (rows * sizes.encoder_tokens, rows * sizes.decoder_tokens)
      for size in (_INDEX, tokens * _FLOAT * sizes.embedding_size, tokens * _INDEX)]


def gathered_traffic(exchanged: Sequence[Collective], replicas: int) -> float:
  """Bytes read and written for what was gathered: rows that occur several times are summed.

  They come in, are read, and are written where their sum stands.
  """
  return sum(3.0 * replicas * one.count * one.size for one in exchanged if one.gathers)


def total_seconds(exchanged: Sequence[Collective], replicas: int, cluster: Cluster) -> float:
  """Of all, one after the other: as TensorFlow orders them, and nothing is computed meanwhile."""
  return sum(one.seconds(replicas, cluster) for one in exchanged)
