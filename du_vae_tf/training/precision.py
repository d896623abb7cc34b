"""Which precision the products of a model are computed in on this machine."""

import pathlib

import tensorflow as tf

_CPU_FLAGS = pathlib.Path("/proc/cpuinfo")
# Matrix units, or dot products of bfloat16 numbers: both more than make up for the conversions.
_BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16")
# An LSTM of fewer units is no faster in less than float32.
_SMALLEST_LSTM = 128
# From Ampere on, matrix units take bfloat16.
_BFLOAT16_CAPABILITY = (8, 0)

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def resolve(requested: str, hidden_size: int | None = None) -> str:
  """`float32` or `bfloat16` for `auto`; anything else as it is.

  `auto` is bfloat16 where every device that computes has units for products of such numbers: GPUs
  of compute capability 8.0, or without a GPU a processor with AMX or AVX-512 BF16; unless the
  products are too small to gain.

  Args:
    requested: value of the flag.
    hidden_size: units of the LSTMs, if the model has any.
  """
  if requested != "auto":
    return requested
  if hidden_size is not None and hidden_size < _SMALLEST_LSTM:
    return "float32"
  gpus = tf.config.list_physical_devices("GPU")
  has_units = all(map(_gpu_has_units, gpus)) if gpus else _processor_has_units()
  return "bfloat16" if has_units else "float32"


def policy(requested: str, hidden_size: int | None = None) -> str:
  """The Keras dtype policy of a requested precision; see `resolve`."""
  return POLICIES[resolve(requested, hidden_size)]


def _gpu_has_units(gpu: tf.config.PhysicalDevice) -> bool:
  capability = tf.config.experimental.get_device_details(gpu).get("compute_capability")
  return capability is not None and capability >= _BFLOAT16_CAPABILITY


def _processor_has_units() -> bool:
  """Asked of Linux; other systems count as without."""
  try:
    text = _CPU_FLAGS.read_text(encoding="ascii", errors="replace")
  except OSError:
    return False
  flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
  return any(flag in flags for flag in _BFLOAT16_FLAGS)
