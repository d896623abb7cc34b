"""All pictures of latent spaces that fit their number of dimensions."""

import pathlib
from collections.abc import Mapping

from du_vae_tf.analysis import dimension_bars
from du_vae_tf.analysis import latent_maps
from du_vae_tf.analysis import projections
from du_vae_tf.analysis import representations

# Two samples have no density in the plane.
_LEAST_EXAMPLES = 3


def draw(runs: Mapping[str, representations.Encoded], folder: pathlib.Path, *, synthetic: bool,
         seed: int, quick: bool = False) -> list[pathlib.Path]:
  """Bars of the dimensions; maps of two-dimensional spaces, projections of larger ones.

  Args:
    runs: their examples, by title.
    folder: of the files.
    synthetic: see `latent_maps.draw`.
    seed: of all that is random.
    quick: see `projections.views`.

  Returns:
    The files.
  """
  flat = {title: one for title, one in runs.items()
          if one.mean.shape[1] == 2 and len(one.mean) >= _LEAST_EXAMPLES}
  deep = {title: one for title, one in runs.items() if one.mean.shape[1] > 2}
  written = dimension_bars.draw(runs, folder / "latent_dimensions")
  if flat:
    written += latent_maps.draw(flat, folder / "latent_map", synthetic=synthetic, seed=seed)
  if deep:
    written += projections.draw(deep, folder / "latent_projections", seed, quick)
  return written
