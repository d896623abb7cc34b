"""The text model of Shen et al. 2021 in plain NumPy, float64, one token at a time."""

from collections.abc import Iterable

import numpy as np


def lstm_step(inputs: np.ndarray, hidden: np.ndarray, cell: np.ndarray, kernel: np.ndarray,
              recurrent_kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """h and c after a step."""
  i, f, g, o = np.split(inputs @ kernel + hidden @ recurrent_kernel + bias, 4)
  cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
  return sigmoid(o) * np.tanh(cell), cell


def sigmoid(x: np.ndarray) -> np.ndarray:
  return 1.0 / (1.0 + np.exp(-x))


def encode(weights: dict[str, np.ndarray], ids: Iterable[int]) -> np.ndarray:
  """Mean and log-variance of a sentence without padding, [2 n]."""
  units = weights["recurrent_kernel"].shape[0]
  hidden, cell = np.zeros(units), np.zeros(units)
  for number in ids:
    hidden, cell = lstm_step(weights["table"][number], hidden, cell, weights["kernel"],
                             weights["recurrent_kernel"], weights["bias"])
  return hidden @ weights["head"]


def decode(weights: dict[str, np.ndarray], z: np.ndarray,
           ids: Iterable[int]) -> list[np.ndarray]:
  """Log-probabilities of the token after each of the given ones."""
  cell = z @ weights["state"]
  hidden = np.tanh(cell)
  results = []
  for number in ids:
    inputs = np.concatenate([weights["table"][number], z])
    hidden, cell = lstm_step(inputs, hidden, cell, weights["kernel"],
                             weights["recurrent_kernel"], weights["bias"])
    logits = hidden @ weights["vocabulary"]
    results.append(logits - np.log(np.sum(np.exp(logits))))
  return results
