"""From the configuration of a run to its model."""

from typing import cast

from du_vae_tf import config as config_lib
from du_vae_tf.layers import mean_normalization
from du_vae_tf.layers import variance_dropout
from du_vae_tf.models import vae
from du_vae_tf.models.decoders import lstm as lstm_decoder
from du_vae_tf.models.encoders import lstm as lstm_encoder


def build_model(config: config_lib.RunConfig, vocab_size: int) -> vae.VAE:
  """The model of a run, with all its weights.

  Args:
    config: the resolved configuration.
    vocab_size: number of token ids, the special ones included.
  """
  method, fidelity = config.method_row, config.fidelity_row
  normalized = method.normalization != "none"
  initialization = (
      fidelity.normalized_encoder_initialization if normalized else "small_uniform")
  # The method's row gives these two a value where the method uses them.
  gamma, keep_prob = cast(float, config.gamma), cast(float, config.keep_prob)
  encoder = lstm_encoder.LSTMEncoder(
      vocab_size, config.latent_dim, config.embedding_size, config.hidden_size,
      initialization=initialization, seed=config.seed, name="encoder")
  decoder = lstm_decoder.LSTMDecoder(
      vocab_size, config.latent_dim, config.embedding_size, config.hidden_size,
      seed=config.seed, name="decoder")
  model = vae.VAE(
      encoder, decoder,
      mean_normalization.MeanNormalization(
          gamma, projected=method.normalization == "projected_scale",
          epsilon=fidelity.normalization_epsilon, name="mean_normalization")
      if normalized else None,
      variance_dropout.VarianceDropout(keep_prob, name="variance_dropout")
      if method.variance_dropout else None,
      name="vae")
  model.build()
  return model
