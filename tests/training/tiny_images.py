"""A model of images so small that its graphs are traced in seconds."""

import contextlib
from collections.abc import Mapping
from unittest import mock

from du_vae_tf import config as config_lib
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from du_vae_tf.models.decoders import pixel_cnn

SIDE, LATENT_DIM = 8, 3


def make_config(**changes: object) -> config_lib.RunConfig:
  """The configuration of a run on own images."""
  values = {"dataset": "images", "train_file": "train.npz", "latent_dim": LATENT_DIM,
            "learning_rate": 0.001, "seed": 3}
  return config_lib.resolve(values | changes, {})


def thin_decoder() -> contextlib.AbstractContextManager[object]:
  """Makes every `PixelCNNDecoder` of a run one of four thin layers."""

  def create(given: config_lib.RunConfig, sizes: Mapping[str, int],
             **kwargs: object) -> pixel_cnn.PixelCNNDecoder:
    return pixel_cnn.PixelCNNDecoder(
        given.latent_dim, sizes["side"], channels=4, kernel_sizes=(5, 3, 3, 3), seed=given.seed,
        name="decoder", **kwargs)

  return mock.patch.object(pixel_cnn.PixelCNNDecoder, "create", create)


def build_model(config: config_lib.RunConfig, policy: str = "float32") -> vae.VAE:
  """What `builders.build_model` makes for images of `SIDE`, with a thin decoder."""
  with thin_decoder():
    return builders.build_model(config, {"side": SIDE}, policy)
