"""The gradients of every method's step against numerical ones."""

import functools
from typing import Any

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import methods
from du_vae_tf.models import builders
from du_vae_tf.objectives import schedules
from du_vae_tf.training import optimizers
from du_vae_tf.training import regimes
from du_vae_tf.training import step as step_lib
from du_vae_tf.training.procedures import table as procedures
from tests.testing import slopes

ROWS, LATENT_DIM, VOCABULARY = 6, 3, 12
RANDOM = np.random.default_rng(0)
LENGTH = np.array([6, 3, 5, 4, 6, 2], np.int32)

# Small enough for differences of float32 losses to be exact, large enough for every part to act.
_SMALL = {"flow_width": 4, "svi_steps": 2, "free_bits": 0.3}


def make_batch() -> dict[str, tf.Tensor]:
  ids = np.zeros([ROWS, 6], np.int32)
  for row, length in enumerate(LENGTH):
    ids[row, :length] = [1, *RANDOM.integers(4, VOCABULARY, length - 2), 2]
  shape = (ROWS, LATENT_DIM)
  return {
      "ids": tf.constant(ids), "length": tf.constant(LENGTH),
      "row": tf.range(ROWS, dtype=tf.int64),
      "noise": tf.constant(RANDOM.normal(size=shape), tf.float32),
      "variance_uniform": tf.constant(RANDOM.random(shape), tf.float32),
      "refinement_noise": tf.constant(RANDOM.normal(size=(ROWS, 2, LATENT_DIM)), tf.float32)}


BATCH = make_batch()


class GradientsTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(method=tuple(methods.METHODS), part=("encoder", "decoder"))
  def test_gradient_is_the_numerical_slope(self, method: str, part: str) -> None:
    self.check(method, part)

  @parameterized.parameters("encoder", "decoder")
  def test_gradient_of_an_autoencoder_that_decodes_means(self, part: str) -> None:
    self.check("ae", part, ae_sampling="deterministic")

  def check(self, method: str, part: str, **given: Any) -> None:
    own = methods.METHODS[method].defaults
    values = {name: value for name, value in (_SMALL | given).items() if name in own}
    config = config_lib.resolve({
        "method": method, "latent_dim": LATENT_DIM, "hidden_size": 5, "embedding_size": 4,
        "batch_size": 4} | values, {})
    model = builders.build_model(config, {"vocab_size": VOCABULARY})
    random = np.random.default_rng(2)
    for weight in [*model.encoder.weights, *model.decoder.weights]:
      weight.assign(0.5 * random.normal(size=weight.shape))
    stepper = step_lib.Stepper(
        model, optimizers.Optimizers(
            functools.partial(regimes.REGIMES["text"].optimizer, 1.0), model),
        tf.distribute.get_strategy(), config, schedules.Constant(0.5),
        procedures.differentiate(config, model))
    state = [weight.numpy() for weight in model.non_trainable_variables]

    @tf.function
    def step() -> Any:
      return stepper._differentiate(
          BATCH, tf.constant(0.5), tf.constant(True), tf.constant(float(ROWS)),
          tf.constant([1, 2]))

    def loss() -> float:
      for weight, value in zip(model.non_trainable_variables, state, strict=True):
        weight.assign(value)
      return float(np.mean(step()[1], dtype=np.float64))

    _, _, gradients = step()
    decoder = {weight.path for weight in model.decoder.trainable_variables}
    chosen = [(weight, gradient) for weight, gradient in zip(
        model.trainable_variables, gradients, strict=True)
              if (weight.path in decoder) == (part == "decoder")]
    slope, length = slopes.along_gradient(*zip(*chosen, strict=True), loss, size=2e-3)
    self.assertGreater(length, 1e-2)
    self.assertAllClose(slope, length, rtol=0.02)


if __name__ == "__main__":
  tf.test.main()
