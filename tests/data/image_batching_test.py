"""Batches of images as `tf.data`: contents, order, resuming."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf.data import image_batching
from du_vae_tf.data import image_splits


def _split(rows: int = 70, side: int = 8) -> image_splits.ImageSplit:
  images = np.random.default_rng(0).random((rows, side, side, 1), np.float32)
  return image_splits.make_split(images, np.arange(rows) % 3 - 1)


def _list(dataset):
  return list(dataset.as_numpy_iterator())


class ImageBatchesTest(tf.test.TestCase, parameterized.TestCase):

  def _assert_holds_its_rows(self, batch, split):
    self.assertAllEqual(batch["image"], split.images[batch["row"]])
    self.assertAllEqual(batch["label"], split.labels[batch["row"]])

  @parameterized.product(rows=(16, 31, 32, 33, 70), batch_size=(7, 16, 32))
  def test_every_image_once_in_batches_of_nearly_the_same_size(self, rows, batch_size):
    split = _split(rows)
    batches = image_batching.train_batches(split, batch_size, seed=5)
    made = _list(batches.dataset(0))
    self.assertLen(made, -(-rows // batch_size))
    self.assertEqual(batches.batches_per_epoch, len(made))
    sizes = [len(batch["row"]) for batch in made]
    self.assertLessEqual(max(sizes) - min(sizes), 1)
    self.assertLessEqual(max(sizes), batch_size)
    self.assertEqual(sorted(np.concatenate([batch["row"] for batch in made])), list(range(rows)))
    for batch in made:
      self._assert_holds_its_rows(batch, split)

  def test_epochs_and_seeds_have_other_batches(self):
    def order(seed, epoch):
      batches = image_batching.train_batches(_split(), 16, seed)
      return np.concatenate([batch["row"] for batch in _list(batches.dataset(epoch))]).tolist()
    self.assertEqual(order(5, 1), order(5, 1))
    self.assertNotEqual(order(5, 1), order(5, 2))
    self.assertNotEqual(order(5, 1), order(6, 1))
    self.assertNotEqual(order(5, 1), sorted(order(5, 1)))

  def test_starting_later_gives_the_rest_of_the_epoch(self):
    batches = image_batching.train_batches(_split(), 16, seed=5)
    whole, rest = _list(batches.dataset(3)), _list(batches.dataset(3, first=2))
    self.assertLen(rest, len(whole) - 2)
    for expected, received in zip(whole[2:], rest, strict=True):
      for name in expected:
        self.assertAllEqual(expected[name], received[name])
    self.assertEmpty(_list(batches.dataset(3, first=batches.batches_per_epoch)))

  def test_a_function_is_traced_once_for_all_sizes(self):
    spec = image_batching.element_spec(8)
    traces = []

    @tf.function(input_signature=[spec])
    def count(batch):
      traces.append(1)
      return tf.shape(batch["image"])[0]

    dataset = image_batching.train_batches(_split(), 16, seed=5).dataset(0)
    self.assertEqual(dataset.element_spec, spec)
    self.assertEqual(int(dataset.cardinality()), 5)
    self.assertEqual({int(count(batch)) for batch in dataset}, {14})
    dataset = image_batching.train_batches(_split(71), 16, seed=5).dataset(0)
    self.assertEqual({int(count(batch)) for batch in dataset}, {14, 15})
    self.assertLen(traces, 1)

  def test_types(self):
    batch = _list(image_batching.evaluation_dataset(_split(), 16))[0]
    self.assertEqual(
        {name: (value.dtype, value.shape) for name, value in batch.items()},
        {"image": (np.float32, (16, 8, 8, 1)), "label": (np.int32, (16,)),
         "row": (np.int64, (16,))})

  def test_evaluation_has_every_image_once_in_order(self):
    split = _split()
    batches = _list(image_batching.evaluation_dataset(split, 32))
    self.assertEqual([len(batch["row"]) for batch in batches], [32, 32, 6])
    self.assertAllEqual(np.concatenate([batch["row"] for batch in batches]), np.arange(70))
    for batch in batches:
      self._assert_holds_its_rows(batch, split)
    few = _list(image_batching.evaluation_dataset(split, 32, max_examples=40))
    self.assertAllEqual(np.concatenate([batch["row"] for batch in few]), np.arange(40))


if __name__ == "__main__":
  tf.test.main()
