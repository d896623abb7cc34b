"""Looks for bytes that break a reader: `bazel run //benchmarks:fuzz_readers`."""

import importlib
import pathlib
import sys
import tempfile
from typing import Any

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import errors

USAGE = """
Gives a reader of what others have written ever new bytes, guided by the lines that they reach
(atheris, libFuzzer). Whatever is raised but a refusal in one line ends it, and the bytes are kept.

  bazel run //benchmarks:fuzz_readers -- --target=npy --seconds=60
"""

_NAMES = ("text", "vocabulary", "npy", "npz", "mat", "flags", "config", "report", "request")
# Whose lines guide the search.
_GUIDES = ("du_vae_tf", "numpy.lib._format_impl", "numpy.lib._npyio_impl", "scipy.io.matlab")
# MiB of this process, and bytes of an input.
_MEMORY = 2048
_LARGEST_INPUT = 4096

FLAGS = [
    measuring.flag("target", "request", str, "What is given the bytes.", _NAMES),
    measuring.flag("seconds", 60, int, "How long it looks."),
    measuring.flag("crash_dir", ".", str, "Where bytes that end it are kept.")]


def main(explicit: dict[str, Any]) -> None:
  """Fuzzes the reader that the flags name; the process ends with it."""
  values = command_line.values_of(FLAGS, explicit)
  if values["seconds"] < 1:
    raise errors.UserError(f"--seconds={values['seconds']}: must be at least 1.")
  try:
    import atheris
  except ImportError:
    raise errors.UserError("atheris is not installed; install it: pip install atheris.") from None

  # What is imported already has no instruments; it is imported anew.
  for name in [name for name in sys.modules if name.split(".")[0] == "du_vae_tf"]:
    del sys.modules[name]
  with atheris.instrument_imports(include=list(_GUIDES)):
    fuzz_targets = importlib.import_module("benchmarks.fuzz_targets")
  target = fuzz_targets.TARGETS[values["target"]]
  with tempfile.TemporaryDirectory() as name:
    corpus, folder = pathlib.Path(name, "corpus"), pathlib.Path(name, "folder")
    for path in (corpus, folder):
      path.mkdir()
    for number, seed in enumerate(target.seeds):
      (corpus / str(number)).write_bytes(seed)
    atheris.Setup(
        [sys.argv[0], f"-max_total_time={values['seconds']}", f"-rss_limit_mb={_MEMORY}",
         f"-max_len={_LARGEST_INPUT}", "-timeout=10", "-print_final_stats=1",
         f"-artifact_prefix={values['crash_dir']}/", str(corpus)],
        lambda content: target.run(content, folder) and None)
    atheris.Fuzz()


def run() -> None:
  """Starts the program."""
  command_line.run(main, FLAGS, USAGE)


if __name__ == "__main__":
  run()
