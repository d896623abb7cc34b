"""What an export says about its latent space and its limits: `assets.extra/latent_map.json`."""

import dataclasses
import pathlib
from typing import Any

from du_vae_tf import errors
from du_vae_tf import json_files

_NAME = "assets.extra/latent_map.json"
# It grows with the dimensions of the latent space, and with the examples.
_LARGEST_BYTES = 2**26
_KEYS = frozenset({"modality", "examples", "points", "labels", "mean", "axes"})
_MODALITIES = ("text", "image")


@dataclasses.dataclass
class _Lists:
  """What the file has in lists: sentences or images, and points of a plane."""

  examples: list[Any]
  points: list[list[float]]


def read(version: pathlib.Path) -> dict[str, Any] | None:
  """The content of the file beside a SavedModel; None where the SavedModel came without.

  Args:
    version: folder of the SavedModel.

  Raises:
    errors.UserError: the file is damaged.
  """
  path = version / _NAME
  if not path.exists():
    return None
  try:
    content = json_files.read_object(path, _LARGEST_BYTES)
    if not _KEYS <= content.keys():
      raise ValueError(f"it must have {', '.join(sorted(_KEYS))}")
    if content["modality"] not in _MODALITIES:
      raise ValueError(f"its modality is {content['modality']!r}")
    json_files.check_fields(_Lists, {name: content[name] for name in ("examples", "points")})
    return content
  except (OSError, ValueError) as error:
    raise errors.UserError(
        f"{path}: cannot be read as the map of a latent space ({error}); export the model again."
    ) from None
