"""LSTM encoder of token sequences."""

import math
from collections.abc import Mapping
from typing import Any, Self, cast

import keras
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.layers import embedding
from du_vae_tf.layers import lstm
from du_vae_tf.models import head_split
from du_vae_tf.models import initialization as initialization_lib
from du_vae_tf.models import text_inputs

INITIALIZATIONS = ("small_uniform", "small_uniform_zero_bias", "framework")


@keras.saving.register_keras_serializable(package="du_vae_tf")
class LSTMEncoder(keras.layers.Layer):
  """Embedding, LSTM, and a linear map of the state at the last token to 2 n + c numbers.

  Sources: He et al. 2019 and Shen et al. 2021, section 4.1 and appendices D and E.

  Args:
    vocab_size: number of token ids.
    latent_dim: n.
    embedding_size: columns of the embedding.
    hidden_size: units of the LSTM.
    initialization: "small_uniform": embedding U(-0.1, 0.1), everything else U(-0.01, 0.01), as
      the paper states; "small_uniform_zero_bias": the same with biases of 0, what the authors' code
      uses before a flow; "framework": embedding N(0, 1), everything else
      U(-1 / sqrt(hidden_size), 1 / sqrt(hidden_size)), what it uses where the means of a Gaussian
      posterior are normalized.
    seed: of the initial weights.
    context_size: c, numbers of the context of a flow; 0 without one.

  Call arguments:
    ids: integer tensor [b, t], padded on the right; what the padding is does not matter.
    length: integer tensor [b], tokens of each row, >= 1.
    training: whether this is a training step; the values are the same.

  Returns:
    mean and what the variance is made from, float32 [b, n] each, and with c > 0 the context
    [b, c], as the linear map gives them.

  Raises:
    ValueError: `initialization` is none of these.
  """

  def __init__(self, vocab_size: int, latent_dim: int, embedding_size: int, hidden_size: int,
               initialization: str = "small_uniform", seed: int = 0, context_size: int = 0,
               **kwargs: Any) -> None:
    # Each layer casts for itself: what is next to the latent variable stays in full precision.
    super().__init__(**({"autocast": False} | kwargs))
    if initialization not in INITIALIZATIONS:
      raise ValueError(
          f"`initialization` must be one of {INITIALIZATIONS}. Received:"
          f" initialization={initialization}.")
    self.vocab_size = vocab_size
    self.latent_dim = latent_dim
    self.embedding_size = embedding_size
    self.hidden_size = hidden_size
    self.initialization = initialization
    self.seed = seed
    self.context_size = context_size
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
        recurrent_initializer=weights("recurrent_kernel"),
        bias_initializer="zeros" if initialization == "small_uniform_zero_bias"
        else weights("bias"), dtype=self.dtype_policy, name="lstm")
    self.head = keras.layers.Dense(
        2 * latent_dim + context_size, use_bias=False, kernel_initializer=weights("head"),
        dtype=self.variable_dtype, name="head")

  @classmethod
  def create(cls, config: config_lib.RunConfig, sizes: Mapping[str, int],
             **kwargs: Any) -> Self:
    """The encoder of a run on text with `sizes["vocab_size"]` token ids."""
    row = config.posterior_row
    normalized = config.method_row.normalization != "none"
    return cls(
        sizes["vocab_size"], config.latent_dim, cast(int, config.embedding_size),
        cast(int, config.hidden_size),
        initialization=row.normalized_encoder if normalized else row.plain_encoder,
        seed=config.seed, context_size=config.context_size, name="encoder", **kwargs)

  def build(self, ids_shape: Any) -> None:
    """Creates all weights."""
    self.embedding.build(ids_shape)
    self.lstm.build((None, None, self.embedding_size))
    self.head.build((None, self.hidden_size))

  def inputs(self, batch: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
    """What of a batch the encoder reads."""
    return text_inputs.ids_and_length(batch)

  def call(self, ids: tf.Tensor, length: tf.Tensor,
           training: bool = False) -> tuple[tf.Tensor, ...]:
    outputs = self.lstm(self.embedding(ids), training=training)
    state = tf.gather(outputs, length - 1, axis=1, batch_dims=1)
    return head_split.split(self.head(state), self.latent_dim, self.context_size)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
        "vocab_size": self.vocab_size, "latent_dim": self.latent_dim,
        "embedding_size": self.embedding_size, "hidden_size": self.hidden_size,
        "initialization": self.initialization, "seed": self.seed,
        "context_size": self.context_size}
