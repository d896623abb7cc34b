"""DU-VAE and its baselines for text and images.

`load_run` reads a trained run, `VAE` is a Keras model to train with own data. Nothing slow is
imported before one of the names is used, so that the commands answer at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["DivergedError", "Encoding", "TrainedRun", "UserError", "VAE", "load_run"]

if TYPE_CHECKING:
  from du_vae_tf import errors
  from du_vae_tf import library
  from du_vae_tf.analysis import representations

  DivergedError = errors.DivergedError
  Encoding = representations.Encoding
  TrainedRun = library.TrainedRun
  UserError = errors.UserError
  VAE = library.VAE
  load_run = library.load_run
else:
  _MODULES = {
      "DivergedError": "errors", "Encoding": "analysis.representations", "TrainedRun": "library",
      "UserError": "errors", "VAE": "library", "load_run": "library"}

  def __getattr__(name: str) -> Any:
    """A public name, at its first use; a package that is missing or of another version is named."""
    if name not in _MODULES:
      raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from du_vae_tf import versions

    if _MODULES[name] != "errors":
      versions.check()
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value

  def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
