"""What an exported image model answers: images in, images and numbers out, all in the graph."""

import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.models import vae
from du_vae_tf.serving import encoding
from du_vae_tf.serving import likelihood
from du_vae_tf.serving import limits as limits_lib
from du_vae_tf.serving import signatures

# A grey value above it counts as ink.
THRESHOLD = 0.5


class ImageSignatures(signatures.Signatures):
  """The signatures of an image model.

  Images are float32 [b, side, side, 1] of numbers in [0, 1]; the model is one of binary images, so
  values are taken as 0 or 1 by whether they exceed 0.5. What is drawn depends on the row and its
  seed alone.

  | signature | inputs | outputs |
  |---|---|---|
  | `encode` | `image` | see `encoding.encode` |
  | `decode` | `z` [b, n], `seed` int64 [b] | `image` drawn given z, 0 or 1; `probabilities` of each
    pixel to be 1, given z and the pixels drawn before it |
  | `reconstruct` | `image`, `seed` | `decode` of the center |
  | `interpolate` | `start`, `end`, `weight` [b], `seed` | `decode` between the centers |
  | `generate` | `seed` | `decode` of z from the prior |
  | `log_likelihood` | `image`, `seed` | see `likelihood.log_likelihood` |

  Args:
    model: with its weights; evaluation mode throughout.
    side: height and width of its images.
    limits: of a request.
  """

  def __init__(self, model: vae.VAE, side: int, limits: limits_lib.Limits):
    super().__init__(model, limits.max_rows)
    self._side = side
    image, start, end = (
        signatures.Input(
            tf.TensorSpec([None, side, side, 1], tf.float32, name=name),
            signatures.unit_interval(name)) for name in ("image", "start", "end"))

    # Functions of their own: each is traced once for all signatures that call it.
    @tf.function(input_signature=[image.spec], autograph=False)
    def encode(image: tf.Tensor) -> dict[str, tf.Tensor]:
      return encoding.encode(model, _batch(image))

    @tf.function(input_signature=[self._z.spec, self._seed.spec], autograph=False)
    def decode(z: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
      uniform = seeds.row_uniforms(seed, "pixels", tf.zeros_like(seed), [side, side])
      drawn, logits = model.decoder.sample(z, uniform)
      return {"image": drawn, "probabilities": tf.sigmoid(logits)}

    def center(image: tf.Tensor) -> tf.Tensor:
      return encode(image)["center"]

    self._add("encode", encode, image)
    self._add("decode", decode, self._z, self._seed)
    self._add("reconstruct", lambda image, seed: decode(center(image), seed), image, self._seed)
    self._add(
        "interpolate", lambda start, end, weight, seed: decode(
            encoding.between(center(start), center(end), weight), seed),
        start, end, self._weight, self._seed)
    self._add("generate", lambda seed: decode(self._prior(seed), seed), self._seed)
    self._add(
        "log_likelihood", lambda image, seed: likelihood.log_likelihood(
            model, _batch(image), seed), image, self._seed)


def _batch(image: tf.Tensor) -> dict[str, tf.Tensor]:
  return {"image": tf.cast(image > THRESHOLD, tf.float32)}
