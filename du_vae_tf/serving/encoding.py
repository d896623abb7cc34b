"""What exported models answer about the posterior of an example."""

from collections.abc import Mapping

import tensorflow as tf

from du_vae_tf.models import vae


def encode(model: vae.VAE, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
  """The posterior of each of b examples.

  Returns:
    `mean` and `variance`, float32 [b, n]: of the Gaussian posterior, or of the Gaussian before the
    flow; `representation`: what other tasks take for the example, float32: the mean [b, n], or with
    a flow that mean and what the flow makes of it [b, 2 n]; `center`, float32 [b, n]: the z that
    stands for the example, the mean or what the flow makes of it.
  """
  posterior = model.posterior(batch)
  return {"mean": posterior.mean, "variance": posterior.variance,
          "representation": posterior.representation(), "center": posterior.center}


def between(start: tf.Tensor, end: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
  """The points [b, n] on the lines from `start` to `end` [b, n]; `weight` [b] 0 is the start."""
  weight = weight[:, tf.newaxis]
  return (1.0 - weight) * start + weight * end
