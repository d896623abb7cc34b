"""Adam as images are trained with it, against its formulas, and `forget`."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.training import plateau
from du_vae_tf.training import regimes

START = np.array([1.0, -2.0, 0.5], np.float32)
GRADIENTS = [np.array(values, np.float32) for values in (
    [0.3, -4.0, 1e-8], [-0.2, 1.0, 3e-8], [2.0, 0.1, -1e-8])]


def take(optimizer: keras.optimizers.Optimizer, weight: keras.Variable,
         gradients: list[np.ndarray]) -> np.ndarray:
  for gradient in gradients:
    optimizer.apply([tf.constant(gradient)], [weight])
  return weight.numpy()


def adam(gradients: list[np.ndarray], learning_rate: float) -> np.ndarray:
  """The weight after these steps (Kingma and Ba 2015, the form before section 2.1), float64."""
  weight = START.astype(np.float64)
  first, second = np.zeros(3), np.zeros(3)
  for step, gradient in enumerate(gradients, start=1):
    first = 0.9 * first + 0.1 * gradient
    second = 0.999 * second + 0.001 * np.square(gradient, dtype=np.float64)
    rate = learning_rate * np.sqrt(1.0 - 0.999**step) / (1.0 - 0.9**step)
    weight -= rate * first / (np.sqrt(second) + 1e-8)
  return weight


class RegimesTest(tf.test.TestCase, parameterized.TestCase):

  def make(self, modality: str, learning_rate: float) -> tuple[
      keras.optimizers.Optimizer, keras.Variable]:
    weight = keras.Variable(START, name="weight")
    optimizer = regimes.REGIMES[modality].optimizer(learning_rate, "optimizer")
    optimizer.build([weight])
    return optimizer, weight

  def test_images_are_trained_with_adam(self):
    optimizer, weight = self.make("image", 1e-3)
    self.assertIsInstance(optimizer, keras.optimizers.Adam)
    self.assertEqual((optimizer.beta_1, optimizer.beta_2, optimizer.epsilon, optimizer.amsgrad),
                     (0.9, 0.999, 1e-8, False))
    self.assertAllClose(optimizer.learning_rate, 1e-3)
    # The steps clip gradients themselves; nothing else changes the update.
    for name in ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue"):
      self.assertIsNone(getattr(optimizer, name), name)
    self.assertIs(regimes.REGIMES["image"].rule, plateau.IMAGE_RULE)
    # The third gradient is of the order of epsilon; Keras's own 1e-7 would give a tenth of a step.
    # Steps of 1e-3 on weights of the order of 1: rounding of 1e-7 is 1e-4 of a step.
    moved = take(optimizer, weight, GRADIENTS) - START
    self.assertAllClose(moved, adam(GRADIENTS, 1e-3) - START, rtol=0.0, atol=5e-7)

  def test_text_is_trained_with_plain_gradient_descent(self):
    optimizer, weight = self.make("text", 0.5)
    self.assertAllClose(
        take(optimizer, weight, GRADIENTS), START - 0.5 * sum(GRADIENTS), rtol=1e-6)
    self.assertIs(regimes.REGIMES["text"].rule, plateau.TEXT_RULE)

  @parameterized.parameters("image", "text")
  def test_after_forget_an_optimizer_is_as_good_as_new(self, modality):
    used, used_weight = self.make(modality, 1e-3)
    take(used, used_weight, GRADIENTS)
    regimes.forget(used)
    used.learning_rate = 5e-4
    used_weight.assign(START)
    new, new_weight = self.make(modality, 5e-4)
    self.assertEqual([variable.path for variable in used.variables],
                     [variable.path for variable in new.variables])
    for ours, theirs in zip(used.variables, new.variables, strict=True):
      self.assertAllEqual(ours, theirs)
    for gradient in reversed(GRADIENTS):
      self.assertAllEqual(
          take(used, used_weight, [gradient]), take(new, new_weight, [gradient]))

  def test_without_forget_adam_remembers(self):
    used, used_weight = self.make("image", 1e-3)
    take(used, used_weight, GRADIENTS)
    used_weight.assign(START)
    new, new_weight = self.make("image", 1e-3)
    self.assertNotAllClose(
        take(used, used_weight, GRADIENTS[:1]), take(new, new_weight, GRADIENTS[:1]),
        rtol=0.0, atol=1e-5)


if __name__ == "__main__":
  tf.test.main()
