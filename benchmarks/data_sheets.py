"""GPUs and networks as their vendors describe them, and the shares of it that are assumed.

No figure here was measured by this project.
"""

from benchmarks import collectives
from benchmarks import cost_model

# Of the peak rate of products and of the memory's bandwidth. Large products reach 60 to 80 % of the
# data sheet, those of a text model of 1 024 units are smaller; copies reach nine tenths.
RATE_SHARE, MEMORY_SHARE = 0.5, 0.8
# Of NVLink: NCCL's tuning takes 235 of the 300 GB/s of an A100 for what a ring can reach. Of a
# network, less its protocol.
LINK_SHARE = 0.8
# Of an operation of TensorFlow's graph: some launch a kernel, which takes about 5 us, some nothing.
CALL_SECONDS = 3e-6
# Source: NCCL's `src/graph/tuning.cc`, protocol LL: start of a collective, a hop through NVLink and
# one through the network.
START_SECONDS, INSIDE_LATENCY, ACROSS_LATENCY = 6.6e-6, 0.6e-6, 5.0e-6
MACHINE_SIZE = 8

# Peak bfloat16 operations a second without sparsity, memory and NVLink (one direction), bytes a
# second. Sources: NVIDIA's data sheets "A100 80GB SXM" (2021) and "H100 SXM" (2023).
GPUS = {
    "A100 SXM 80 GB": (312e12, 2039e9, 300e9),
    "H100 SXM 80 GB": (989.4e12, 3350e9, 450e9)}
# One adapter for each machine of eight GPUs.
NETWORKS = {"100 Gbit/s": 100e9 / 8, "400 Gbit/s": 400e9 / 8}


def machine(gpu: str) -> cost_model.Machine:
  """One such GPU in mixed bfloat16."""
  rate, memory, _ = GPUS[gpu]
  return cost_model.Machine(
      rate=RATE_SHARE * rate, bandwidth=MEMORY_SHARE * memory, call=CALL_SECONDS, product_bytes=2,
      fused=True)


def cluster(gpu: str, network: str) -> collectives.Cluster:
  """Machines of eight such GPUs in such a network."""
  _, _, link = GPUS[gpu]
  return collectives.Cluster(
      inside=collectives.Link(bandwidth=LINK_SHARE * link, latency=INSIDE_LATENCY),
      across=collectives.Link(
          bandwidth=LINK_SHARE * NETWORKS[network], latency=ACROSS_LATENCY),
      machine_size=MACHINE_SIZE, start=START_SECONDS)
