"""Pictures of what a model of images has learnt: prior samples, reconstructions, interpolations."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import files
from du_vae_tf import seeds
from du_vae_tf.data import image_splits
from du_vae_tf.models import vae
from du_vae_tf.training import run_folder

# Epochs between two sets of pictures.
EVERY = 5

_PRIOR_SAMPLES = 64
_RECONSTRUCTIONS = 16
_INTERPOLATIONS, _STEPS = 4, 10
_COLUMNS = 8
_SCALE, _GAP, _GAP_GREY = 3, 2, 96


class Pictures:
  """Draws always the same things, so that epochs can be compared.

  Latent vectors of the prior, uniform draws of the pixels and validation images are fixed by the
  seed; a row of interpolations shares the draws of its pixels, so that it differs by z alone.

  Args:
    model: of images, built, in float32.
    valid: the split whose first images are shown.
    seed: of the run.
  """

  def __init__(self, model: vae.VAE, valid: image_splits.ImageSplit, seed: int):
    self._model = model
    count = max(_RECONSTRUCTIONS, 2 * _INTERPOLATIONS)
    self._inputs = np.asarray(valid.images[np.arange(count) % valid.num_examples])
    self._prior = tf.random.stateless_normal(
        [_PRIOR_SAMPLES, model.latent_dim], seeds.stateless_seed(seed, "picture_latents"))
    uniform = tf.random.stateless_uniform(
        [_PRIOR_SAMPLES + _RECONSTRUCTIONS + _INTERPOLATIONS, valid.side, valid.side],
        seeds.stateless_seed(seed, "picture_pixels"))
    own, shared = tf.split(uniform, [_PRIOR_SAMPLES + _RECONSTRUCTIONS, _INTERPOLATIONS])
    self._uniform = tf.concat([own, tf.repeat(shared, _STEPS, axis=0)], axis=0)

  def take_weights(self, model: keras.Model) -> None:
    """Takes over the weights of a model of the same networks."""
    self._model.set_weights(model.get_weights())

  def draw(self) -> dict[str, np.ndarray]:
    """The pictures by name, uint8 [height, width, 1], ink white."""
    images = self._sample(tf.constant(self._inputs)).numpy()
    prior, reconstructions, between = np.split(
        images, [_PRIOR_SAMPLES, _PRIOR_SAMPLES + _RECONSTRUCTIONS])
    pairs = np.stack([self._inputs[:_RECONSTRUCTIONS], reconstructions], axis=1)
    ends = self._inputs[:2 * _INTERPOLATIONS].reshape(_INTERPOLATIONS, 2, *images.shape[1:])
    rows = np.concatenate(
        [ends[:, :1], between.reshape(_INTERPOLATIONS, _STEPS, *images.shape[1:]), ends[:, 1:]],
        axis=1)
    return {
        "prior_samples": grid(prior, _COLUMNS),
        "reconstructions": grid(pairs.reshape(-1, *images.shape[1:]), _COLUMNS),
        "interpolations": grid(rows.reshape(-1, *images.shape[1:]), _STEPS + 2)}

  @tf.function
  def _sample(self, inputs: tf.Tensor) -> tf.Tensor:
    """Images from the prior, from centers of posteriors, and from between pairs of these."""
    centers = self._model.posterior({"image": inputs}).center
    first, last = tf.unstack(tf.reshape(
        centers[:2 * _INTERPOLATIONS], [_INTERPOLATIONS, 2, self._model.latent_dim]), axis=1)
    between = tf.linspace(first, last, _STEPS, axis=1)
    z = tf.concat([
        self._prior, centers[:_RECONSTRUCTIONS],
        tf.reshape(between, [-1, self._model.latent_dim])], axis=0)
    image, _ = self._model.decoder.sample(z, self._uniform)
    return image


class PictureWriter:
  """Writes pictures to `samples/` and to TensorBoard.

  Args:
    pictures: what is drawn.
    folder: of the run.
  """

  def __init__(self, pictures: Pictures, folder: run_folder.RunFolder):
    self._pictures = pictures
    self._folder = folder
    self._summaries = tf.summary.create_file_writer(str(folder.tensorboard))

  def write(self, prefix: str, tag: str, step: int) -> None:
    """Draws and writes all pictures.

    Args:
      prefix: of the names of the files.
      tag: heading in TensorBoard.
      step: the epoch in TensorBoard.
    """
    with self._summaries.as_default(step=step):
      for name, picture in self._pictures.draw().items():
        content = tf.io.encode_png(picture).numpy()
        files.write_bytes_atomically(self._folder.samples / f"{prefix}{name}.png", content)
        tf.summary.image(f"{tag}/{name}", picture[np.newaxis])
    self._summaries.flush()


class PictureSummaries(keras.callbacks.Callback):
  """Writes the pictures every few epochs.

  Args:
    pictures: what is drawn.
    trained: the model in training, whose weights are taken over.
    folder: of the run.
  """

  def __init__(self, pictures: Pictures, trained: keras.Model, folder: run_folder.RunFolder):
    super().__init__()
    self._pictures = pictures
    self._trained = trained
    self._writer = PictureWriter(pictures, folder)

  def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
    """Writes `samples/epoch-<number>-<name>.png`."""
    del logs
    if (epoch + 1) % EVERY == 0:
      self._pictures.take_weights(self._trained)
      self._writer.write(f"epoch-{epoch + 1:04d}-", "samples", epoch + 1)


def grid(images: np.ndarray, columns: int) -> np.ndarray:
  """Images side by side, enlarged, with grey gaps between them.

  Args:
    images: float [n, h, w, 1] in [0, 1].
    columns: images in a row.

  Returns:
    uint8 [height, width, 1].
  """
  rows = -(-len(images) // columns)
  height, width = (_SCALE * size + _GAP for size in images.shape[1:3])
  canvas = np.full((rows * height + _GAP, columns * width + _GAP, 1), _GAP_GREY, np.uint8)
  for number, image in enumerate(np.round(255 * images).astype(np.uint8)):
    top, left = (_GAP + place * size for place, size in zip(
        divmod(number, columns), (height, width), strict=True))
    canvas[top:top + height - _GAP, left:left + width - _GAP] = (
        image.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1))
  return canvas
