"""The variational autoencoder: encoder, normalization of means, variance dropout, decoder."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from du_vae_tf.layers import mean_normalization
from du_vae_tf.layers import variance_dropout as variance_dropout_lib
from du_vae_tf.models.decoders import lstm as lstm_decoder
from du_vae_tf.models.encoders import lstm as lstm_encoder
from du_vae_tf.posteriors import gaussian

Batch = Mapping[str, tf.Tensor]


class VAE(keras.Model):
  """A text VAE with prior N(0, 1) and a Gaussian posterior.

  A batch is a mapping with `ids` int32 [b, t] (start symbol, words, end symbol, padding on the
  right) and `length` int32 [b] (tokens, start and end symbol included); other entries are
  ignored. b may be 0. Randomness is given by the caller, so the model has no hidden state but the
  running moments of its normalization.

  The encoder's log-variance s is clipped to [-20, 10]. With `variance_dropout` the variance is
  exp(s) plus a floor, dropped to the floor in training; without, it is exp(s).

  Args:
    encoder: gives mean and log-variance.
    decoder: gives log p(x | z).
    normalization: of the means, or None.
    variance_dropout: floor and dropout of the variances, or None.
  """

  def __init__(
      self, encoder: lstm_encoder.LSTMEncoder, decoder: lstm_decoder.LSTMDecoder,
      normalization: mean_normalization.MeanNormalization | None = None,
      variance_dropout: variance_dropout_lib.VarianceDropout | None = None,
      **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.encoder = encoder
    self.decoder = decoder
    self.normalization = normalization
    self.variance_dropout = variance_dropout

  @property
  def latent_dim(self) -> int:
    """Number of latent dimensions n."""
    return self.encoder.latent_dim

  def build(self, input_shape: Any = None) -> None:
    """Creates all weights; the shape of a batch is the same for all models and not needed."""
    del input_shape
    self.encoder.build((None, None))
    self.decoder.build((None, self.latent_dim))
    for layer in (self.normalization, self.variance_dropout):
      if layer is not None:
        layer.build((None, self.latent_dim))
    self.built = True

  def posterior(self, batch: Batch, training: bool = False, active: bool | tf.Tensor = True,
                variance_uniform: tf.Tensor | None = None) -> gaussian.GaussianPosterior:
    """q(z | x).

    Args:
      batch: see the class.
      training: whether means are normalized by the moments of the batch and variances dropped.
      active: whether variances have their floor and, in training, their dropout; no effect
        without `variance_dropout`.
      variance_uniform: float tensor [b, n] of draws from [0, 1) for the variance dropout; needed
        in training if its keep_prob < 1.

    Returns:
      the posterior, batch shape [b].
    """
    ids, length = _ids_and_length(batch)
    mean, log_variance = self.encoder(ids, length)
    if self.normalization is not None:
      mean = self.normalization(mean, training=training)
    variance = tf.exp(tf.clip_by_value(
        log_variance, lstm_encoder.MIN_LOG_VARIANCE, lstm_encoder.MAX_LOG_VARIANCE))
    if self.variance_dropout is not None:
      variance = self.variance_dropout(
          variance, uniform=variance_uniform, active=active, training=training)
    return gaussian.GaussianPosterior(mean, variance)

  def terms(self, batch: Batch, noise: tf.Tensor, *, training: bool = False,
            active: bool | tf.Tensor = True, variance_uniform: tf.Tensor | None = None,
            dropout_seed: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
    """The terms of the evidence lower bound with one sample per example.

    Args:
      batch: see the class.
      noise: standard normal float tensor [b, n].
      training: see `posterior`; also whether the decoder drops.
      active: see `posterior`.
      variance_uniform: see `posterior`.
      dropout_seed: int32 tensor [2] for the decoder's dropout; needed in training.

    Returns:
      `reconstruction` [b]: -log p(x | z), nats; `kl` [b] and `kl_per_dimension` [b, n]: KL to the
      prior in closed form, nats; `mean` and `variance` [b, n] of the posterior, `sample` [b, n]: z;
      `tokens` int32 [b]: predicted tokens, the end symbol included.
    """
    ids, length = _ids_and_length(batch)
    posterior = self.posterior(batch, training, active, variance_uniform)
    z, _ = posterior.sample_and_log_prob(noise)
    log_likelihood = self.decoder(
        z, ids, length, training=training, dropout_seed=dropout_seed)
    return {
        "reconstruction": -log_likelihood, "kl": posterior.kl(),
        "kl_per_dimension": posterior.kl_per_dimension(), "mean": posterior.mean,
        "variance": posterior.variance, "sample": z, "tokens": length - 1}

  def log_weights(self, batch: Batch, noise: tf.Tensor) -> tf.Tensor:
    """log p(x | z) + log p(z) - log q(z | x) in evaluation mode.

    Source: Burda et al. 2016; the log of the mean of the weights is the importance-weighted bound.

    Args:
      batch: see the class.
      noise: standard normal float tensor [s, b, n].

    Returns:
      float32 [s, b], nats.
    """
    ids, length = _ids_and_length(batch)
    z, log_posterior = self.posterior(batch).sample_and_log_prob(noise)
    log_prior = gaussian.standard_normal(self.latent_dim).log_prob(z)
    return self.decoder.sample_log_likelihood(z, ids, length) + log_prior - log_posterior

  def greedy(self, z: tf.Tensor, max_length: int | tf.Tensor) -> tf.Tensor:
    """The likeliest token at every step, for z [b, n]: int32 [b, t], t <= max_length.

    Words, the end symbol if it was reached, padding.
    """
    return self.decoder.greedy(z, max_length)

  def call(self, batch: Batch, training: bool = False) -> dict[str, tf.Tensor]:
    """`mean` and `variance` [b, n] of the posterior, without variance dropout."""
    ids, length = _ids_and_length(batch)
    del training
    posterior = self.posterior({"ids": ids, "length": length})
    return {"mean": posterior.mean, "variance": posterior.variance}


def _ids_and_length(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
  """The tokens, padded to at least two positions.

  A replica that receives no row gets ids of shape [0, 0]; start and end symbol are two positions.
  """
  ids = batch["ids"]
  missing = tf.maximum(0, 2 - tf.shape(ids)[1])
  return tf.pad(ids, [[0, 0], [0, missing]]), batch["length"]
