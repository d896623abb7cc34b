"""The optimizers of encoder and decoder."""

import functools
from collections.abc import Callable

import keras
from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from du_vae_tf.training import optimizers
from du_vae_tf.training import regimes
from tests.training import tiny_images


class OptimizersTest(tf.test.TestCase, parameterized.TestCase):

  def make(self, make: Callable[[str], keras.optimizers.Optimizer]) -> None:
    self.model = tiny_images.build_model(tiny_images.make_config(method="du_iaf"))
    self.optimizers = optimizers.Optimizers(make, self.model)
    random = np.random.default_rng(0)
    self.gradients = [tf.constant(random.normal(size=variable.shape), tf.float32)
                      for variable in self.model.trainable_variables]

  def changed(self) -> list[str]:
    """Paths of the trainable weights that an update of all changed."""
    return [variable.path for variable, old in zip(
        self.model.trainable_variables, self.before, strict=True)
            if np.any(variable.numpy() != old)]

  @parameterized.product(modality=("text", "image"), part=optimizers.PARTS)
  def test_a_part_is_updated_alone(self, modality: str, part: str) -> None:
    self.make(functools.partial(regimes.REGIMES[modality].optimizer, 0.01))
    self.before = [variable.numpy() for variable in self.model.trainable_variables]
    self.optimizers.apply(self.gradients, (part,))
    decoder = [path for path in self.changed() if "/decoder/" in path]
    encoder = [path for path in self.changed() if "/decoder/" not in path]
    if part == "decoder":
      self.assertLen(decoder, len(self.model.decoder.trainable_variables))
      self.assertEmpty(encoder)
    else:
      self.assertEmpty(decoder)
      self.assertLen(encoder, len(self.before) - len(self.model.decoder.trainable_variables))
      # Normalization and flow belong to the encoder.
      for name in ("encoder", "mean_normalization", "flow_2"):
        self.assertTrue(any(name in path for path in encoder), name)

  # The second as a user may compile a model with: all that it does beside its step counts.
  @parameterized.parameters(
      functools.partial(regimes.REGIMES["image"].optimizer, 0.01),
      lambda name: keras.optimizers.Adam(0.01, weight_decay=0.5, clipvalue=0.1, name=name))
  def test_both_parts_are_as_one_optimizer(self, make: Callable[
      [str], keras.optimizers.Optimizer]) -> None:
    self.make(make)
    single = make("single")
    other = tiny_images.build_model(tiny_images.make_config(method="du_iaf"))
    single.build(other.trainable_variables)
    for _ in range(3):
      self.optimizers.apply(self.gradients)
      single.apply(self.gradients, other.trainable_variables)
    for ours, theirs in zip(
        self.model.trainable_variables, other.trainable_variables, strict=True):
      self.assertAllClose(ours, theirs, rtol=1e-6, atol=1e-7)

  def test_learning_rate_and_forgetting_reach_both(self) -> None:
    self.make(functools.partial(regimes.REGIMES["image"].optimizer, 0.01))
    self.optimizers.apply(self.gradients)
    self.optimizers.forget()
    self.assertAllEqual([np.max(np.abs(variable)) for variable in self.optimizers.variables],
                        np.zeros(len(self.optimizers.variables)))
    self.optimizers.set_learning_rate(0.25)
    rates = [float(variable) for variable in self.optimizers.variables
             if "learning_rate" in variable.path]
    self.assertEqual(rates, [0.25, 0.25])


if __name__ == "__main__":
  tf.test.main()
