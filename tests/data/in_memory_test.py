"""Examples from a user's hands: lists, arrays and data sets, and what is refused."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import in_memory
from du_vae_tf.data import vocabulary

SENTENCES = ["a b", "ü c c"]
IMAGES = np.random.default_rng(0).random((3, 8, 8)).astype(np.float32)


def dataset(values, batch=False):
  made = tf.data.Dataset.from_tensor_slices(values)
  return made.batch(2) if batch else made


class SentencesTest(parameterized.TestCase):

  @parameterized.named_parameters(
      ("list", SENTENCES), ("tuple", tuple(SENTENCES)), ("array", np.array(SENTENCES)),
      ("bytes", [sentence.encode() for sentence in SENTENCES]),
      ("generator", (sentence for sentence in SENTENCES)),
      ("dataset", dataset(SENTENCES)), ("batches", dataset(SENTENCES, batch=True)),
      ("pairs", dataset((SENTENCES, [0, 1]))),
      ("batches_of_pairs", dataset((SENTENCES, [0, 1]), batch=True)))
  def test_every_form_gives_the_same_strings(self, values):
    found = in_memory.sentences(values, "place")
    self.assertEqual(found, SENTENCES)
    self.assertEqual({type(sentence) for sentence in found}, {str})

  @parameterized.named_parameters(
      ("string", "a b", "place: one str; expected a list"),
      ("number", 3, "place: of type int; expected a list"),
      ("none", [], "place: none; expected at least one"),
      ("numbers", ["a", 3], r"place\[1\]: of type int; expected a string"),
      ("blank", ["a", "  "], r"place\[1\]: an empty sentence"),
      ("not_utf8", [b"\xff"], r"place\[0\]: is not UTF-8"),
      ("endless", dataset(SENTENCES).repeat(), r"place: a data set without end; .*repeat"),
      ("mapping", dataset({"text": SENTENCES}), "place: a data set of dict; expected"))
  def test_mistake_is_named(self, values, message):
    with self.assertRaisesRegex(errors.UserError, message):
      in_memory.sentences(values, "place")


class ImagesTest(parameterized.TestCase):

  @parameterized.named_parameters(
      ("array", IMAGES), ("list", list(IMAGES)), ("channel", IMAGES[..., np.newaxis]),
      ("dataset", dataset(IMAGES)), ("batches", dataset(IMAGES, batch=True)),
      ("dataset_channel", dataset(IMAGES[..., np.newaxis])),
      ("batches_channel", dataset(IMAGES[..., np.newaxis], batch=True)),
      ("pairs", dataset((IMAGES, [0, 1, 2]))))
  def test_every_form_gives_the_same_array(self, values):
    found = in_memory.images(values, "place", 8)
    self.assertEqual(found.dtype, np.float32)
    np.testing.assert_array_equal(found, IMAGES[..., np.newaxis])

  @parameterized.named_parameters(
      ("side", IMAGES, 9, "place: images of 8 x 8 pixels; the model takes 9 x 9"),
      ("one", IMAGES[0], None, "place has images of shape 8 x 8"),
      ("ragged", [IMAGES[0], IMAGES[1, :5]], None, "place: images of different shapes"),
      ("text", SENTENCES, None, "place has images of shape"),
      ("values", IMAGES * 3, None, "place has values from"))
  def test_mistake_is_named(self, values, side, message):
    with self.assertRaisesRegex(errors.UserError, message):
      in_memory.images(values, "place", side)


class CorpusTest(parameterized.TestCase):

  def test_text_has_the_vocabulary_of_its_training_sentences(self):
    config = config_lib.resolve(
        {"dataset": "text", "max_length": 3, "max_train_examples": 16}, {})
    train = ["b a"] * 15 + ["a c d e"] + ["never"] * 9
    made = in_memory.corpus(config, {"train": train, "valid": ["e a never a"]})
    self.assertEqual(made.vocabulary.words[4:], (b"a", b"b", b"c", b"d"))
    self.assertEqual(made.sizes, {"vocab_size": 8, "max_words": 3})
    self.assertEqual(made.splits["train"].num_examples, 16)
    ids = made.splits["valid"].words(0)
    self.assertEqual(made.vocabulary.decode(ids), "<unk> a <unk>")  # Cut to three words.

  def test_a_vocabulary_may_be_given(self):
    config = config_lib.resolve({"dataset": "text"}, {})
    words = vocabulary.Vocabulary([b"z"])
    made = in_memory.corpus(config, {"test": ["z y"]}, words)
    self.assertEqual(made.splits["test"].words(0).tolist(), [4, vocabulary.UNKNOWN])

  def test_only_training_images_stay_grey(self):
    config = config_lib.resolve({"dataset": "images", "train_file": "x"}, {})
    grey = np.full([20, 8, 8], 0.25, np.float32)
    made = in_memory.corpus(config, {"train": grey, "valid": grey, "test": grey})
    self.assertEqual(made.sizes, {"side": 8})
    np.testing.assert_array_equal(made.splits["train"].images, grey[..., np.newaxis])
    for split in ("valid", "test"):
      images = made.splits[split].images
      self.assertEqual(np.unique(images).tolist(), [0.0, 1.0])
      # A mean of 1 280 draws, and its bound at a false-fail rate of 1e-9 (Hoeffding).
      self.assertAlmostEqual(images.mean(), 0.25, delta=0.0916)
    self.assertFalse(np.array_equal(made.splits["valid"].images, made.splits["test"].images))

  @parameterized.parameters(
      ("text", {"train": ["a"] * 15}, "training data: 15 sentences; expected at least 16"),
      ("text", {"train": ["a"] * 16, "valid": "a"}, "validation data: one str"),
      ("images", {"train": np.zeros([15, 8, 8])}, "training data: 15 images; expected"),
      ("images", {"train": np.zeros([16, 8, 8]), "valid": np.zeros([2, 9, 9])},
       "valid has images of 9 x 9 pixels, while train has 8 x 8"))
  def test_mistake_is_named(self, name, examples, message):
    with self.assertRaisesRegex(errors.UserError, message):
      in_memory.corpus(config_lib.resolve({"dataset": name}, {}), examples)


if __name__ == "__main__":
  absltest.main()
