"""Images in and out of a trained model, and what was generated as picture grids."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import PIL.Image
import tensorflow as tf

from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import seeds
from du_vae_tf.analysis import generation
from du_vae_tf.analysis import image_grids
from du_vae_tf.analysis import word_choice
from du_vae_tf.data import image_batching
from du_vae_tf.data import image_splits
from du_vae_tf.data import in_memory
from du_vae_tf.models import vae
from du_vae_tf.training import loop

_THRESHOLD = 0.5
_COLUMNS = 10


class ImageMedium:
  """Images float32 [side, side, 1] of 0 and 1; see `codec.Medium`.

  Args:
    model: of images, with its weights, in float32.
    side: height and width of its images.
  """

  def __init__(self, model: vae.VAE, side: int):
    self._side = side

    @tf.function(input_signature=(tf.TensorSpec([None, model.latent_dim], tf.float32),
                                  tf.TensorSpec([None], tf.int64)), autograph=False)
    def draw(z: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
      uniform = seeds.row_uniforms(seed, "pixels", tf.zeros_like(seed), [side, side])
      return model.decoder.sample(z, uniform)[0]

    self._draw = draw

  def given(self, value: str, flag: str) -> np.ndarray:
    """The picture in a file: grey, light is ink, of the side of the model's images."""
    try:
      with PIL.Image.open(value) as picture:
        grey = np.asarray(picture.convert("L"), np.float32) / 255.0
    except (OSError, ValueError) as error:
      raise errors.UserError(f"{flag}={value}: not a picture that can be read ({error}).") from None
    if grey.shape != (self._side, self._side):
      raise errors.UserError(
          f"{flag}={value}: has {grey.shape[1]} x {grey.shape[0]} pixels; the model takes"
          f" {self._side} x {self._side}.")
    return _inked(grey[..., np.newaxis])

  def items(self, values: Any, place: str) -> list[np.ndarray]:
    """See `in_memory.images`; grey ones are cut at one half."""
    return list(_inked(in_memory.images(values, place, self._side)))

  def joined(self, items: Sequence[np.ndarray]) -> np.ndarray:
    """One array [b, side, side, 1]."""
    return np.stack(items)

  def dataset(self, items: Sequence[np.ndarray]) -> tf.data.Dataset:
    """Images side by side."""
    return image_batching.evaluation_dataset(
        image_splits.make_split(np.stack(items)), loop.EVALUATION_BATCH)

  def decode(self, z: tf.Tensor, seed: tf.Tensor,
             choice: word_choice.WordChoice) -> list[np.ndarray]:
    """An image drawn from p(x | z) for each z."""
    if choice != word_choice.WordChoice():
      raise errors.UserError(
          f"--decoding={choice.decoding}: has an effect on text only, and this model is of images.")
    return list(self._draw(z, seed).numpy())


def examples(split: image_splits.ImageSplit) -> generation.Examples:
  """The images of a split; grey ones are cut at one half."""
  return generation.Examples(split.labels, lambda row: _inked(np.asarray(split.images[row])))


def _inked(grey: np.ndarray) -> np.ndarray:
  return (grey > _THRESHOLD).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Grid:
  """A picture grid: what stands in its columns, how many images, uint8 [height, width, 1]."""

  columns: list[str]
  images: int
  picture: np.ndarray


def write(generated: generation.Generated, stem: pathlib.Path) -> list[pathlib.Path]:
  """Writes each kind as a picture grid, and what stands in its columns as JSON.

  Args:
    generated: of images.
    stem: of the files.

  Returns:
    The files.
  """
  written, contents = [], {}
  for kind, grid in grids(generated).items():
    written.append(stem.with_name(f"{stem.name}-{kind}.png"))
    files.write_bytes_atomically(written[-1], tf.io.encode_png(grid.picture).numpy())
    contents[kind] = {
        "picture": written[-1].name, "columns": grid.columns, "images": grid.images}
  written.append(stem.with_name(f"{stem.name}.json"))
  files.write_text_atomically(written[-1], json.dumps(contents, indent=2) + "\n")
  return written


def summarize(generated: generation.Generated, heading: str) -> None:
  """Writes each kind as a picture grid to the default summary writer, under a heading."""
  for kind, grid in grids(generated).items():
    tf.summary.image(f"{heading}/{kind}", grid.picture[np.newaxis])


def grids(generated: generation.Generated) -> dict[str, Grid]:
  """What was generated as picture grids, by kind; none of what there is none of."""
  paths = generated.paths
  steps = len(paths[0].steps) if paths else 0
  layouts = {
      "samples": (["sample"] * _COLUMNS, generated.samples),
      "reconstructions": (["source", "decoded"] * (_COLUMNS // 2),
                          [item for pair in generated.reconstructions for item in pair]),
      "paths": (["source", *map(str, range(1, steps + 1)), "target"],
                [item for path in paths for item in (path.source, *path.steps, path.target)]),
      "analogies": (["from", "to", "as from", "to"],
                    [item for one in generated.analogies
                     for item in (one.first, one.second, one.third, one.answer)])}
  return {kind: Grid(columns, len(items), image_grids.draw(np.stack(items), len(columns)))
          for kind, (columns, items) in layouts.items() if items}
