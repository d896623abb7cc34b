"""LSTM encoder of token sequences."""

import math
from collections.abc import Mapping
from typing import Any, Self, cast

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.layers import embedding
from du_vae_tf.layers import lstm
from du_vae_tf.models import initialization as initialization_lib
from du_vae_tf.models import text_inputs


@keras.saving.register_keras_serializable(package="du_vae_tf")
class LSTMEncoder(keras.layers.Layer):
  """Embedding, LSTM, and a linear map of the state at the last token to 2 n numbers.

  Source: He et al. 2019 and Shen et al. 2021, section 4.1 and appendix E.

  Args:
    vocab_size: number of token ids.
    latent_dim: n.
    embedding_size: columns of the embedding.
    hidden_size: units of the LSTM.
    initialization: "small_uniform": embedding U(-0.1, 0.1), everything else U(-0.01, 0.01), as
      the paper states; "framework": embedding N(0, 1), everything else
      U(-1 / sqrt(hidden_size), 1 / sqrt(hidden_size)), what the authors' code uses where the means
      are normalized.
    seed: of the initial weights.

  Call arguments:
    ids: integer tensor [b, t], padded on the right; what the padding is does not matter.
    length: integer tensor [b], tokens of each row, >= 1.
    training: whether this is a training step; the values are the same.

  Returns:
    mean and log-variance, float32 [b, n] each, as the linear map gives them.

  Raises:
    ValueError: `initialization` is neither.
  """

  def __init__(self, vocab_size: int, latent_dim: int, embedding_size: int, hidden_size: int,
               initialization: str = "small_uniform", seed: int = 0,
               **kwargs: Any) -> None:
    # Each layer casts for itself: what is next to the latent variable stays in full precision.
    super().__init__(**({"autocast": False} | kwargs))
    if initialization not in ("small_uniform", "framework"):
      raise ValueError(
          "`initialization` must be small_uniform or framework. Received:"
          f" initialization={initialization}.")
    self.vocab_size = vocab_size
    self.latent_dim = latent_dim
    self.embedding_size = embedding_size
    self.hidden_size = hidden_size
    self.initialization = initialization
    self.seed = seed
    framework = initialization == "framework"
    bound = 1.0 / math.sqrt(hidden_size) if framework else 0.01

    def weights(name: str) -> keras.initializers.Initializer:
      return initialization_lib.uniform(bound, seed, f"encoder/{name}")

    table = (initialization_lib.normal(1.0, seed, "encoder/embedding") if framework
             else initialization_lib.uniform(0.1, seed, "encoder/embedding"))
    self.embedding = embedding.Embedding(
        vocab_size, embedding_size, table, dtype=self.dtype_policy, name="embedding")
    self.lstm = lstm.LSTM(
        hidden_size, kernel_initializer=weights("kernel"),
        recurrent_initializer=weights("recurrent_kernel"), bias_initializer=weights("bias"),
        dtype=self.dtype_policy, name="lstm")
    self.head = keras.layers.Dense(
        2 * latent_dim, use_bias=False, kernel_initializer=weights("head"),
        dtype=self.variable_dtype, name="head")

  @classmethod
  def create(cls, config: config_lib.RunConfig, sizes: Mapping[str, int],
             **kwargs: Any) -> Self:
    """The encoder of a run on text with `sizes["vocab_size"]` token ids."""
    normalized = config.method_row.normalization != "none"
    initialization = config.fidelity_row.normalized_encoder_initialization
    return cls(
        sizes["vocab_size"], config.latent_dim, cast(int, config.embedding_size),
        cast(int, config.hidden_size),
        initialization=initialization if normalized else "small_uniform", seed=config.seed,
        name="encoder", **kwargs)

  def build(self, ids_shape: Any) -> None:
    """Creates all weights."""
    self.embedding.build(ids_shape)
    self.lstm.build((None, None, self.embedding_size))
    self.head.build((None, self.hidden_size))

  def inputs(self, batch: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """What of a batch the encoder reads."""
    return text_inputs.ids_and_length(batch)

  def call(self, ids: tf.Tensor, length: tf.Tensor,
           training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
    outputs = self.lstm(self.embedding(ids), training=training)
    state = tf.gather(outputs, length - 1, axis=1, batch_dims=1)
    moments = tf.cast(self.head(state), tf.float32)
    mean, log_variance = tf.split(moments, 2, axis=-1)
    return mean, log_variance

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "vocab_size": self.vocab_size, "latent_dim": self.latent_dim,
        "embedding_size": self.embedding_size, "hidden_size": self.hidden_size,
        "initialization": self.initialization, "seed": self.seed}
