"""The variational autoencoder: encoder, normalization of means, variance dropout, decoder."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import keras
import tensorflow as tf

from du_vae_tf.layers import mean_normalization
from du_vae_tf.layers import variance_dropout as variance_dropout_lib
from du_vae_tf.posteriors import gaussian
from du_vae_tf.posteriors import refinement as refinement_lib

# Of the noise of refinement in evaluation, the same for all examples: so no answer depends on the
# batch that an example comes in.
_REFINEMENT_SEED = (20180, 26)

Batch = Mapping[str, tf.Tensor]


class Encoder(Protocol):
  """What the model asks of the layer that gives q(z | x)."""

  latent_dim: int

  def build(self, inputs_shape: Any) -> None:
    """Creates all weights."""

  def inputs(self, batch: Batch) -> tuple[tf.Tensor, ...]:
    """What of a batch the layer reads."""

  def __call__(self, *inputs: tf.Tensor, training: bool) -> tuple[tf.Tensor, ...]:
    """Mean and what the variance is made from, float32 [b, n] each; context [b, c], if any."""


class Decoder(Protocol):
  """What the model asks of the layer that gives p(x | z)."""

  def build(self, inputs_shape: Any) -> None:
    """Creates all weights."""

  def inputs(self, batch: Batch) -> tuple[tf.Tensor, ...]:
    """What of a batch the layer reads besides z."""

  def tokens(self, batch: Batch) -> tf.Tensor:
    """Predicted symbols of each example, int32 [b]."""

  def __call__(self, z: tf.Tensor, *inputs: tf.Tensor, training: bool,
               dropout_seed: tf.Tensor | None) -> tf.Tensor:
    """log p(x | z) [b] of z [b, n], nats."""

  def shared(self, *inputs: tf.Tensor) -> Any:
    """What of the work on an example is the same for all its samples of z."""

  def sample_log_likelihood(self, z: tf.Tensor, shared: Any) -> tf.Tensor:
    """log p(x | z) [s, b] of z [s, b, n] in evaluation mode, nats."""


class Posterior(Protocol):
  """What the model asks of q(z | x)."""

  mean: tf.Tensor
  variance: tf.Tensor
  distribution: Any

  @property
  def center(self) -> tf.Tensor:
    """The z that stands for an example where one is wanted, [b, n]."""

  def representation(self) -> tf.Tensor:
    """What stands for an example in other tasks, [b, ...]."""

  def sample_and_log_prob(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """z [..., b, n] of standard normal noise, and log q(z | x) [..., b]."""

  def terms(self, noise: tf.Tensor) -> dict[str, tf.Tensor]:
    """`sample` and `kl_per_dimension` [b, n] of noise [s, b, n], and what else the family has."""


class Family(Protocol):
  """What the model asks of a family of posteriors."""

  @property
  def evaluation_samples(self) -> int:
    """Samples of which Monte Carlo estimates in evaluation are the mean."""

  @property
  def networks(self) -> Sequence[Any]:
    """Keras layers of the family, not yet built; each takes z [..., b, n] first."""

  def variance(self, raw: tf.Tensor) -> tf.Tensor:
    """Variances [b, n] from what the encoder gives for them."""

  def posterior(self, mean: tf.Tensor, variance: tf.Tensor, *context: tf.Tensor) -> Posterior:
    """q(z | x)."""


class VAE(keras.Model):
  """A VAE with prior N(0, 1).

  A batch is a mapping. Text has `ids` int32 [b, t] (start symbol, words, end symbol, padding on
  the right) and `length` int32 [b] (tokens, start and end symbol included); images have `image`
  float32 [b, h, w, 1]. Other entries are ignored. b may be 0. Randomness is given by the caller,
  so the model has no hidden state but the running moments of its normalizations.

  The posterior is Gaussian, or what a flow makes of a Gaussian; normalization of means and dropout
  of variances act on the Gaussian. With `variance_dropout` the variance that the family makes of
  the encoder's number has a floor added, and is dropped to the floor in training.

  Args:
    encoder: gives mean, what the variance is made from, and the context of a flow.
    decoder: gives log p(x | z).
    family: of the posteriors.
    normalization: of the means, or None.
    variance_dropout: floor and dropout of the variances, or None.
    refinement: steps on mean and log-variance of a Gaussian posterior, taken in evaluation; in
      training a procedure takes them, and differentiates through them. None: no such steps.
  """

  def __init__(
      self, encoder: Encoder, decoder: Decoder, family: Family,
      normalization: mean_normalization.MeanNormalization | None = None,
      variance_dropout: variance_dropout_lib.VarianceDropout | None = None,
      refinement: refinement_lib.Refinement | None = None, **kwargs: Any) -> None:
    super().__init__(**kwargs)
    self.encoder = encoder
    # What it offers besides the protocol, such as sampling, depends on what it decodes.
    self.decoder: Any = decoder
    self.family = family
    # Named here too, for Keras to find their weights.
    self.flow = list(family.networks)
    self.normalization = normalization
    self.variance_dropout = variance_dropout
    self.refinement = refinement

  @property
  def latent_dim(self) -> int:
    """Number of latent dimensions n."""
    return self.encoder.latent_dim

  def build(self, input_shape: Any = None) -> None:
    """Creates all weights; the networks know the shapes of their inputs."""
    del input_shape
    self.encoder.build(None)
    self.decoder.build((None, self.latent_dim))
    for network in self.flow:
      network.build((None, self.latent_dim))
    for layer in (self.normalization, self.variance_dropout):
      if layer is not None:
        layer.build((None, self.latent_dim))
    self.built = True

  def posterior(self, batch: Batch, training: bool = False, active: bool | tf.Tensor = True,
                variance_uniform: tf.Tensor | None = None) -> Posterior:
    """q(z | x).

    Args:
      batch: see the class.
      training: whether the moments of the batch normalize, and variances are dropped.
      active: whether variances have their floor and, in training, their dropout; no effect
        without `variance_dropout`.
      variance_uniform: float tensor [b, n] of draws from [0, 1) for the variance dropout; needed
        in training if its keep_prob < 1.

    Returns:
      the posterior, batch shape [b].
    """
    mean, raw, *context = self.encoder(*self.encoder.inputs(batch), training=training)
    if self.refinement is not None and not training:
      noise = tf.random.stateless_normal(
          [self.refinement.steps, 1, self.latent_dim], _REFINEMENT_SEED)
      moments, _ = self.refinement.refine(
          self.refinement_loss(batch, 1.0), tf.stack([mean, raw]), noise)
      mean, raw = tf.unstack(moments)
    if self.normalization is not None:
      mean = self.normalization(mean, training=training)
    variance = self.family.variance(raw)
    if self.variance_dropout is not None:
      variance = self.variance_dropout(
          variance, uniform=variance_uniform, active=active, training=training)
    return self.family.posterior(mean, variance, *context)

  def terms(self, batch: Batch, noise: tf.Tensor, *, training: bool = False,
            active: bool | tf.Tensor = True, variance_uniform: tf.Tensor | None = None,
            dropout_seed: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
    """The terms of the evidence lower bound.

    Args:
      batch: see the class.
      noise: standard normal float tensor [b, n], or [s, b, n]: then the first sample is decoded,
        and Monte Carlo estimates of the latent space are means over all.
      training: see `posterior`; also of the decoder.
      active: see `posterior`.
      variance_uniform: see `posterior`.
      dropout_seed: int32 tensor [2] for the decoder's dropout; needed in training if it drops.

    Returns:
      `reconstruction` [b]: -log p(x | z), nats; `kl` [b] and `kl_per_dimension` [b, n]: KL to the
      prior, in closed form or by Monte Carlo, nats; `mean` and `variance` [b, n] of the Gaussian,
      `sample` [b, n]: z; `tokens` int32 [b]: predicted symbols: words and the end symbol, or
      pixels; of a flow, `base_sample` [b, n] and `log_determinant` [b] too (`IAFPosterior.terms`).
    """
    posterior = self.posterior(batch, training, active, variance_uniform)
    return self.terms_of(posterior, batch, noise, training=training, dropout_seed=dropout_seed)

  def terms_of(self, posterior: Posterior, batch: Batch, noise: tf.Tensor, *,
               training: bool = False,
               dropout_seed: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
    """The same with a given posterior; see `terms`."""
    noise = tf.convert_to_tensor(noise)
    latent = posterior.terms(noise if noise.shape.rank == 3 else noise[tf.newaxis])
    log_likelihood = self.decoder(
        latent["sample"], *self.decoder.inputs(batch), training=training,
        dropout_seed=dropout_seed)
    return latent | {
        "reconstruction": -log_likelihood,
        "kl": tf.reduce_sum(latent["kl_per_dimension"], axis=-1), "mean": posterior.mean,
        "variance": posterior.variance, "tokens": self.decoder.tokens(batch)}

  def refinement_loss(self, batch: Batch,
                      kl_weight: float | tf.Tensor) -> refinement_lib.Loss:
    """What refinement lowers: the weighted negative ELBO, the decoder in evaluation mode.

    So the steps are the same in training and in evaluation, and nothing random is in them but the
    noise that they are given.

    Args:
      batch: see the class.
      kl_weight: scalar.
    """
    inputs = self.decoder.inputs(batch)

    def loss(moments: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
      mean, raw = tf.unstack(moments)
      latent = self.family.posterior(mean, self.family.variance(raw)).terms(noise[tf.newaxis])
      log_likelihood = self.decoder(
          latent["sample"], *inputs, training=False, dropout_seed=None)
      return kl_weight * tf.reduce_sum(latent["kl_per_dimension"], axis=-1) - log_likelihood

    return loss

  def log_weights(self, batch: Batch, noise: tf.Tensor,
                  samples_at_once: int | tf.Tensor | None = None) -> tf.Tensor:
    """log p(x | z) + log p(z) - log q(z | x) in evaluation mode.

    What does not depend on the sample, the posterior and the words' part of an LSTM, is computed
    once. Source: Burda et al. 2016; the log of the mean of the weights is the importance-weighted
    bound.

    Args:
      batch: see the class.
      noise: standard normal float tensor [s, b, n].
      samples_at_once: most samples of an example that are decoded together, which bounds memory;
        None: all of them.

    Returns:
      float32 [s, b], nats.
    """
    posterior = self.posterior(batch)
    shared = self.decoder.shared(*self.decoder.inputs(batch))
    prior = gaussian.standard_normal(self.latent_dim)

    def of(noise: tf.Tensor) -> tf.Tensor:
      z, log_posterior = posterior.sample_and_log_prob(noise)
      return self.decoder.sample_log_likelihood(z, shared) + prior.log_prob(z) - log_posterior

    if samples_at_once is None:
      return of(noise)
    samples = tf.shape(noise)[0]
    chunks = (samples + samples_at_once - 1) // samples_at_once
    size = (samples + chunks - 1) // chunks
    writer = tf.TensorArray(
        tf.float32, chunks, infer_shape=False, element_shape=[None, noise.shape[1]])

    def body(chunk: tf.Tensor, writer: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
      return chunk + 1, writer.write(chunk, of(noise[chunk * size:(chunk + 1) * size]))

    _, writer = tf.while_loop(
        lambda chunk, _: chunk < chunks, body, (tf.constant(0), writer), parallel_iterations=1)
    return writer.concat()

  def call(self, batch: Batch, training: bool = False) -> dict[str, tf.Tensor]:
    """`mean` and `variance` [b, n] of the Gaussian, without variance dropout."""
    del training
    posterior = self.posterior(batch)
    return {"mean": posterior.mean, "variance": posterior.variance}
