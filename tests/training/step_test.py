"""One step: clipping, projection, faults, traces, binarization."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.objectives import schedules
from du_vae_tf.training import optimizers
from du_vae_tf.training import step as step_lib
from tests.testing import tolerances
from tests.training import stepping
from tests.training import tiny_images


class StepTest(tf.test.TestCase, parameterized.TestCase):

  def test_several_steps_in_one_call_are_the_same_steps(self):
    batches = [stepping.make_batch(rows, time, seed, noise=False)
               for seed, (rows, time) in enumerate([(8, 6), (5, 9), (4, 4), (8, 5), (6, 7)])]
    one = stepping.Setup(tf.distribute.get_strategy(), stepping.make_config())
    one.take(batches)
    several = stepping.Setup(tf.distribute.get_strategy(), stepping.make_config())
    iterator = iter(stepping.dataset_of(batches))
    for first, count in ((1, 3), (4, 2)):
      several.stepper.take(
          iterator, tf.constant(first, tf.int64), tf.constant(count, tf.int64))
    # The same operations; only their sums may be split differently among threads.
    self.assertAllClose(one.weights(), several.weights(), rtol=1e-6, atol=1e-7)
    self.assertAllClose(one.stepper.totals, several.stepper.totals, rtol=1e-6)
    self.assertEqual(several.stepper.take.experimental_get_tracing_count(), 1)

  @parameterized.parameters("du_vae", "iaf_free_bits")
  def test_compiled_steps_on_images_are_the_same_steps(self, method):
    batches = [stepping.make_images(8, seed) for seed in range(2)]
    for batch in batches:
      for name in ("noise", "variance_uniform", "pixel_uniform"):
        del batch[name]
    found = []
    for jit_compile in (False, True):
      setup = stepping.Setup(tf.distribute.get_strategy(),
                    tiny_images.make_config(
                        method=method, learning_rate=0.01, jit_compile=jit_compile))
      setup.take(batches)
      found.append((setup.weights(), setup.stepper.totals))
    for plain, compiled in zip(*found, strict=True):
      self.assertAllClose(plain, compiled, rtol=1e-4, atol=1e-5)

  def test_joint_gradient_norm_is_clipped_once(self):
    gradients = [tf.constant([30.0, 40.0]), tf.constant([[0.0], [120.0]])]  # Norm 130.
    clipped, norm = step_lib.reduced_and_clipped(gradients)
    self.assertAllClose(norm, 130.0)
    self.assertAllClose(tf.linalg.global_norm(clipped), step_lib.CLIP_NORM, rtol=1e-6)
    self.assertAllClose(clipped[0], gradients[0] * (5.0 / 130.0), rtol=1e-6)

  def test_small_gradients_are_left_alone(self):
    gradients = [tf.constant([3.0, -1.0])]
    clipped, _ = step_lib.reduced_and_clipped(gradients)
    self.assertAllEqual(clipped[0], gradients[0])

  def test_sparse_gradients_stay_sparse_and_count_repeated_rows_once(self):
    dense = tf.constant([[3.0, 4.0], [0.0, 0.0], [20.0, 0.0], [0.0, 0.0]])
    sparse = tf.IndexedSlices(  # Row 2 in two parts.
        tf.constant([[5.0, 0.0], [3.0, 4.0], [15.0, 0.0]]), tf.constant([2, 0, 2]),
        tf.constant([4, 2]))
    other = tf.constant([10.0])
    (clipped, clipped_other), norm = step_lib.reduced_and_clipped([sparse, other])
    expected, expected_norm = step_lib.reduced_and_clipped([dense, other])
    self.assertIsInstance(clipped, tf.IndexedSlices)
    self.assertLen(clipped.indices, 2)
    self.assertAllClose(norm, expected_norm)
    self.assertAllClose(tf.convert_to_tensor(clipped), expected[0])
    self.assertAllClose(clipped_other, expected[1])

  def test_words_that_do_not_occur_keep_their_embedding(self):
    setup = stepping.Setup(tf.distribute.get_strategy(), stepping.make_config(method="vae"))
    table = setup.model.decoder.embedding.table
    before = table.numpy()
    batch = stepping.make_batch(8, 6, 0)
    setup.take([batch])
    changed = np.abs(table.numpy() - before).max(axis=1) > 0.0
    # All that the decoder reads; the last token of each row is only predicted.
    read = np.unique([token for row, tokens in zip(batch["ids"].numpy(), batch["length"].numpy())
                      for token in row[:tokens - 1]])
    self.assertAllEqual(np.flatnonzero(changed), read)

  def test_scale_has_its_rms_after_every_update(self):
    setup = stepping.Setup(tf.distribute.get_strategy(), stepping.make_config(gamma=0.7))
    for seed in range(4):
      setup.take([stepping.make_batch(8, 6, seed)])
      scale = setup.model.normalization.scale.numpy()
      self.assertAllClose(np.mean(scale**2), 0.49, rtol=1e-6)
    self.assertGreater(np.ptp(np.abs(scale)), 0.0)

  def test_lengths_and_batch_sizes_cost_no_new_trace(self):
    setup = stepping.Setup(tf.distribute.get_strategy(), stepping.make_config())
    for seed, (rows, time) in enumerate([(8, 6), (7, 9), (3, 4)]):
      setup.take([stepping.make_batch(rows, time, seed, noise=False)])
    self.assertEqual(setup.stepper.take.experimental_get_tracing_count(), 1)

  @parameterized.parameters(("authors", [False, False, True, True]), ("paper", [True] * 4))
  def test_floor_and_dropout_act_from_the_step_of_the_profile(self, fidelity, expected):
    setup = stepping.Setup(tf.distribute.get_strategy(), stepping.make_config(fidelity=fidelity),
                  schedules.LinearWarmup(0.0, 3))
    self.assertEqual([bool(setup.stepper.regularized(step)) for step in (1, 2, 3, 4)], expected)

  @parameterized.parameters(("decoder/state", "reconstruction"), ("encoder/head", "kl"))
  def test_first_fault_names_its_term_and_step(self, weight, term):
    setup = stepping.Setup(tf.distribute.get_strategy(), stepping.make_config(method="vae"))
    setup.take([stepping.make_batch(8, 6, 0)])
    self.assertEqual(setup.stepper.first_fault.numpy()[0], 0)
    part, layer = weight.split("/")
    kernel = getattr(getattr(setup.model, part), layer).kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    setup.take([stepping.make_batch(8, 6, 1), stepping.make_batch(8, 6, 2)])
    step, index = setup.stepper.first_fault.numpy()
    self.assertEqual(step, 1)
    # The first of the watched terms in the order in which a fault spreads.
    self.assertEqual(step_lib.WATCHED[index],
                     "reconstruction" if part == "encoder" else term)


class _Recorder:
  """In place of a model: keeps the images that it is to learn from."""

  latent_dim = 1

  def __init__(self, shape: tf.TensorShape):
    self.weight = keras.Variable([0.0])
    self.trainable_variables = [self.weight]
    self.decoder = self  # All of it.
    self.seen = tf.Variable(tf.fill(shape, -1.0))

  def terms(self, batch: dict[str, tf.Tensor], noise: tf.Tensor,
            **options: object) -> dict[str, tf.Tensor]:
    del noise, options
    self.seen.assign(batch["image"])
    zeros = tf.zeros([tf.shape(batch["row"])[0]]) * self.weight.value
    return {"reconstruction": zeros, "kl": zeros, "tokens": tf.cast(zeros, tf.int32)}


class BinarizationTest(tf.test.TestCase, parameterized.TestCase):

  def seen(self, image: np.ndarray, steps: int = 1, seed: int = 1,
           **given: np.ndarray) -> list[np.ndarray]:
    """The images of each step on the same batch."""
    model = _Recorder(image.shape)
    trained = optimizers.Optimizers(lambda name: keras.optimizers.SGD(0.1, name=name), model)
    strategy = tf.distribute.get_strategy()
    stepper = step_lib.Stepper(model, trained, strategy, tiny_images.make_config(seed=seed),
                               schedules.LinearWarmup(0.0, 2))
    rows = len(image)
    batch = {"image": tf.constant(image), "row": tf.range(rows, dtype=tf.int64)} | given
    iterator = iter(stepping.dataset_of([batch] * steps))
    found = []
    for number in range(1, steps + 1):
      stepper.take(iterator, tf.constant(number, tf.int64), tf.constant(1, tf.int64))
      found.append(model.seen.numpy())
    return found

  def test_share_of_ink_is_the_grey_value(self):
    greys = np.array([0.1, 0.5, 0.9], np.float32)
    image = np.broadcast_to(greys[:, None, None, None], (3, 64, 64, 1))
    found = np.stack(self.seen(image, steps=4))
    self.assertAllEqual(np.unique(found), [0.0, 1.0])
    draws = found.size // 3
    self.assertAllClose(found.mean(axis=(0, 2, 3, 4)), greys, rtol=0.0,
                        atol=tolerances.hoeffding_radius(draws))

  def test_draws_are_new_at_each_step_and_belong_to_the_seed(self):
    image = np.full((4, 8, 8, 1), 0.5, np.float32)
    first, second = self.seen(image, steps=2)
    again, _ = self.seen(image, steps=2)
    other, = self.seen(image, seed=2)
    self.assertAllEqual(first, again)
    for different in (second, other):
      # Half of 256 pixels, but for a probability of 1e-9.
      self.assertAllClose(np.mean(first != different), 0.5, rtol=0.0,
                          atol=tolerances.hoeffding_radius(first.size))
    # The rows have draws of their own, too.
    self.assertLen(np.unique(first.reshape(4, -1), axis=0), 4)

  def test_binary_images_are_left_as_they_are(self):
    image = np.random.default_rng(0).integers(0, 2, (9, 8, 8, 1)).astype(np.float32)
    for found in self.seen(image, steps=3):
      self.assertAllEqual(found, image)

  def test_draws_may_be_given(self):
    batch = stepping.make_images(3, seed=0)
    image, uniform = batch["image"].numpy(), batch["pixel_uniform"]
    found, = self.seen(image, pixel_uniform=uniform)
    self.assertAllEqual(found, (uniform.numpy() < image).astype(np.float32))


if __name__ == "__main__":
  tf.test.main()
