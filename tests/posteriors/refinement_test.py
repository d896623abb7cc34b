"""Refinement steps against loops, and their derivative against numerical ones."""

from typing import Any

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.posteriors import refinement

ROWS, DIMENSIONS, STEPS = 3, 2, 4
RANDOM = np.random.default_rng(0)
START = RANDOM.normal(size=(2, ROWS, DIMENSIONS))
NOISE = RANDOM.normal(size=(STEPS, ROWS, DIMENSIONS))
UPSTREAM = RANDOM.normal(size=(2, ROWS, DIMENSIONS))
WEIGHT = RANDOM.normal(size=(DIMENSIONS, DIMENSIONS))
RATE, CLIP_NORM, LONG = 0.1, 2.0, 1e6


def make_loss(weight: Any) -> refinement.Loss:
  """Not quadratic in anything."""

  def loss(moments: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    mean, log_variance = tf.unstack(moments)
    z = mean + tf.exp(0.5 * log_variance) * noise
    return tf.reduce_sum(tf.sin(z @ weight) + 0.1 * z**4, axis=-1) + tf.reduce_sum(
        tf.exp(log_variance) - log_variance + mean**2, axis=-1)

  return loss


def gradient(weight: np.ndarray, moments: np.ndarray, noise: np.ndarray) -> np.ndarray:
  mean, log_variance = moments
  scale = np.exp(0.5 * log_variance)
  z = mean + scale * noise
  by_z = np.cos(z @ weight) @ weight.T + 0.4 * z**3
  return np.stack([by_z + 2.0 * mean, 0.5 * by_z * scale * noise + np.exp(log_variance) - 1.0])


def refine(weight: np.ndarray, moments: np.ndarray, rate: float = RATE) -> np.ndarray:
  momentum = np.zeros_like(moments)
  for noise in NOISE:
    step = rate * gradient(weight, moments, noise)
    norms = np.linalg.norm(step, axis=-1, keepdims=True)
    momentum = 0.5 * momentum - step * np.minimum(1.0, CLIP_NORM / norms)
    moments = moments + momentum
  return moments


class RefinementTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters((RATE, False), (RATE, True), (3.0, False))
  def test_steps_are_those_of_the_algorithm(self, rate: float, graph: bool) -> None:
    def run() -> tf.Tensor:
      return refinement.Refinement(STEPS, rate, CLIP_NORM, LONG).refine(
          make_loss(tf.constant(WEIGHT)), tf.constant(START), tf.constant(NOISE))[0]

    refined = (tf.function(run) if graph else run)()
    self.assertAllClose(refined, refine(WEIGHT, START, rate), rtol=1e-9, atol=1e-9)

  # With the larger rate, gradients are clipped, and the clipping is differentiated, too.
  @parameterized.parameters((RATE, False), (RATE, True), (1.5, True))
  def test_derivative_is_the_numerical_one(self, rate: float, graph: bool) -> None:
    weight = tf.Variable(WEIGHT)

    def run() -> Any:
      refiner, loss = refinement.Refinement(STEPS, rate, CLIP_NORM, LONG), make_loss(weight)
      _, path = refiner.refine(loss, tf.constant(START), tf.constant(NOISE))
      return refiner.pull_back(
          loss, path, tf.constant(NOISE), tf.constant(UPSTREAM), [weight])

    by_start, (by_weight,) = (tf.function(run) if graph else run)()
    step = 1e-6
    for _ in range(3):
      start, change = (RANDOM.normal(size=value.shape) for value in (START, WEIGHT))
      slope = np.sum(UPSTREAM * (
          refine(WEIGHT + step * change, START + step * start, rate)
          - refine(WEIGHT - step * change, START - step * start, rate))) / (2.0 * step)
      self.assertAllClose(np.sum(by_start * start) + np.sum(by_weight * change), slope, rtol=1e-5)

  def test_gradient_that_grows_from_step_to_step_is_cut(self) -> None:
    # Each step leads away: momentum apart, it multiplies the distance to the minimum by -7.
    def loss(moments: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
      return tf.reduce_sum(4.0 * moments**2, axis=[0, -1]) + 0.0 * tf.reduce_sum(noise, axis=-1)

    def by_start(adjoint_norm: float) -> tf.Tensor:
      refiner = refinement.Refinement(STEPS, 1.0, 1e6, adjoint_norm)
      _, path = refiner.refine(loss, tf.constant(START), tf.constant(NOISE))
      return refiner.pull_back(loss, path, tf.constant(NOISE), tf.constant(UPSTREAM), [])[0]

    def norms(vectors: tf.Tensor) -> np.ndarray:
      return np.linalg.norm(vectors, axis=-1)

    self.assertAllGreater(norms(by_start(1e6)), 50.0 * norms(UPSTREAM).min())
    cut = by_start(3.0)
    self.assertAllClose(norms(cut), np.full([2, ROWS], 3.0), rtol=1e-9)
    # Whatever is not cut is exact, and what is cut keeps its direction here: each step acts alike.
    alignment = np.abs(np.sum(cut * by_start(1e6), axis=-1))
    self.assertAllClose(alignment, 3.0 * norms(by_start(1e6)), rtol=1e-9)

  def test_rows_do_not_see_each_other(self) -> None:
    refiner = refinement.Refinement(STEPS, 3.0, CLIP_NORM, LONG)
    loss = make_loss(tf.constant(WEIGHT))
    whole, _ = refiner.refine(loss, tf.constant(START), tf.constant(NOISE))
    part, _ = refiner.refine(loss, tf.constant(START[:, 1:]), tf.constant(NOISE[:, 1:]))
    self.assertAllClose(whole[:, 1:], part, rtol=1e-12)

  def test_one_noise_may_serve_all_rows(self) -> None:
    refiner = refinement.Refinement(STEPS, RATE, CLIP_NORM, LONG)
    loss = make_loss(tf.constant(WEIGHT))
    shared = tf.constant(NOISE[:, :1])
    repeated = tf.repeat(shared, ROWS, axis=1)
    self.assertAllClose(refiner.refine(loss, tf.constant(START), shared)[0],
                        refiner.refine(loss, tf.constant(START), repeated)[0], rtol=1e-12)

  def test_no_rows_are_no_fault(self) -> None:
    refiner = refinement.Refinement(STEPS, RATE, CLIP_NORM, LONG)
    weight = tf.Variable(WEIGHT)
    loss, none = make_loss(weight), tf.constant(START[:, :0])
    refined, path = refiner.refine(loss, none, tf.constant(NOISE[:, :0]))
    self.assertEqual(refined.shape, (2, 0, DIMENSIONS))
    by_start, (by_weight,) = refiner.pull_back(
        loss, path, tf.constant(NOISE[:, :0]), none, [weight])
    self.assertEqual(by_start.shape, (2, 0, DIMENSIONS))
    self.assertAllEqual(by_weight, np.zeros_like(WEIGHT))


if __name__ == "__main__":
  tf.test.main()
