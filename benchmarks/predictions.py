"""Steps and sums as they are predicted for this machine, beside their measured times."""

import json
import math
import pathlib
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import collectives
from benchmarks import cost_model
from benchmarks import local_workers
from benchmarks import turns
from benchmarks import work

# Steps of the paper's models that docs/speed.md publishes: precision, seconds, and the rate of
# products there, operations a second. 32 sentences of 80 words, 50 images.
PUBLISHED = {
    "text": {"float32": (32 * 80 / 1772, 445e9), "bfloat16": (32 * 80 / 2381, 810e9)},
    "image": {"float32": (50 / 92, 445e9), "bfloat16": (50 / 115, 810e9)}}

_WORKERS, _SUMS = 2, 5


def text_sizes(sizes: Mapping[str, Any]) -> cost_model.TextSizes:
  """From the flags of `text_step`."""
  return cost_model.TextSizes(**{
      name: sizes[name] for name in (
          "vocab_size", "hidden_size", "embedding_size", "latent_dim", "words")})


def image_sizes(model: Any) -> cost_model.ImageSizes:
  """Of a built model of images whose means are normalized."""
  kernels = work.encoder_kernels(model.encoder) + work.decoder_kernels(model.decoder)
  # Every layer with running moments normalizes.
  moving = [weight.shape[0] for weight in model.non_trainable_weights
            if weight.path.endswith("moving_mean")]
  return cost_model.ImageSizes(
      flops=work.kernel_flops(kernels), maps=work.kernel_outputs(kernels),
      dense_weights=sum(math.prod(weight.shape) for weight in model.trainable_weights),
      normalizations=len(moving), channels=statistics.fmean(moving))


def of_step(name: str, case: str, flags: Mapping[str, Any],
            sizes: cost_model.Sizes, rates: Any, rounds: int) -> dict[str, Any]:
  """One size: measured beside predicted.

  Memory, calls and products are measured beside every step, since a machine is not always equally
  fast; the ratio is the median of those of the rounds.

  Args:
    name: for people.
    case: `text_step` or `image_step`.
    flags: its sizes.
    sizes: the same for the cost model.
    rates: `machine_rates.Rates`.
    rounds: steps.
  """
  side = turns.worker(name, case, flags, "float32")
  predicted = []
  try:
    for _ in range(rounds):
      bandwidth, call = rates.bandwidth(), rates.call()
      side.go()
      machine = cost_model.Machine(
          rate=side.rounds[-1]["product_rate"], bandwidth=bandwidth, call=call, product_bytes=4,
          fused=False)
      predicted.append(cost_model.total_seconds(
          cost_model.step_parts(sizes, flags["batch_size"], machine), machine))
  finally:
    side.close()
  measured = [row["seconds"] for row in side.rounds]
  return {
      "step": name, "predicted": statistics.median(predicted), "measured": side.seconds,
      "ratio": statistics.median(
          guess / true for guess, true in zip(predicted, measured, strict=True)),
      "product_gflops": statistics.median(row["product_rate"] for row in side.rounds) / 1e9,
      "logarithms": [math.log(seconds) for seconds in measured]}


def of_published(sizes: Mapping[str, Any], bandwidth: float, call: float) -> list[dict[str, Any]]:
  """The published steps, with this machine's memory and calls, which are not published.

  Args:
    sizes: `text` and `image`, of the paper's models.
    bandwidth: bytes a second.
    call: seconds.
  """
  rows = []
  for modality, precisions in PUBLISHED.items():
    for precision, (measured, rate) in precisions.items():
      machine = cost_model.Machine(
          rate=rate, bandwidth=bandwidth, call=call,
          product_bytes=4 if precision == "float32" else 2, fused=False)
      predicted = cost_model.total_seconds(cost_model.step_parts(
          sizes[modality], 32 if modality == "text" else 50, machine), machine)
      rows.append({"step": f"{modality}, {precision}", "predicted": predicted,
                   "measured": measured, "ratio": predicted / measured})
  return rows


def jitter(logarithms: Sequence[Sequence[float]]) -> float:
  """Standard deviation of the logarithm of a step's seconds, over groups of equal steps."""
  squares = sum(statistics.pvariance(group) * len(group) for group in logarithms)
  freedom = sum(len(group) - 1 for group in logarithms)
  return math.sqrt(squares / freedom) if freedom else 0.0


def of_sums(mebibytes: Sequence[float]) -> list[dict[str, float]]:
  """All-reduces between two processes of this machine.

  Latency and bandwidth of the link are those that fit the smallest and the largest; what lies
  between is predicted.

  Args:
    mebibytes: sizes in order, two or more.
  """
  sizes = [int(size * 2**20) for size in mebibytes]
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "seconds.json"
    local_workers.run("benchmarks.all_reduce",
                      {"sizes": sizes, "repetitions": _SUMS, "file": str(path)},
                      local_workers.environments(_WORKERS))
    measured = json.loads(path.read_text(encoding="utf-8"))
  # In a ring of two, 2 (size / 2 / bandwidth + latency).
  bandwidth = (sizes[-1] - sizes[0]) / max(measured[-1] - measured[0], 1e-9)
  latency = max(0.0, measured[0] - sizes[0] / bandwidth) / 2
  rows = []
  for mebibyte, size, seconds in zip(mebibytes, sizes, measured, strict=True):
    predicted = collectives.ring_seconds(size, _WORKERS, bandwidth, latency)
    rows.append({"mebibytes": mebibyte, "predicted": predicted, "measured": seconds,
                 "ratio": predicted / seconds})
  return rows
