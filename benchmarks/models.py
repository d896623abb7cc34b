"""Freshly made models of the paper's sizes, for the benchmarks."""

from collections.abc import Mapping
from typing import Any

from du_vae_tf import config as config_lib
from du_vae_tf.models import builders
from du_vae_tf.models import vae


def text_config(sizes: Mapping[str, Any], **settings: Any) -> config_lib.RunConfig:
  """The configuration of a run on text with the sizes of `measuring.text_flags`."""
  names = ("hidden_size", "embedding_size", "latent_dim")
  return config_lib.resolve(
      {"dataset": "yahoo"} | {name: sizes[name] for name in names} | settings, {})


def text(sizes: Mapping[str, Any], policy: str) -> vae.VAE:
  """A model of text."""
  return builders.build_model(text_config(sizes), {"vocab_size": sizes["vocab_size"]}, policy)


def image_config(sizes: Mapping[str, Any], **settings: Any) -> config_lib.RunConfig:
  """The configuration of a run on images with the sizes of `measuring.image_flags`."""
  names = ("latent_dim", "decoder")
  return config_lib.resolve(
      {"dataset": "omniglot", "learning_rate": 1e-3} | {name: sizes[name] for name in names}
      | settings, {})


def image(sizes: Mapping[str, Any], policy: str) -> vae.VAE:
  """A model of images."""
  return builders.build_model(image_config(sizes), {"side": sizes["side"]}, policy)
