"""What a figure was measured on."""

import pathlib
import platform


def processor() -> str:
  """Number of cores, the processor's name and its units for bfloat16; the last two from Linux."""
  try:
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
  except OSError:
    return platform.processor() or platform.machine()
  names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
  flags_line = next((line for line in lines if line.startswith("flags")), "")
  units = [name for name in ("amx_bf16", "avx512_bf16") if name in flags_line.split()]
  return f"{len(names)} x {names[0] if names else 'unknown'} ({', '.join(units) or 'no bfloat16'})"
