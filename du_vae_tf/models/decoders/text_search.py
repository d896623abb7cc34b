"""Decoding of token sequences: a whole batch in one graph, which ends when all rows have ended.

Padding and start symbol are never chosen. Probabilities are those of the softmax over all tokens.
"""

from typing import Any, Protocol

import tensorflow as tf

from du_vae_tf import seeds

PAD_ID = 0
START_ID = 1
END_ID = 2

# Below every log-probability, and finite, so that it can be added to.
_IMPOSSIBLE = -1e30


class Steps(Protocol):
  """A model of sequences, one token at a time."""

  def begin(self) -> Any:
    """The state before the first token: a nest of tensors [b, ...]."""

  def step(self, token: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
    """Logits of the token that follows, float32 [r, V], and the state, for tokens int32 [r]."""


def greedy(steps: Steps, max_length: int | tf.Tensor) -> tf.Tensor:
  """The likeliest token at every step.

  Args:
    steps: the model.
    max_length: most tokens of a row, >= 1.

  Returns:
    int32 [b, t], t <= max_length: tokens, the end symbol if it was reached, padding.
  """
  return _one_by_one(steps, max_length, lambda logits, _: tf.argmax(
      logits[:, END_ID:], axis=-1, output_type=tf.int32) + END_ID)


def sample(steps: Steps, max_length: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0,
           top_k: int | None = None) -> tf.Tensor:
  """Tokens drawn from the model.

  Args:
    steps: the model.
    max_length: most tokens of a row, >= 1.
    seed: int64 [b]; what a row draws depends on its seed alone, not on the rest of the batch.
    temperature: the logits are divided by it, > 0.
    top_k: only so many of the likeliest tokens are drawn, >= 1; None: all.

  Returns:
    int32 [b, t] as `greedy`.

  Raises:
    ValueError: `temperature` or `top_k` is out of its range.
  """
  if not temperature > 0.0:
    raise ValueError(f"`temperature` must be > 0. Received: temperature={temperature}.")
  if top_k is not None and top_k < 1:
    raise ValueError(f"`top_k` must be at least 1. Received: top_k={top_k}.")
  uniform = tf.transpose(
      seeds.row_uniforms(seed, "words", tf.zeros_like(seed), [max_length]))

  def choose(logits: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    scaled = logits[:, END_ID:] / temperature
    if top_k is not None and top_k < scaled.shape[-1]:
      least = tf.math.top_k(scaled, top_k).values[:, -1:]
      scaled = tf.where(scaled >= least, scaled, _IMPOSSIBLE)
    cumulative = tf.cumsum(tf.exp(scaled - tf.reduce_max(scaled, axis=-1, keepdims=True)), axis=-1)
    # Of the tokens whose cumulative weight exceeds the draw, the first; it has a weight above 0.
    drawn = uniform[t][:, tf.newaxis] * cumulative[:, -1:]
    return END_ID + tf.reduce_sum(tf.cast(cumulative <= drawn, tf.int32), axis=-1)

  return _one_by_one(steps, max_length, choose)


def _one_by_one(steps: Steps, max_length: int | tf.Tensor, choose: Any) -> tf.Tensor:
  """Tokens [b, t] of which each is chosen from the logits before it and the number of the step."""
  state = steps.begin()
  rows = tf.shape(tf.nest.flatten(state)[0])[0]
  token = tf.fill([rows], START_ID)
  written = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[None])

  def unfinished(t: tf.Tensor, ended: tf.Tensor, *_: Any) -> tf.Tensor:
    return (t < max_length) & ~tf.reduce_all(ended)

  def body(t: tf.Tensor, ended: tf.Tensor, token: tf.Tensor, state: Any,
           written: tf.TensorArray) -> Any:
    logits, state = steps.step(token, state)
    token = tf.where(ended, PAD_ID, choose(logits, t))
    return t + 1, ended | (token == END_ID), token, state, written.write(t, token)

  t, *_, written = tf.while_loop(
      unfinished, body, (tf.constant(0), tf.zeros_like(token, tf.bool), token, state, written))
  # An array without elements cannot be stacked.
  tokens = tf.cond(t > 0, written.stack, lambda: tf.zeros([0, rows], tf.int32))
  return tf.transpose(tf.ensure_shape(tokens, [None, None]))


def beam_search(steps: Steps, max_length: int | tf.Tensor,
                width: int) -> tuple[tf.Tensor, tf.Tensor]:
  """The likeliest sequences that a beam finds.

  Candidates are ranked by the sum of the log-probabilities of their tokens, the end symbol
  included, without regard to length, as by He et al. 2019. A sequence that has ended keeps its
  place as long as no other is likelier. Sequences cut at `max_length` count as they are.

  Args:
    steps: the model.
    max_length: most tokens of a row, >= 1.
    width: sequences that are kept, >= 1.

  Returns:
    ids int32 [b, width, t], t <= max_length, as `greedy`, and log-probabilities float32
    [b, width], best first; where there are fewer than `width` sequences, the rest is padding with a
    log-probability of -inf.

  Raises:
    ValueError: `width` is below 1.
  """
  if width < 1:
    raise ValueError(f"`width` must be at least 1. Received: width={width}.")
  state = tf.nest.map_structure(lambda tensor: tf.repeat(tensor, width, axis=0), steps.begin())
  beams = tf.shape(tf.nest.flatten(state)[0])[0]
  rows = beams // width
  # All beams of a row begin alike, so that all but the first are impossible.
  scores = tf.tile(tf.constant([[0.0] + [_IMPOSSIBLE] * (width - 1)]), [rows, 1])
  ended = tf.zeros([rows, width], tf.bool)
  arrays = tuple(tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[None, width])
                 for _ in range(2))

  def unfinished(t: tf.Tensor, ended: tf.Tensor, scores: tf.Tensor, *_: Any) -> tf.Tensor:
    # An impossible beam waits for nothing: all that follows from it is impossible.
    over = ended | (scores <= 0.5 * _IMPOSSIBLE)
    return (t < max_length) & ((t == 0) | ~tf.reduce_all(over)) & (rows > 0)

  def body(t: tf.Tensor, ended: tf.Tensor, scores: tf.Tensor, token: tf.Tensor, state: Any,
           arrays: tuple[tf.TensorArray, tf.TensorArray]) -> Any:
    logits, state = steps.step(tf.reshape(token, [-1]), state)
    candidates, tokens = _continuations(logits, scores, ended, width)
    scores, places = tf.math.top_k(candidates, width)
    token = tf.gather(tokens, places, axis=1, batch_dims=1)
    parents = places // (candidates.shape[-1] // width)
    from_beam = tf.reshape(tf.range(rows)[:, tf.newaxis] * width + parents, [-1])
    state = tf.nest.map_structure(lambda tensor: tf.gather(tensor, from_beam), state)
    ended = tf.gather(ended, parents, axis=1, batch_dims=1) | (token == END_ID)
    arrays = (arrays[0].write(t, token), arrays[1].write(t, parents))
    return t + 1, ended, scores, token, state, arrays

  token = tf.fill([rows, width], START_ID)
  length, _, scores, _, _, (tokens, parents) = tf.while_loop(
      unfinished, body, (tf.constant(0), ended, scores, token, state, arrays))
  ids = tf.cond(
      length > 0, lambda: _trace_back(tokens.stack(), parents.stack()),
      lambda: tf.zeros([rows, width, 0], tf.int32))
  possible = scores > 0.5 * _IMPOSSIBLE
  ids = tf.where(possible[..., tf.newaxis], tf.ensure_shape(ids, [None, width, None]), PAD_ID)
  return ids, tf.where(possible, scores, -float("inf"))


def _continuations(logits: tf.Tensor, scores: tf.Tensor, ended: tf.Tensor,
                   width: int) -> tuple[tf.Tensor, tf.Tensor]:
  """The best continuations of each beam: scores and tokens [b, width * k].

  No more than `width` of a beam can be among the best `width` of its row. A sequence that has ended
  goes on with padding alone, at no price.
  """
  rows = tf.shape(scores)[0]
  allowed = logits[:, END_ID:]
  count = min(width, allowed.shape[-1])
  best, places = tf.math.top_k(allowed, count)
  best -= tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
  shape = [rows, width, count]
  continued = scores[..., tf.newaxis] + tf.reshape(best, shape)
  padded = tf.concat([
      scores[..., tf.newaxis], tf.fill([rows, width, count - 1], 2.0 * _IMPOSSIBLE)], axis=-1)
  is_over = ended[..., tf.newaxis]
  candidates = tf.where(is_over, padded, continued)
  tokens = tf.where(is_over, PAD_ID, END_ID + tf.reshape(places, shape))
  return (tf.reshape(candidates, [rows, width * count]),
          tf.reshape(tokens, [rows, width * count]))


def _trace_back(tokens: tf.Tensor, parents: tf.Tensor) -> tf.Tensor:
  """The sequences [b, width, t] that the tokens and the beams they follow, [t, b, width], make."""
  length, rows, width = tf.shape(tokens)[0], tf.shape(tokens)[1], tokens.shape[2]
  written = tf.TensorArray(tf.int32, length, element_shape=[None, width])

  def body(t: tf.Tensor, beam: tf.Tensor, written: tf.TensorArray) -> Any:
    token = tf.gather(tokens[t], beam, axis=1, batch_dims=1)
    return t - 1, tf.gather(parents[t], beam, axis=1, batch_dims=1), written.write(t, token)

  beam = tf.tile(tf.range(width)[tf.newaxis], [rows, 1])
  *_, written = tf.while_loop(lambda t, *_: t >= 0, body, (length - 1, beam, written))
  return tf.transpose(written.stack(), [1, 2, 0])
