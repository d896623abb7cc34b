"""The synthetic language: sentences from an LSTM with random weights over a Gaussian mixture.

Source: Shen et al. 2021, appendix E (mixture of five components, LSTM with 100 units and
100-dimensional embeddings, 1 000 words, length 10). What the paper leaves open, and the order in
which the random numbers are drawn, is fixed here and never changes within a `VERSION`. Numbers are
float64; another linear algebra library may round differently.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

VERSION: str = "1.0.0"
NUM_WORDS: int = 1000
LENGTH: int = 10
SPLIT_SIZES: dict[str, int] = {"train": 16_000, "valid": 2_000, "test": 2_000}
UNITS: int = 100
COMPONENT_MEANS = np.array([[0, 0], [-2, -2], [-2, 2], [2, -2], [2, 2]], np.float64)

_SEED = 20210609
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
class Network:
  """An LSTM with 100 units that writes words after a latent point.

  Attributes:
    embeddings: [1 001, 100], the last row is the start symbol.
    input_weights: [400, 100], gates in the order input, forget, cell, output.
    latent_weights: [400, 2], of z beside the embedding in the input of the LSTM.
    recurrent_weights: [400, 100].
    bias: [400].
    output_weights: [1 000, 102], of the LSTM's output and z.
    output_bias: [1 000].
    initial_state: from z [n, 2] to the LSTM's output and cell, each [n, 100].
    uniform_start: whether the first word is any word instead of what the start symbol gives.
  """

  embeddings: np.ndarray
  input_weights: np.ndarray
  latent_weights: np.ndarray
  recurrent_weights: np.ndarray
  bias: np.ndarray
  output_weights: np.ndarray
  output_bias: np.ndarray
  initial_state: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
  uniform_start: bool = False


def generate() -> dict[str, Sentences]:
  """All three splits; takes some seconds."""
  rng = np.random.default_rng(_SEED)
  return draw_splits(_draw_network(rng), rng)


def draw_splits(network: Network, rng: np.random.Generator) -> dict[str, Sentences]:
  """Splits of the sizes of the data set, in the words of a network."""
  return {split: _split(network, rng, size) for split, size in SPLIT_SIZES.items()}


def _draw_network(rng: np.random.Generator) -> Network:
  embeddings = rng.uniform(-1, 1, (NUM_WORDS + 1, UNITS))
  input_weights = rng.uniform(-1, 1, (4 * UNITS, UNITS))
  recurrent_weights = rng.uniform(-1, 1, (4 * UNITS, UNITS))
  bias = rng.uniform(-1, 1, 4 * UNITS) + rng.uniform(-1, 1, 4 * UNITS)
  state_weights, state_bias = rng.uniform(-1, 1, (UNITS, 2)), rng.uniform(-1, 1, UNITS)

  def initial_state(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = z @ state_weights.T + state_bias
    return hidden, np.zeros_like(hidden)

  return Network(
      embeddings, input_weights, np.zeros((4 * UNITS, 2)), recurrent_weights, bias,
      output_weights=rng.uniform(-5, 5, (NUM_WORDS, UNITS + 2)),
      output_bias=rng.uniform(-5, 5, NUM_WORDS), initial_state=initial_state)


def _split(network: Network, rng: np.random.Generator, size: int) -> Sentences:
  labels = rng.integers(0, len(COMPONENT_MEANS), size)
  z = COMPONENT_MEANS[labels] + rng.standard_normal((size, 2))
  uniforms = np.stack([rng.random(size) for _ in range(LENGTH)], axis=1)
  parts = [
      _sample(network, z[first:first + _ROWS_AT_ONCE], uniforms[first:first + _ROWS_AT_ONCE])
      for first in range(0, size, _ROWS_AT_ONCE)]
  words, log_likelihood = (np.concatenate(part) for part in zip(*parts, strict=True))
  return Sentences(words, labels, z, log_likelihood)


def _sample(
    network: Network, z: np.ndarray, uniforms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Words [n, 10] by inversion of the cumulative distribution, and their log-likelihood [n]."""
  rows = np.arange(len(z))
  projected = network.embeddings @ network.input_weights.T + network.bias
  latent = z @ network.latent_weights.T
  hidden, cell = network.initial_state(z)
  previous = np.full(len(z), _START)
  words = np.empty((len(z), LENGTH), np.int64)
  log_likelihood = np.zeros(len(z))
  for step in range(LENGTH):
    if step == 0 and network.uniform_start:
      logits = np.zeros((len(z), NUM_WORDS))
    else:
      gates = projected[previous] + latent + hidden @ network.recurrent_weights.T
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
