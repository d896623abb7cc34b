"""Steps of small models on batches that bring their own draws."""

import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.models import builders
from du_vae_tf.objectives import schedules
from du_vae_tf.training import optimizers
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies
from du_vae_tf.training.procedures import table as procedures
from tests.training import tiny_images

VOCABULARY = 20


def make_config(**changes: object) -> config_lib.RunConfig:
  values = {"latent_dim": 3, "hidden_size": 7, "embedding_size": 5, "seed": 3}
  return config_lib.resolve(values | changes, {})


def make_batch(rows: int, time: int, seed: int, noise: bool = True) -> dict[str, tf.Tensor]:
  generator = np.random.default_rng(seed)
  length = generator.integers(3, time + 1, rows)
  length[:1] = time
  ids = generator.integers(4, VOCABULARY, (rows, time))
  ids[:, 0] = 1
  for row, end in enumerate(length):
    ids[row, end - 1:] = [2] + [0] * (time - end)
  batch = {
      "ids": tf.constant(ids, tf.int32), "length": tf.constant(length, tf.int32),
      "label": tf.fill([rows], -1), "row": tf.range(rows, dtype=tf.int64)}
  if noise:
    batch["noise"] = tf.constant(generator.standard_normal((rows, 3)), tf.float32)
    batch["variance_uniform"] = tf.constant(generator.random((rows, 3)), tf.float32)
  return batch


def make_images(rows: int, seed: int) -> dict[str, tf.Tensor]:
  """Grey images with all draws of a step."""
  generator = np.random.default_rng(seed)
  side, latent_dim = tiny_images.SIDE, tiny_images.LATENT_DIM
  values = {
      "image": generator.random((rows, side, side, 1)),
      "noise": generator.standard_normal((rows, latent_dim)),
      "variance_uniform": generator.random((rows, latent_dim)),
      "pixel_uniform": generator.random((rows, side, side, 1))}
  batch = {name: tf.constant(value, tf.float32) for name, value in values.items()}
  return batch | {"label": tf.fill([rows], -1), "row": tf.range(rows, dtype=tf.int64)}


def dataset_of(batches: list[dict[str, tf.Tensor]]) -> tf.data.Dataset:
  spec = {name: tf.TensorSpec([None] * value.shape.rank, value.dtype)
          for name, value in batches[0].items()}
  return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=spec)


class Setup:
  """Model, optimizer and stepper under a strategy."""

  def __init__(self, strategy: tf.distribute.Strategy, config: config_lib.RunConfig,
               warmup: schedules.LinearWarmup = schedules.LinearWarmup(0.0, 2)):
    self.strategy = strategy
    with strategy.scope():
      self.model = (
          builders.build_model(config, {"vocab_size": VOCABULARY})
          if config.modality == "text" else tiny_images.build_model(config))
      self.optimizers = optimizers.Optimizers(
          lambda name: keras.optimizers.SGD(config.learning_rate, name=name), self.model)
    self.stepper = step_lib.Stepper(
        self.model, self.optimizers, strategy, config, warmup,
        procedures.differentiate(config, self.model))

  def take(self, batches: list[dict[str, tf.Tensor]]) -> None:
    iterator = iter(strategies.distribute(dataset_of(batches), self.strategy))
    for number in range(1, len(batches) + 1):
      self.stepper.take(iterator, tf.constant(number, tf.int64), tf.constant(1, tf.int64))

  def weights(self) -> list[np.ndarray]:
    return [variable.numpy() for variable in self.model.variables]
