"""What both decoders of images must do, and plain forms to compare with."""

import itertools
from typing import Any

import numpy as np
import tensorflow as tf


def images(rows: int, side: int, seed: int = 0) -> np.ndarray:
  """Random binary images [rows, side, side, 1]."""
  random = np.random.default_rng(seed)
  return (random.random((rows, side, side, 1)) < 0.4).astype(np.float32)


def latents(rows: int, seed: int = 0) -> np.ndarray:
  """Random z [rows, 3]."""
  return np.random.default_rng(seed + 100).normal(size=(rows, 3)).astype(np.float32)


def all_images(side: int) -> np.ndarray:
  """Every binary image of a side, [2^(side^2), side, side, 1]."""
  every = np.array(list(itertools.product([0.0, 1.0], repeat=side * side)), np.float32)
  return every.reshape(-1, side, side, 1)


def naive_sample(decoder: Any, z: np.ndarray,
                 uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Images and their logits from one full pass for every pixel."""
  image = np.zeros((*uniform.shape, 1), np.float32)
  full = tf.function(lambda image: decoder.logits(z, image))
  for row, column in itertools.product(*map(range, uniform.shape[1:])):
    probability = tf.sigmoid(full(image))[:, row, column, 0]
    image[:, row, column, 0] = uniform[:, row, column] < probability.numpy()
  return image, full(image).numpy()


def influences(decoder: Any, side: int) -> np.ndarray:
  """Whether flipping pixel i changes logit j, bool [side^2, side^2], in evaluation mode."""
  pixels = side * side
  same = np.repeat(images(1, side), pixels, axis=0)
  flat = same.reshape(pixels, pixels).copy()
  np.fill_diagonal(flat, 1.0 - np.diagonal(flat))
  z = np.repeat(latents(1), pixels, axis=0)
  # Batches of one size, since the rounding of a product may depend on it.
  before, after = (decoder.logits(z, batch.reshape(same.shape)).numpy() for batch in (same, flat))
  return (after != before).reshape(pixels, pixels)
