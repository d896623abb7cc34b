"""What an export says about its latent space and its limits: `assets.extra/latent_map.json`."""

import json
import pathlib
from typing import Any

from du_vae_tf import errors

_NAME = "assets.extra/latent_map.json"
_KEYS = frozenset({"modality", "examples", "points", "labels", "mean", "axes"})
_MODALITIES = ("text", "image")


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
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not _KEYS <= content.keys():
      raise ValueError(f"it must have {', '.join(sorted(_KEYS))}")
    if content["modality"] not in _MODALITIES:
      raise ValueError(f"its modality is {content['modality']!r}")
    return content
  except (OSError, ValueError) as error:
    raise errors.UserError(
        f"{path}: cannot be read as the map of a latent space ({error}); export the model again."
    ) from None
