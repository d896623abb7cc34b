"""What an exported image model answers: images in, images and numbers out, all in the graph."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.models import vae
from du_vae_tf.serving import encoding
from du_vae_tf.serving import likelihood

# A grey value above it counts as ink.
THRESHOLD = 0.5


class ImageSignatures(tf.Module):
  """The signatures of an image model.

  Images are float32 [b, side, side, 1]; the model is one of binary images, so values are taken as
  0 or 1 by whether they exceed 0.5.

  Args:
    model: with its weights; evaluation mode throughout.
    side: height and width of its images.
  """

  def __init__(self, model: vae.VAE, side: int):
    super().__init__()
    self._model = model
    self._weights = [variable.value for variable in model.variables]
    self._side = side
    image = tf.TensorSpec([None, side, side, 1], tf.float32, name="image")
    seed = tf.TensorSpec([None], tf.int64, name="seed")
    self._functions = {
        "encode": tf.function(self.encode, input_signature=[image]),
        "reconstruct": tf.function(self.reconstruct, input_signature=[image, seed]),
        "generate": tf.function(self.generate, input_signature=[seed]),
        "log_likelihood": tf.function(self.log_likelihood, input_signature=[image, seed])}

  @property
  def signatures(self) -> Mapping[str, Any]:
    """The functions by the names of the signatures."""
    return self._functions

  def encode(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
    """Posterior of each image; see `encoding.encode`."""
    return encoding.encode(self._model, _batch(image))

  def reconstruct(self, image: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """An image drawn from p(x | z) at the center z of the posterior; `generate` has the results.

    The result depends on the image and its seed alone, not on the rest of the batch.
    """
    return self._draw(self._model.posterior(_batch(image)).center, seed)

  def generate(self, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """An image drawn from the model, one for each seed [b].

    Returns:
      `image`: 0 or 1; `probabilities`: of each pixel to be 1, given z and the pixels drawn before
      it; float32 [b, side, side, 1].
    """
    z = seeds.row_normals(seed, "generate", tf.zeros_like(seed), [self._model.latent_dim])
    return self._draw(z, seed)

  def log_likelihood(self, image: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """Importance-weighted log p(x), nats: `log_likelihood`, float32 [b].

    The value depends on the image and its seed alone, not on the rest of the batch.
    """
    return {"log_likelihood": likelihood.log_likelihood(self._model, _batch(image), seed)}

  def _draw(self, z: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    uniform = seeds.row_uniforms(seed, "pixels", tf.zeros_like(seed), [self._side, self._side])
    image, logits = self._model.decoder.sample(z, uniform)
    return {"image": image, "probabilities": tf.sigmoid(logits)}


def _batch(image: tf.Tensor) -> dict[str, tf.Tensor]:
  return {"image": tf.cast(image > THRESHOLD, tf.float32)}
