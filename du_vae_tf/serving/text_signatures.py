"""What an exported text model answers: strings in, strings and numbers out, all in the graph."""

import os
from collections.abc import Callable, Mapping

import tensorflow as tf

from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.models import vae
from du_vae_tf.serving import checks
from du_vae_tf.serving import encoding
from du_vae_tf.serving import likelihood
from du_vae_tf.serving import limits as limits_lib
from du_vae_tf.serving import signatures

_BEAM_WIDTH = 5
# What the model reads, see `_batch`.
_BATCH_SPEC = {
    "ids": tf.TensorSpec([None, None], tf.int32), "length": tf.TensorSpec([None], tf.int32)}


class TextSignatures(signatures.Signatures):
  """The signatures of a text model.

  `text`, `start` and `end` are string [b]: words between white space, as in training. `ids` are the
  words' lines in the vocabulary, int64 [b, t], padded with 0 on the right, without start and end
  symbol; a word outside the vocabulary is 3.

  | signature | inputs | outputs |
  |---|---|---|
  | `encode`, `encode_ids` | `text`; `ids` | see `encoding.encode` |
  | `decode` | `z` [b, n] | `text`, `ids`: the likeliest word at each step |
  | `reconstruct` | `text` | `decode` of the center |
  | `interpolate` | `start`, `end`, `weight` [b] | `decode` between the centers |
  | `generate` | `seed` int64 [b] | `text`, `ids`: drawn from the model |
  | `beam_search` | `text` | `text`, `log_probability` [b, 5]: see `_beam_search` |
  | `log_likelihood`, `log_likelihood_ids` | `text`, `seed`; `ids`, `seed` | see
    `likelihood.log_likelihood` |

  Args:
    model: with its weights; evaluation mode throughout.
    vocabulary_path: a file with one word per line, the line number being the id.
    limits: of a request.
    longest: words of the longest training sentence. A decoded one has no more tokens than that one
      with its end symbol, and no more words than a request may have.
  """

  def __init__(self, model: vae.VAE, vocabulary_path: str | os.PathLike[str],
               limits: limits_lib.Limits, longest: int):
    super().__init__(model, limits.max_rows)
    self._max_words = limits.max_words
    self._most_tokens = min(longest + 1, limits.max_words or longest + 1)
    vocabulary_file = tf.saved_model.Asset(str(vocabulary_path))
    self._asset = vocabulary_file
    line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    self._ids = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
        vocabulary_file.asset_path, tf.string, line, tf.int64, number),
        default_value=vocabulary_lib.UNKNOWN)
    self._words = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
        vocabulary_file.asset_path, tf.int64, number, tf.string, line), default_value="<unk>")
    text, start, end = (
        signatures.Input(tf.TensorSpec([None], tf.string, name=name), self._reads_text(name))
        for name in ("text", "start", "end"))
    ids = signatures.Input(tf.TensorSpec([None, None], tf.int64, name="ids"), self._read_ids)

    # Functions of their own: each is traced once for all signatures that call it.
    @tf.function(input_signature=[_BATCH_SPEC], autograph=False)
    def encode(batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
      return encoding.encode(model, batch)

    @tf.function(input_signature=[self._z.spec], autograph=False)
    def decode(z: tf.Tensor) -> dict[str, tf.Tensor]:
      return self._decoded(model.decoder.greedy(z, self._most_tokens))

    @tf.function(input_signature=[_BATCH_SPEC, self._seed.spec], autograph=False)
    def log_likelihood(batch: Mapping[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
      return likelihood.log_likelihood(model, batch, seed)

    def center(batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
      return encode(batch)["center"]

    self._add("encode", encode, text)
    self._add("encode_ids", encode, ids)
    self._add("decode", decode, self._z)
    self._add("reconstruct", lambda batch: decode(center(batch)), text)
    self._add(
        "interpolate", lambda start, end, weight: decode(
            encoding.between(center(start), center(end), weight)), start, end, self._weight)
    self._add("generate", self._generate, self._seed)
    self._add("beam_search", lambda batch: self._beam_search(center(batch)), text)
    self._add("log_likelihood", log_likelihood, text, self._seed)
    self._add("log_likelihood_ids", log_likelihood, ids, self._seed)

  def _generate(self, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """A sentence drawn from the model for each seed [b]."""
    return self._decoded(
        self._model.decoder.sample(self._prior(seed), self._most_tokens, seed))

  def _beam_search(self, z: tf.Tensor) -> dict[str, tf.Tensor]:
    """The likeliest sentences that a beam of 5 finds at z [b, n], best first.

    Returns:
      `text`: string [b, 5]; `log_probability`: of each sentence given z, nats, float32 [b, 5],
      -inf where there is none.
    """
    ids, scores = self._model.decoder.beam_search(z, self._most_tokens, _BEAM_WIDTH)
    flat = self._decoded(tf.reshape(ids, [tf.size(scores), tf.shape(ids)[2]]))["text"]
    return {"text": tf.reshape(flat, tf.shape(scores)), "log_probability": scores}

  def _reads_text(self, name: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Reads sentences [b]; a word that names a special symbol counts as unknown."""

    def read(text: tf.Tensor) -> dict[str, tf.Tensor]:
      words = tf.strings.split(text)
      with tf.control_dependencies([self._check_words(name, words.row_lengths())]):
        found = self._ids.lookup(tf.identity(words.flat_values))
      unknown = tf.constant(vocabulary_lib.UNKNOWN, tf.int64)
      special = found < len(vocabulary_lib.SPECIAL_WORDS)
      return _batch(words.with_flat_values(tf.where(special, unknown, found)))

    return read

  def _read_ids(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
    """Reads ids [b, t]."""
    size = self._model.decoder.vocab_size
    counts = tf.math.count_nonzero(ids, axis=1)
    behind = ~tf.sequence_mask(counts, tf.shape(ids)[1])
    fit = ((ids >= vocabulary_lib.UNKNOWN) & (ids < size)) | ((ids == vocabulary_lib.PAD) & behind)
    allowed = (f"{vocabulary_lib.UNKNOWN} to {size - 1}, and {vocabulary_lib.PAD} behind the last"
               " word")
    with tf.control_dependencies([
        checks.entries("ids", ids, fit, allowed), self._check_words("ids", counts)]):
      return _batch(tf.RaggedTensor.from_tensor(tf.identity(ids), lengths=tf.identity(counts)))

  def _check_words(self, name: str, counts: tf.Tensor) -> tf.Operation:
    return checks.entries(
        name, counts, counts <= self._max_words, f"at most {self._max_words}", " words")

  def _decoded(self, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
    """Decoded tokens int32 [b, s] up to the end symbol: `text` [b] and `ids` int64 [b, t]."""
    ended = tf.cumsum(tf.cast(tokens == vocabulary_lib.END, tf.int32), axis=1) > 0
    ids = tf.ragged.boolean_mask(tf.cast(tokens, tf.int64), tf.logical_not(ended))
    words = tf.ragged.map_flat_values(self._words.lookup, ids)
    return {"text": tf.strings.reduce_join(words, axis=-1, separator=" "),
            "ids": ids.to_tensor(vocabulary_lib.PAD)}


def _batch(words: tf.RaggedTensor) -> dict[str, tf.Tensor]:
  """Words int64 [b, (t)] as the model reads them, between start and end symbol."""
  column = tf.ones([words.nrows(), 1], tf.int64)
  ids = tf.concat(
      [column * vocabulary_lib.START, words, column * vocabulary_lib.END], axis=1)
  return {
      "ids": tf.cast(ids.to_tensor(vocabulary_lib.PAD), tf.int32),
      "length": tf.cast(ids.row_lengths(), tf.int32)}
