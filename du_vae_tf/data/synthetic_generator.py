"""The synthetic language: sentences from an LSTM with random weights over a Gaussian mixture.

Source: Shen et al. 2021, appendix E (mixture of five components, LSTM with 100 units and
100-dimensional embeddings, 1 000 words, length 10). What the paper leaves open, and the order in
which the random numbers are drawn, is fixed here and never changes within a `VERSION`. Numbers are
float64; another linear algebra library may round differently.
"""

import dataclasses

import numpy as np

VERSION: str = "1.0.0"
NUM_WORDS: int = 1000
LENGTH: int = 10
SPLIT_SIZES: dict[str, int] = {"train": 16_000, "valid": 2_000, "test": 2_000}
COMPONENT_MEANS = np.array([[0, 0], [-2, -2], [-2, 2], [2, -2], [2, 2]], np.float64)

_SEED = 20210609
_UNITS = 100
_START = NUM_WORDS
_ROWS_AT_ONCE = 2_000


@dataclasses.dataclass(frozen=True)
class Sentences:
  """One split.

  Attributes:
    words: int [n, 10], word k is written `wk`.
    labels: int [n], the mixture component.
    z: float64 [n, 2], the latent point.
    log_likelihood: float64 [n], log p(words | z) in nats.
  """

  words: np.ndarray
  labels: np.ndarray
  z: np.ndarray
  log_likelihood: np.ndarray

  def texts(self) -> list[bytes]:
    """The sentences as they would stand in a file."""
    return [b" ".join(b"w%d" % word for word in row) for row in self.words.tolist()]


@dataclasses.dataclass(frozen=True)
class _Network:
  """The weights, in the order in which they are drawn."""

  embeddings: np.ndarray
  input_weights: np.ndarray
  recurrent_weights: np.ndarray
  bias: np.ndarray
  state_weights: np.ndarray
  state_bias: np.ndarray
  output_weights: np.ndarray
  output_bias: np.ndarray


def generate() -> dict[str, Sentences]:
  """All three splits; takes some seconds."""
  rng = np.random.default_rng(_SEED)
  network = _Network(
      embeddings=rng.uniform(-1, 1, (NUM_WORDS + 1, _UNITS)),
      input_weights=rng.uniform(-1, 1, (4 * _UNITS, _UNITS)),
      recurrent_weights=rng.uniform(-1, 1, (4 * _UNITS, _UNITS)),
      bias=rng.uniform(-1, 1, 4 * _UNITS) + rng.uniform(-1, 1, 4 * _UNITS),
      state_weights=rng.uniform(-1, 1, (_UNITS, 2)),
      state_bias=rng.uniform(-1, 1, _UNITS),
      output_weights=rng.uniform(-5, 5, (NUM_WORDS, _UNITS + 2)),
      output_bias=rng.uniform(-5, 5, NUM_WORDS))
  return {split: _split(network, rng, size) for split, size in SPLIT_SIZES.items()}


def _split(network: _Network, rng: np.random.Generator, size: int) -> Sentences:
  labels = rng.integers(0, len(COMPONENT_MEANS), size)
  z = COMPONENT_MEANS[labels] + rng.standard_normal((size, 2))
  uniforms = np.stack([rng.random(size) for _ in range(LENGTH)], axis=1)
  parts = [
      _sample(network, z[first:first + _ROWS_AT_ONCE], uniforms[first:first + _ROWS_AT_ONCE])
      for first in range(0, size, _ROWS_AT_ONCE)]
  words, log_likelihood = (np.concatenate(part) for part in zip(*parts, strict=True))
  return Sentences(words, labels, z, log_likelihood)


def _sample(
    network: _Network, z: np.ndarray, uniforms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Words [n, 10] by inversion of the cumulative distribution, and their log-likelihood [n]."""
  rows = np.arange(len(z))
  projected = network.embeddings @ network.input_weights.T + network.bias
  hidden = z @ network.state_weights.T + network.state_bias
  cell = np.zeros_like(hidden)
  previous = np.full(len(z), _START)
  words = np.empty((len(z), LENGTH), np.int64)
  log_likelihood = np.zeros(len(z))
  for step in range(LENGTH):
    gates = projected[previous] + hidden @ network.recurrent_weights.T
    input_gate, forget_gate, candidate, output_gate = np.split(gates, 4, axis=1)
    cell = _sigmoid(forget_gate) * cell + _sigmoid(input_gate) * np.tanh(candidate)
    hidden = _sigmoid(output_gate) * np.tanh(cell)
    logits = np.concatenate([hidden, z], axis=1) @ network.output_weights.T + network.output_bias
    logits -= logits.max(axis=1, keepdims=True)
    cumulative = np.cumsum(np.exp(logits), axis=1)
    total = cumulative[:, -1]
    below = cumulative <= (uniforms[:, step] * total)[:, None]
    previous = np.minimum(below.sum(axis=1), NUM_WORDS - 1)
    words[:, step] = previous
    log_likelihood += logits[rows, previous] - np.log(total)
  return words, log_likelihood


def _sigmoid(x: np.ndarray) -> np.ndarray:
  return 0.5 * (1.0 + np.tanh(0.5 * x))
