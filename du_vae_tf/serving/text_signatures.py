"""What an exported text model answers: strings in, strings and numbers out, all in the graph."""

import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from du_vae_tf import seeds
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.models import vae
from du_vae_tf.serving import encoding
from du_vae_tf.serving import likelihood

_BEAM_WIDTH = 5


class TextSignatures(tf.Module):
  """The signatures of a text model.

  Args:
    model: with its weights; evaluation mode throughout.
    vocabulary_path: a file with one word per line, the line number being the id.
    max_length: longer sentences are cut to so many words, as in training.
    longest: the most words that a reconstruction may have.
  """

  def __init__(self, model: vae.VAE, vocabulary_path: str | os.PathLike[str], max_length: int,
               longest: int):
    super().__init__()
    self._model = model
    self._weights = [variable.value for variable in model.variables]
    self._max_length = max_length
    self._longest = longest
    vocabulary_file = tf.saved_model.Asset(str(vocabulary_path))
    self._asset = vocabulary_file
    line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    self._ids = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
        vocabulary_file.asset_path, tf.string, line, tf.int64, number),
        default_value=vocabulary_lib.UNKNOWN)
    self._words = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
        vocabulary_file.asset_path, tf.int64, number, tf.string, line), default_value="<unk>")

  @property
  def signatures(self) -> Mapping[str, Any]:
    """The functions by the names of the signatures."""
    return {"encode": self.encode, "reconstruct": self.reconstruct, "generate": self.generate,
            "beam_search": self.beam_search, "log_likelihood": self.log_likelihood}

  def _batch(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
    """Sentences as the model reads them; a word that names a special id counts as unknown."""
    ids = tf.ragged.map_flat_values(self._ids.lookup, tf.strings.split(text)[:, :self._max_length])
    ids = tf.ragged.map_flat_values(
        lambda flat: tf.where(flat < len(vocabulary_lib.SPECIAL_WORDS),
                              tf.constant(vocabulary_lib.UNKNOWN, tf.int64), flat), ids)
    column = tf.ones([tf.shape(text)[0], 1], tf.int64)
    ids = tf.concat([column * vocabulary_lib.START, ids, column * vocabulary_lib.END], axis=1)
    return {
        "ids": tf.cast(ids.to_tensor(vocabulary_lib.PAD), tf.int32),
        "length": tf.cast(ids.row_lengths(), tf.int32)}

  def _text(self, ids: tf.Tensor) -> tf.Tensor:
    """Decoded ids [b, t] as sentences [b], up to the end symbol."""
    ended = tf.cumsum(tf.cast(ids == vocabulary_lib.END, tf.int32), axis=1) > 0
    words = self._words.lookup(tf.cast(ids, tf.int64))
    kept = tf.ragged.boolean_mask(words, tf.logical_not(ended))
    return tf.strings.reduce_join(kept, axis=-1, separator=" ")

  @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
  def encode(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
    """Posterior of each sentence; see `encoding.encode`."""
    return encoding.encode(self._model, self._batch(text))

  @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
  def reconstruct(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
    """Greedy decoding from the center of the posterior, its mean without a flow: `text` [b]."""
    center = self._model.posterior(self._batch(text)).center
    return {"text": self._text(self._model.decoder.greedy(center, self._longest + 1))}

  @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="seed")])
  def generate(self, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """A sentence drawn from the model for each seed [b]: `text`, string [b]."""
    z = seeds.row_normals(seed, "generate", tf.zeros_like(seed), [self._model.latent_dim])
    return {"text": self._text(self._model.decoder.sample(z, self._longest + 1, seed))}

  @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
  def beam_search(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
    """The likeliest sentences at the center of the posterior that a beam of 5 finds, best first.

    Returns:
      `text`: string [b, 5]; `log_probability`: of each sentence given the center, nats, float32
      [b, 5], -inf where there is none.
    """
    center = self._model.posterior(self._batch(text)).center
    ids, scores = self._model.decoder.beam_search(center, self._longest + 1, _BEAM_WIDTH)
    flat = self._text(tf.reshape(ids, [tf.size(scores), tf.shape(ids)[2]]))
    return {"text": tf.reshape(flat, tf.shape(scores)), "log_probability": scores}

  @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text"),
                                tf.TensorSpec([None], tf.int64, name="seed")])
  def log_likelihood(self, text: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """Importance-weighted log p(x), nats: `log_likelihood`, float32 [b].

    The value depends on the sentence and its seed alone, not on the rest of the batch.
    """
    return {"log_likelihood": likelihood.log_likelihood(self._model, self._batch(text), seed)}
