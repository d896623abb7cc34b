"""Steps of small models on one strategy: `python -m benchmarks.strategy_steps JSON`.

Takes the same steps on the same batches with the same draws whatever the strategy, and writes the
weights of every method to a file.
"""

import json
import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import console
from du_vae_tf import methods as methods_lib
from du_vae_tf.models import builders
from du_vae_tf.models.decoders import lstm
from du_vae_tf.objectives import schedules
from du_vae_tf.training import optimizers
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies
from du_vae_tf.training import workers
from du_vae_tf.training.procedures import table as procedures

_LATENT_DIM, _VOCABULARY, _SIDE = 3, 20, 8
# Networks of images normalize over a batch, and magnify rounding where it has but few rows.
_LEAST_ROWS, _ROWS = {"text": 1, "image": 10}, {"text": 8, "image": 16}
_INNER_UPDATES = 2
# The largest entry of kernels. New models of text give nearly equal means; normalization would
# divide by their tiny spread, and magnify the rounding of sums whose order differs.
_LARGEST = {"text": {"head/kernel": 1.0, "encoder/lstm/kernel": 0.4}, "image": {}}
_SIZES = {"text": {"vocab_size": _VOCABULARY}, "image": {"side": _SIDE}}
_NETWORKS: dict[str, dict[str, Any]] = {
    "text": {"hidden_size": 7, "embedding_size": 5, "learning_rate": 0.3},
    # Not Adam: its steps have the size of the learning rate even where the gradient is rounding.
    "image": {"dataset": "images", "train_file": "train.npz", "learning_rate": 0.005}}

Batch = dict[str, np.ndarray]


def make_batch(modality: str, number: int, reverse: bool = False) -> Batch:
  """A batch with all draws of its step; every third one is smaller.

  Args:
    modality: `text` or `image`.
    number: of the batch.
    reverse: gives the rows in reverse order, which changes sums by their rounding alone.
  """
  batch = _drawn(modality, number)
  return {name: value[::-1].copy() for name, value in batch.items()} if reverse else batch


def _drawn(modality: str, number: int) -> Batch:
  random = np.random.default_rng(number)
  most = _ROWS[modality]
  rows = most if number % 3 else int(random.integers(_LEAST_ROWS[modality], most))
  batch: Batch = {
      "noise": random.standard_normal([rows, _LATENT_DIM]).astype(np.float32),
      "variance_uniform": random.random([rows, _LATENT_DIM], np.float32),
      "label": np.full(rows, -1, np.int32), "row": np.arange(rows)}
  if modality == "image":
    shape = [rows, _SIDE, _SIDE, 1]
    return batch | {"image": random.random(shape, np.float32),
                    "pixel_uniform": random.random(shape, np.float32)}
  length = random.integers(3, 10, rows)
  ids = random.integers(4, _VOCABULARY, [rows, length.max()])
  ids[:, 0] = 1
  for row, end in enumerate(length):
    ids[row, end - 1:] = [2] + [0] * (ids.shape[1] - end)
  return batch | {"ids": ids.astype(np.int32), "length": length.astype(np.int32)}


def train(strategy: tf.distribute.Strategy, modality: str, method: str, steps: int,
          reverse: bool = False) -> dict[str, np.ndarray]:
  """The weights after so many steps, by path.

  Args:
    strategy: takes the steps.
    modality: `text` or `image`.
    method: of `methods.METHODS`; of `agg_vae` updates of encoder and decoder apart.
    steps: each on a batch of its own; 0 gives the initial weights.
    reverse: see `make_batch`.
  """
  few = {"svi_steps": 3} if methods_lib.METHODS[method].procedure == "semi_amortized" else {}
  config = config_lib.resolve(
      {"method": method, "latent_dim": _LATENT_DIM, "seed": 3, **_NETWORKS[modality], **few}, {})
  with strategy.scope():
    model = builders.build_model(config, _SIZES[modality])
    for ending, largest in _LARGEST[modality].items():
      for variable in model.variables:
        if variable.path.endswith(ending):
          variable.assign(largest * variable / tf.reduce_max(tf.abs(variable)))
    trained = optimizers.Optimizers(
        lambda name: keras.optimizers.SGD(config.learning_rate, name=name), model)
  stepper = step_lib.Stepper(
      model, trained, strategy, config, schedules.LinearWarmup(0.0, 2),
      procedures.differentiate(config, model))
  batches = [make_batch(modality, number, reverse) for number in range(1, max(2, steps + 1))]
  iterator = iter(strategies.distribute(_dataset(batches), strategy))
  for number, batch in enumerate(batches[:steps], 1):
    step = tf.constant(number, tf.int64)
    if methods_lib.METHODS[method].procedure == "aggressive":
      shared = strategies.distribute_batch(batch, strategy)
      for inner in range(1, _INNER_UPDATES + 1):
        stepper.update_encoder(shared, step, tf.constant(inner, tf.int64))
      stepper.update_decoder(shared, step)
    else:
      stepper.take(iterator, step, tf.constant(1, tf.int64))
  return {variable.path: variable.numpy() for variable in model.variables}


def _dataset(batches: list[Batch]) -> tf.data.Dataset:
  signature = {name: tf.TensorSpec([None] * value.ndim, value.dtype)
               for name, value in batches[0].items()}
  return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=signature)


def main(options: dict[str, Any]) -> None:
  """Takes the steps that are asked for, and writes the weights if this is the chief."""
  if options["strategy"] == "mirrored":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
  strategy = strategies.make_strategy(options["strategy"])
  # What it draws follows from the replica, so that replicas draw apart.
  lstm._DROPOUT_RATE = 0.0  # pylint: disable=protected-access
  group = workers.Workers(strategy)
  weights: dict[str, Any] = {}
  for method in options["methods"]:
    for path, value in train(strategy, options["modality"], method, options["steps"],
                             options["reverse"]).items():
      weights[f"{method}:{path}"] = value
    console.say(method)
  group.wait()
  if group.is_chief:
    np.savez(options["file"], **weights)


if __name__ == "__main__":
  main(json.loads(sys.argv[1]))
