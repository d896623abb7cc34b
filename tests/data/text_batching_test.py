"""Batches of text as `tf.data`: padding, order, resuming."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import encoding
from du_vae_tf.data import text_batching


def _split(lengths) -> encoding.EncodedSplit:
  lengths = np.asarray(lengths)
  offsets = np.concatenate([[0], np.cumsum(lengths)])
  return encoding.EncodedSplit(
      tokens=np.random.default_rng(0).integers(4, 90, offsets[-1]).astype(np.int32),
      offsets=offsets, labels=(np.arange(len(lengths)) % 3).astype(np.int32))


def _random_split(num_rows=330) -> encoding.EncodedSplit:
  return _split(np.random.default_rng(1).integers(1, 12, num_rows))


def _list(dataset):
  return list(dataset.as_numpy_iterator())


class BatchesTest(tf.test.TestCase, parameterized.TestCase):

  def _assert_holds_its_rows(self, batch, split):
    longest = max(len(split.words(row)) for row in batch["row"])
    self.assertEqual(batch["ids"].shape, (len(batch["row"]), longest + 2))
    for ids, length, label, row in zip(
        batch["ids"], batch["length"], batch["label"], batch["row"], strict=True):
      expected = [1, *split.words(row), 2]
      self.assertEqual(length, len(expected))
      self.assertAllEqual(ids, expected + [0] * (longest + 2 - length))
      self.assertEqual(label, split.labels[row])

  @parameterized.parameters("near_equal", "equal_length")
  def test_a_batch_holds_the_rows_it_names(self, kind):
    split = _random_split()
    batches = text_batching.train_batches(split, 32, kind, seed=5)
    made = _list(batches.dataset(0))
    self.assertLen(made, batches.batches_per_epoch)
    for batch in made:
      self._assert_holds_its_rows(batch, split)

  @parameterized.parameters("near_equal", "equal_length")
  def test_starting_later_gives_the_rest_of_the_epoch(self, kind):
    batches = text_batching.train_batches(_random_split(), 32, kind, seed=5)
    whole, rest = _list(batches.dataset(3)), _list(batches.dataset(3, first=4))
    self.assertLen(rest, batches.batches_per_epoch - 4)
    for expected, received in zip(whole[4:], rest, strict=True):
      for name in expected:
        self.assertAllEqual(expected[name], received[name])

  def test_starting_behind_the_last_batch_gives_nothing(self):
    batches = text_batching.train_batches(_random_split(), 32, "near_equal", seed=5)
    self.assertEmpty(_list(batches.dataset(0, first=batches.batches_per_epoch)))

  def test_near_equal_trains_on_every_row(self):
    batches = text_batching.train_batches(_random_split(), 32, "near_equal", seed=5)
    rows = np.concatenate([batch["row"] for batch in _list(batches.dataset(1))])
    self.assertEqual(sorted(rows), list(range(330)))
    self.assertEqual(batches.batches_per_epoch, 11)

  def test_equal_length_needs_no_padding_and_permutes_the_same_batches(self):
    batches = text_batching.train_batches(_random_split(), 32, "equal_length", seed=5)
    epochs = [[tuple(batch["row"]) for batch in _list(batches.dataset(e))] for e in (0, 1)]
    self.assertNotEqual(epochs[0], epochs[1])
    self.assertCountEqual(epochs[0], epochs[1])
    self.assertLess(sum(map(len, epochs[0])), 330)
    for batch in _list(batches.dataset(0)):
      self.assertNotIn(0, batch["ids"])
      self.assertGreaterEqual(len(batch["row"]), 16)

  def test_predicted_tokens_are_words_and_ends(self):
    split = _random_split()
    dataset = text_batching.train_batches(split, 32, "near_equal", seed=5).dataset(0)
    predicted = sum(int((batch["length"] - 1).sum()) for batch in _list(dataset))
    self.assertEqual(predicted, len(split.tokens) + split.num_examples)
    self.assertEqual(predicted, split.num_tokens)

  def test_a_function_is_traced_once_for_all_lengths_and_sizes(self):
    traces = []

    @tf.function(input_signature=[text_batching.ELEMENT_SPEC])
    def count(batch):
      traces.append(1)
      return tf.size(batch["ids"])

    dataset = text_batching.train_batches(_random_split(), 32, "near_equal", seed=5).dataset(0)
    self.assertEqual(dataset.element_spec, text_batching.ELEMENT_SPEC)
    self.assertGreater(len({int(count(batch)) for batch in dataset}), 1)
    self.assertLen(traces, 1)

  def test_the_number_of_batches_is_known_beforehand(self):
    batches = text_batching.train_batches(_random_split(), 32, "near_equal", seed=5)
    dataset = batches.dataset(0, first=2)
    self.assertEqual(int(dataset.cardinality()), 9)

  def test_evaluation_has_every_row_once_and_the_same_order_each_time(self):
    split = _random_split(50)
    batches = _list(text_batching.evaluation_dataset(split, 32))
    rows = np.concatenate([batch["row"] for batch in batches])
    self.assertEqual(sorted(rows), list(range(50)))
    for batch in batches:
      self._assert_holds_its_rows(batch, split)
    again = np.concatenate([b["row"] for b in _list(text_batching.evaluation_dataset(split, 32))])
    self.assertAllEqual(rows, again)
    few = _list(text_batching.evaluation_dataset(split, 32, max_examples=5))
    self.assertEqual(sorted(few[0]["row"]), list(range(5)))

  def test_a_given_batch_is_padded_as_told(self):
    batch = text_batching.pad_batch([[7, 8, 9], [], [5]], extra_padding=1)
    self.assertAllEqual(
        batch["ids"], [[1, 7, 8, 9, 2, 0], [1, 2, 0, 0, 0, 0], [1, 5, 2, 0, 0, 0]])
    self.assertAllEqual(batch["length"], [5, 2, 3])
    self.assertAllEqual(batch["label"], [-1, -1, -1])
    self.assertAllEqual(batch["row"], [0, 1, 2])
    self.assertEqual(batch["ids"].dtype, tf.int32)
    self.assertEqual(batch["row"].dtype, tf.int64)

  def test_equal_length_without_any_batch_is_refused(self):
    with self.assertRaisesRegex(errors.UserError, "--batch_size=8 no batch has 16 sentences"):
      text_batching.train_batches(_split([5] * 100), 8, "equal_length", seed=0)
    with self.assertRaisesRegex(errors.UserError, "use --batching=near_equal"):
      text_batching.train_batches(_split(range(1, 41)), 32, "equal_length", seed=0)

  def test_another_batching_is_refused(self):
    with self.assertRaisesRegex(ValueError, "Received: kind=sorted"):
      text_batching.train_batches(_split([5] * 100), 32, "sorted", seed=0)


if __name__ == "__main__":
  tf.test.main()
