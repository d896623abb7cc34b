"""Files of TensorBoard's embedding projector: representations, and the examples they stand for."""

import math
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorboard.plugins import projector
from tensorboard.plugins.projector import metadata

from du_vae_tf import files

# The projector stays quick with so many; their images, of 64 pixels a side at most, fill a sprite
# sheet of 4096 pixels a side, which every browser takes.
MOST_EXAMPLES = 4096

_FOLDER = "projector"


def write(folder: pathlib.Path, name: str, representation: np.ndarray,
          columns: Mapping[str, Iterable[Any]], images: np.ndarray | None = None) -> None:
  """Writes representations, a table of what is known of the examples, and their images.

  Args:
    folder: with the event files of the run.
    name: of the representations.
    representation: float [N, m], N <= `MOST_EXAMPLES`.
    columns: N values each, by heading; at least two, as a file of one has no headings.
    images: float [N, side, side, 1] in [0, 1], side <= 64; None where examples are no images.

  Raises:
    ValueError: there are too many examples, or fewer than two columns.
  """
  count, size = representation.shape
  if count > MOST_EXAMPLES:
    raise ValueError(
        f"`representation` must have at most {MOST_EXAMPLES} rows. Received: {count}.")
  if len(columns) < 2:
    raise ValueError(f"`columns` must have at least two. Received: {list(columns)}.")
  config = projector.ProjectorConfig()
  embedding = config.embeddings.add(
      tensor_name=name, tensor_shape=[count, size], tensor_path=f"{_FOLDER}/representations.tsv",
      metadata_path=f"{_FOLDER}/metadata.tsv")
  # Nine digits are all of a float32.
  files.write_text_atomically(folder / embedding.tensor_path, _table(
      [f"{value:.9g}" for value in row] for row in representation.tolist()))
  files.write_text_atomically(folder / embedding.metadata_path, _table(
      [list(columns), *zip(*columns.values(), strict=True)]))
  if images is not None:
    embedding.sprite.image_path = f"{_FOLDER}/sprites.png"
    embedding.sprite.single_image_dim.extend(images.shape[1:3])
    files.write_bytes_atomically(folder / embedding.sprite.image_path, sprite_sheet(images))
  # Last: it names the others.
  files.write_text_atomically(
      folder / metadata.PROJECTOR_FILENAME, text_format.MessageToString(config))


def sprite_sheet(images: np.ndarray) -> bytes:
  """Images row by row in a square, each in a place of its own size, as PNG; ink is black.

  Args:
    images: float [N, side, side, 1] in [0, 1], 1 is ink.
  """
  count, side = images.shape[:2]
  places = math.ceil(math.sqrt(count))
  sheet = np.full([places * places, side, side], 255, np.uint8)
  sheet[:count] = np.round(255.0 * (1.0 - images[..., 0]))
  square = sheet.reshape(places, places, side, side).transpose(0, 2, 1, 3)
  return tf.io.encode_png(square.reshape(places * side, places * side, 1)).numpy()


def _table(rows: Iterable[Iterable[Any]]) -> str:
  """Cells separated by tabs, a row a line."""
  return "".join("\t".join(map(_cell, row)) + "\n" for row in rows)


def _cell(value: Any) -> str:
  """A value without tabs and line breaks: what is not printable is written as an escape."""
  return "".join(
      character if character.isprintable() else character.encode("unicode_escape").decode()
      for character in str(value))
