"""What the benchmarks share: flags, memory and how figures are shown. Linux only."""

import json
import pathlib
import resource
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import files

JSON_FLAG = "json_out"


def flag(name: str, default: Any, kind: type, text: str,
         choices: tuple[str, ...] = ()) -> command_line.Flag:
  """A flag of a benchmark."""
  return command_line.Flag(
      name=name, type=kind, default=default, group="Benchmark", text=text, choices=choices)


def json_flag() -> command_line.Flag:
  """The flag that every benchmark has."""
  return flag(JSON_FLAG, None, str, "File for the figures.")


def text_flags() -> list[command_line.Flag]:
  """The sizes of the paper's text model."""
  return [
      flag("vocab_size", 20_001, int, "Words of the vocabulary, special ones included."),
      flag("hidden_size", 1024, int, "LSTM units of encoder and decoder."),
      flag("embedding_size", 512, int, "Word embedding dimensions."),
      flag("latent_dim", 32, int, "Latent dimensions.")]


def image_flags() -> list[command_line.Flag]:
  """The sizes of the paper's image model."""
  return [
      flag("side", 28, int, "Height and width of an image."),
      flag("latent_dim", 32, int, "Latent dimensions."),
      flag("decoder", "pixel_cnn", str, "Network that gives p(x | z).",
           ("pixel_cnn", "gated_pixel_cnn"))]


def split(explicit: Mapping[str, Any],
          *groups: Sequence[command_line.Flag]) -> list[dict[str, Any]]:
  """The values of groups of flags, from what was given and the defaults."""
  return [{spec.name: explicit.get(spec.name, spec.default) for spec in group}
          for group in groups]


def without(sizes: Mapping[str, Any], *names: str) -> dict[str, Any]:
  """The other sizes."""
  return {name: value for name, value in sizes.items() if name not in names}


def peer_image_sizes(sizes: Mapping[str, Any], *others: str) -> dict[str, Any] | None:
  """What the peer is given of the sizes of work on images; None where it lacks the network."""
  if sizes["decoder"] != "pixel_cnn":
    return None
  return without(sizes, "decoder", "method", *others)


def resident_bytes() -> int:
  """Memory of this process now."""
  with open("/proc/self/statm", encoding="ascii") as statm:
    return int(statm.read().split()[1]) * resource.getpagesize()


def peak_bytes() -> int:
  """The most memory that this program ever had.

  Not `ru_maxrss`, which begins at the memory of the process that started this one.
  """
  return _status("VmHWM")


def own_bytes() -> int:
  """Memory of this process now, without the pages of files that it has mapped."""
  return _status("RssAnon")


def _status(name: str) -> int:
  with open("/proc/self/status", encoding="ascii") as status:
    lines = dict(line.split(":", 1) for line in status)
  return int(lines[name].split()[0]) * 1024


def run_in_folder(
    measure: Callable[[pathlib.Path, dict[str, Any]], Mapping[str, Any]],
    specs: Sequence[command_line.Flag], usage: str) -> None:
  """Runs a benchmark that works in a folder of its own and gives all of its figures at once."""

  def main(explicit: dict[str, Any]) -> None:
    sizes, = split(explicit, specs)
    json_out = sizes.pop(JSON_FLAG)
    with tempfile.TemporaryDirectory() as folder:
      show(sizes | dict(measure(pathlib.Path(folder), sizes)), json_out)

  command_line.run(main, specs, usage)


def show(figures: Mapping[str, Any], json_out: str | None) -> None:
  """Prints the figures, and writes them to a file if one is named."""
  for name, value in figures.items():
    if isinstance(value, list):  # For the file alone.
      continue
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    console.say(f"  {name:<24}{shown:>16}")
  if json_out is not None:
    files.write_text_atomically(json_out, json.dumps(dict(figures), indent=2) + "\n")
