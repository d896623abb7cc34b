"""LSTM decoder of token sequences."""

from collections.abc import Mapping
from typing import Any, Self, cast

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.layers import cross_entropy
from du_vae_tf.layers import embedding
from du_vae_tf.layers import lstm
from du_vae_tf.layers import pointwise
from du_vae_tf.models import initialization
from du_vae_tf.models import text_inputs
from du_vae_tf.models.decoders import text_search

_DROPOUT_RATE = 0.5

# What samples of z share: words' part of the gates [t, b, 4h], targets [b, t] and their count [b].
Shared = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


@keras.saving.register_keras_serializable(package="du_vae_tf")
class LSTMDecoder(keras.layers.Layer):
  """p(x | z): an LSTM language model that sees z in its initial state and at every step.

      c_0 = W z,  h_0 = tanh(c_0),  logits_t = h_t V,
      where h_t follows from h_{t-1} and [embedding of token t - 1; z]

  In training half of the embedded input and half of the LSTM's output is dropped. All weights
  start at U(-0.01, 0.01), the embedding at U(-0.1, 0.1).

  Source: He et al. 2019 and Shen et al. 2021, section 4.1 and appendix E.

  Args:
    vocab_size: number of token ids.
    latent_dim: n.
    embedding_size: columns of the embedding.
    hidden_size: units of the LSTM.
    seed: of the initial weights.

  Call arguments:
    z: float tensor [b, n].
    ids: integer tensor [b, t], t >= 2: start symbol, words, end symbol, padding.
    length: integer tensor [b], tokens of each row, start and end symbol included.
    training: whether to drop.
    dropout_seed: int32 tensor [2], needed in training.

  Returns:
    log p(x | z), float32 [b], nats: the sum over all tokens but the start symbol.
  """

  def __init__(self, vocab_size: int, latent_dim: int, embedding_size: int, hidden_size: int,
               seed: int = 0, **kwargs: Any) -> None:
    # Each layer casts for itself: what is next to the latent variable stays in full precision.
    super().__init__(**({"autocast": False} | kwargs))
    self.vocab_size = vocab_size
    self.latent_dim = latent_dim
    self.embedding_size = embedding_size
    self.hidden_size = hidden_size
    self.seed = seed

    def weights(name: str) -> keras.initializers.Initializer:
      return initialization.uniform(0.01, seed, f"decoder/{name}")

    self.embedding = embedding.Embedding(
        vocab_size, embedding_size, initialization.uniform(0.1, seed, "decoder/embedding"),
        dtype=self.dtype_policy, name="embedding")
    self.state = pointwise.Pointwise(
        hidden_size, kernel_initializer=weights("state"), dtype=self.variable_dtype, name="state")
    self.lstm = lstm.LSTM(
        hidden_size, constant_size=latent_dim, kernel_initializer=weights("kernel"),
        recurrent_initializer=weights("recurrent_kernel"), bias_initializer=weights("bias"),
        dtype=self.dtype_policy, name="lstm")
    self.cross_entropy = cross_entropy.CrossEntropy(
        vocab_size, weights("vocabulary"), dtype=self.dtype_policy, name="cross_entropy")

  @classmethod
  def create(cls, config: config_lib.RunConfig, sizes: Mapping[str, int],
             **kwargs: Any) -> Self:
    """The decoder of a run on text with `sizes["vocab_size"]` token ids."""
    return cls(
        sizes["vocab_size"], config.latent_dim, cast(int, config.embedding_size),
        cast(int, config.hidden_size), seed=config.seed, name="decoder", **kwargs)

  def inputs(self, batch: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """What of a batch the decoder reads besides z."""
    return text_inputs.ids_and_length(batch)

  def tokens(self, batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Predicted tokens of each sentence, the end symbol included: int32 [b]."""
    return batch["length"] - 1

  def build(self, z_shape: tuple[int | None, ...]) -> None:
    """Creates all weights."""
    del z_shape
    self.embedding.build((None, None))
    self.state.build((None, self.latent_dim))
    self.lstm.build((None, None, self.embedding_size))
    self.cross_entropy.build((None, None, self.hidden_size))

  def call(self, z: tf.Tensor, ids: tf.Tensor, length: tf.Tensor, training: bool = False,
           dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
    if training and dropout_seed is None:
      raise ValueError("`dropout_seed` is needed in training. Received: dropout_seed=None.")
    inputs = self.embedding(ids[:, :-1])
    if training:
      inputs = _dropout(inputs, dropout_seed, 0)
    hidden, cell = self.initial_state(z)
    outputs = self.lstm(inputs, constant=z, hidden=hidden, cell=cell, training=training)
    if training:
      outputs = _dropout(outputs, dropout_seed, 1)
    return -self.cross_entropy(outputs, ids[:, 1:], length - 1, training=training)

  def shared(self, ids: tf.Tensor, length: tf.Tensor) -> Shared:
    """What all samples of z of a sentence share: the words' part of the gates, and the targets."""
    projection = self.lstm.projected(self.embedding(ids[:, :-1]))
    return projection, ids[:, 1:], length - 1

  def sample_log_likelihood(self, z: tf.Tensor, shared: Shared) -> tf.Tensor:
    """log p(x | z) of several z per row, without dropout.

    The words are projected once per row and only z per sample. Memory grows with s * b * t *
    hidden_size, not with the vocabulary: callers bound s.

    Args:
      z: float tensor [s, b, n].
      shared: of the b rows, from `shared`.

    Returns:
      float32 [s, b], nats.
    """
    projection, targets, count = shared
    samples, rows, steps = tf.shape(z)[0], tf.shape(targets)[0], tf.shape(targets)[1]
    hidden, cell = self.initial_state(z)
    outputs = self.lstm.sample_outputs(projection, z, hidden, cell)
    losses = self.cross_entropy(
        tf.reshape(outputs, [samples * rows, steps, self.hidden_size]),
        tf.tile(targets, [samples, 1]), tf.tile(count, [samples]))
    return -tf.reshape(losses, [samples, rows])

  def greedy(self, z: tf.Tensor, max_length: int | tf.Tensor) -> tf.Tensor:
    """The likeliest token at every step given z [b, n]; see `text_search.greedy`."""
    return text_search.greedy(LSTMSteps(self, z), max_length)

  def sample(self, z: tf.Tensor, max_length: int | tf.Tensor, seed: tf.Tensor,
             temperature: float = 1.0, top_k: int | None = None) -> tf.Tensor:
    """Tokens drawn from p(x | z) of z [b, n]; see `text_search.sample`."""
    return text_search.sample(LSTMSteps(self, z), max_length, seed, temperature, top_k)

  def beam_search(self, z: tf.Tensor, max_length: int | tf.Tensor,
                  width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The likeliest sentences that a beam finds given z [b, n]; see `text_search.beam_search`."""
    return text_search.beam_search(LSTMSteps(self, z), max_length, width)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "vocab_size": self.vocab_size, "latent_dim": self.latent_dim,
        "embedding_size": self.embedding_size, "hidden_size": self.hidden_size,
        "seed": self.seed}

  def initial_state(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """h_0 and c_0 [..., hidden_size] for z [..., n]."""
    cell = self.state(z)
    return tf.tanh(cell), cell


class LSTMSteps:
  """The decoder given z, one token at a time; see `text_search.Steps`.

  The state is h, c and what z adds to the gates, which stays as it is.

  Args:
    decoder: with all its weights; in evaluation mode.
    z: float tensor [b, n].
  """

  def __init__(self, decoder: LSTMDecoder, z: tf.Tensor) -> None:
    self._decoder = decoder
    self._z = z

  def begin(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """h_0, c_0 and the offset."""
    hidden, cell = self._decoder.initial_state(self._z)
    offset = self._decoder.lstm.offset(self._z)
    return tf.cast(hidden, offset.dtype), tf.cast(cell, offset.dtype), offset

  def step(self, token: tf.Tensor,
           state: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, Any]:
    """Logits of the next token, and the state."""
    hidden, cell, offset = state
    hidden, cell = self._decoder.lstm.step(
        self._decoder.embedding(token), offset, hidden, cell)
    return self._decoder.cross_entropy.logits(hidden), (hidden, cell, offset)


def _dropout(tensor: tf.Tensor, seed: tf.Tensor, place: int) -> tf.Tensor:
  """Drops from a stream that belongs to the seed and the place, the same in every precision."""
  key = tf.random.experimental.stateless_fold_in(seed, place)
  kept = tf.random.stateless_uniform(tf.shape(tensor), key) >= _DROPOUT_RATE
  return tf.where(kept, tensor / (1.0 - _DROPOUT_RATE), tf.zeros([], tensor.dtype))
