"""Whether the packages that must hold together are there, at the versions that are wanted.

Light on purpose: it answers before TensorFlow is imported. The versions stand in setup.cfg, which
an installed package has as its metadata.
"""

import configparser
import importlib.metadata
import operator
import pathlib
import re
import sys

from du_vae_tf import errors

# Of all requirements those whose other versions are known to break.
CHECKED = (
    "tensorflow", "keras", "tensorflow-probability", "tf-keras", "tensorflow-datasets")

_NAME = "du_vae_tf"
# There in a source tree and under Bazel.
_SETTINGS = pathlib.Path(__file__).parent.parent / "setup.cfg"
_PIN = re.compile(r"([\w.-]+)==([\w.]+)")
_BOUND = re.compile(r"(>=|<)(\d+)\.(\d+)")
_COMPARISONS = {">=": operator.ge, "<": operator.lt}


def wanted() -> tuple[str, dict[str, str]]:
  """The versions of Python, and of the packages that are pinned, by their names.

  Both are empty if the code lies without setup.cfg and is not installed either.
  """
  settings = configparser.ConfigParser()
  settings.read(_SETTINGS, encoding="utf-8")
  if settings.get("metadata", "name", fallback=None) == _NAME:
    python = settings["options"]["python_requires"]
    requirements = settings["options"]["install_requires"].splitlines()
  else:
    try:
      metadata = importlib.metadata.metadata(_NAME)
    except importlib.metadata.PackageNotFoundError:
      return "", {}
    python = metadata["Requires-Python"]
    requirements = metadata.get_all("Requires-Dist") or []
  return python, dict(_PIN.findall("\n".join(requirements)))


def check() -> None:
  """Says what is missing or of another version, and how to mend it.

  Raises:
    errors.UserError: there is something.
  """
  python, pins = wanted()
  running = sys.version_info[:2]
  for comparison, major, minor in _BOUND.findall(python):
    if not _COMPARISONS[comparison](running, (int(major), int(minor))):
      raise errors.UserError(
          f"this is Python {running[0]}.{running[1]} and {python} is needed: make a virtual"
          " environment with such a one and run pip install there.")
  faults = {name: found for name in CHECKED
            if name in pins and (found := _found(name)) != pins[name]}
  if faults:
    said = "; ".join(
        f"{name} {f'{found} is installed' if found else 'is missing'} and {pins[name]} is needed"
        for name, found in faults.items())
    raise errors.UserError(
        f"{said}: pip install {' '.join(f'{name}=={pins[name]}' for name in faults)}")


def _found(name: str) -> str | None:
  """The installed version of a package, without what a builder has added to it."""
  try:
    return importlib.metadata.version(name).partition("+")[0]
  except importlib.metadata.PackageNotFoundError:
    return None
