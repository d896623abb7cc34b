"""What a training step costs on one replica, on paper: operations, bytes and calls of its parts.

A product is taken three times: forwards, and for the gradient of each of its factors. Of tensors
each reading and each writing counts, as if no cache held them; how often is read off the code and
stands in the constants. A part takes the longer of its arithmetic and its memory traffic, and a
fixed time for each of its calls. Nothing overlaps.

Source: Williams et al. 2009, the roofline model.
"""

import dataclasses
from collections.abc import Sequence

from benchmarks import work

_FLOAT = 4

# Positions of which the cross-entropy makes the logits at a time.
_BLOCK_ROWS = 2048
# How often the step on text reads or writes a tensor, counted in the code: gates [t, b, 4 h] in the
# loop of `layers/lstm.py`, or around cuDNN's recurrence; logits; looked-up rows and their gradient.
_GATES, _GATES_FUSED = 30, 8
_LOGITS = 9
_LOOKED_UP = 12
# Gradients in the norm, clipping and update by SGD, and by Adam with its moments.
_SGD, _ADAM = 8, 29
# The same for what the kernels of the image model give, with fused normalization on one device and
# with the one that replicas share; casts to and from bfloat16.
_MAPS, _MAPS_SHARED, _MAPS_CAST = 16, 40, 6
# Nodes of TensorFlow's graph of a step (counted for `du_vae`): outside loops; of a time step of an
# LSTM, both directions, by the loop and by cuDNN; of a block of logits. Replicas that share the
# batch have more: the exchange and the normalization in single operations.
_TEXT, _TEXT_SHARED = 1500, 1600
_TIME_STEP, _TIME_STEP_FUSED = 55, 4
_BLOCK = 56
_IMAGE, _IMAGE_SHARED = 11_000, 28_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
  """What does the work of one replica.

  Attributes:
    rate: of products, operations a second.
    bandwidth: of memory, bytes a second, reading and writing counted apart.
    call: seconds that each operation of the graph costs beside its arithmetic.
    product_bytes: of a number in products, 4 for float32, 2 for bfloat16.
    fused: whether the LSTM runs through cuDNN.
  """

  rate: float
  bandwidth: float
  call: float
  product_bytes: int
  fused: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
  """A part of a step.

  Attributes:
    name: for people.
    flops: operations of products, additions and multiplications counted apart.
    traffic: bytes that are read and written.
    calls: operations of the graph.
    repeats: how often all this is done, one after the other.
  """

  name: str
  flops: float = 0.0
  traffic: float = 0.0
  calls: float = 0.0
  repeats: int = 1

  def seconds(self, machine: Machine) -> float:
    """The longer of arithmetic and traffic, and the calls."""
    busy = max(self.flops / machine.rate, self.traffic / machine.bandwidth)
    return self.repeats * (busy + self.calls * machine.call)


def total_seconds(parts: Sequence[Part], machine: Machine) -> float:
  """Of all parts, one after the other."""
  return sum(part.seconds(machine) for part in parts)


def total_flops(parts: Sequence[Part]) -> float:
  """Operations of all parts."""
  return sum(part.repeats * part.flops for part in parts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextSizes:
  """The text model and its sentences.

  Attributes:
    vocab_size: token ids.
    hidden_size: units of both LSTMs.
    embedding_size: columns of both tables.
    latent_dim: n.
    words: of a sentence.
  """

  vocab_size: int
  hidden_size: int
  embedding_size: int
  latent_dim: int
  words: int

  @property
  def encoder_tokens(self) -> int:
    """Tokens of a sentence that the encoder reads: words, start and end symbol."""
    return self.words + 2

  @property
  def decoder_tokens(self) -> int:
    """Tokens of a sentence that are predicted: words and the end symbol."""
    return self.words + 1

  @property
  def dense_weights(self) -> int:
    """Trained weights, but for the tables."""
    gates, lstm_inputs = 4 * self.hidden_size, self.embedding_size + self.hidden_size + 1
    encoder = lstm_inputs * gates + 2 * self.latent_dim * self.hidden_size
    decoder = ((lstm_inputs + self.latent_dim) * gates
               + self.hidden_size * (self.latent_dim + self.vocab_size))
    return encoder + 2 * self.latent_dim + decoder

  @property
  def table_weights(self) -> int:
    """Weights of one table of embeddings."""
    return self.vocab_size * self.embedding_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageSizes:
  """The image model.

  Attributes:
    flops: of the products on one image, forwards.
    maps: numbers that the products give for one image.
    dense_weights: trained weights.
    normalizations: layers that take moments of the batch.
    channels: mean number of the values that one of them normalizes.
  """

  flops: float
  maps: int
  dense_weights: int
  normalizations: int
  channels: float


Sizes = TextSizes | ImageSizes


def step_parts(sizes: Sizes, rows: float, machine: Machine, shared: bool = False) -> list[Part]:
  """The parts of a step of `du_vae`, but for what replicas exchange.

  Args:
    sizes: of the model, and of sentences.
    rows: of this replica; the mean where replicas have different numbers.
    machine: it decides on precision and cuDNN.
    shared: whether other replicas have rows of the same batch.
  """
  if isinstance(sizes, TextSizes):
    return _text_parts(sizes, rows, machine, shared)
  return _image_parts(sizes, rows, machine, shared)


def _text_parts(sizes: TextSizes, rows: float, machine: Machine, shared: bool) -> list[Part]:
  """With SGD; see `step_parts`."""
  hidden, embedding = sizes.hidden_size, sizes.embedding_size
  tokens = rows * (sizes.encoder_tokens + sizes.decoder_tokens)
  return [
      Part(name="embeddings", traffic=_FLOAT * _LOOKED_UP * tokens * embedding),
      *_lstm_parts("encoder", rows, sizes.encoder_tokens, embedding, hidden, machine),
      *_lstm_parts("decoder", rows, sizes.decoder_tokens, embedding, hidden, machine),
      _vocabulary_part(sizes, rows * sizes.decoder_tokens, machine),
      Part(name="update", traffic=_FLOAT * _SGD * sizes.dense_weights),
      Part(name="calls", calls=_TEXT_SHARED if shared else _TEXT)]


def _lstm_parts(name: str, rows: float, steps: int, inputs: int, units: int,
                machine: Machine) -> list[Part]:
  """The products that need no order in time, the recurrence, and what is done for each number."""
  tokens, gates = rows * steps, 4 * units
  recurrent = work.lstm_flops(tokens, 0, units)
  at_once = 3 * (work.lstm_flops(tokens, inputs, units) - recurrent) + recurrent
  operands = (3 * (tokens * (inputs + gates) + inputs * gates)
              + tokens * (units + gates) + units * gates)
  in_loop = 2 * (units * gates + rows * (units + gates))
  return [
      Part(name=f"{name}, products", flops=at_once, traffic=machine.product_bytes * operands),
      # Both directions: the kernel is read again at every time step.
      Part(name=f"{name}, recurrence", flops=2 * recurrent / steps,
           traffic=machine.product_bytes * in_loop,
           calls=_TIME_STEP_FUSED if machine.fused else _TIME_STEP, repeats=steps),
      Part(name=f"{name}, gates", traffic=_FLOAT * tokens * gates * (
          _GATES_FUSED if machine.fused else _GATES))]


def _vocabulary_part(sizes: TextSizes, positions: float, machine: Machine) -> Part:
  """Cross-entropy and its gradient."""
  blocks = max(1, -(-int(positions) // _BLOCK_ROWS))
  kernel = sizes.hidden_size * sizes.vocab_size
  # Of each block the kernel is read twice and its gradient written, and added from the second on;
  # at the end it is multiplied by the upstream gradient.
  kernel_traffic = kernel * (2 * machine.product_bytes * blocks + _FLOAT * (4 * blocks - 3 + 2))
  return Part(
      name="vocabulary",
      flops=3 * work.vocabulary_flops(positions, sizes.hidden_size, sizes.vocab_size),
      traffic=_FLOAT * _LOGITS * positions * sizes.vocab_size + kernel_traffic,
      calls=_BLOCK * blocks)


def _image_parts(sizes: ImageSizes, rows: float, machine: Machine, shared: bool) -> list[Part]:
  """With Adam; see `step_parts`."""
  numbers = rows * sizes.maps
  passes = (_MAPS_SHARED if shared else _MAPS) + (_MAPS_CAST if machine.product_bytes < 4 else 0)
  return [
      # Each reads about as many numbers as it gives, in both directions and for the kernels.
      Part(name="convolutions", flops=3 * rows * sizes.flops,
           traffic=machine.product_bytes * 3 * 2 * numbers),
      Part(name="maps", traffic=_FLOAT * passes * numbers),
      Part(name="update", traffic=_FLOAT * _ADAM * sizes.dense_weights),
      Part(name="calls", calls=_IMAGE_SHARED if shared else _IMAGE)]
