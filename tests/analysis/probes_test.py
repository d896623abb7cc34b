"""Which examples are labelled, and what is read from representations that are known."""

import pathlib
from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.analysis import probe_results
from du_vae_tf.analysis import probes
from du_vae_tf.analysis import representations
from du_vae_tf.data import image_corpus
from du_vae_tf.data import image_splits


class Folder:
  path = pathlib.Path("runs/one")


class Config:
  dataset, method, seed = "text", "du_vae", 3

  def __init__(self, modality):
    self.modality = modality


class Run:
  folder = Folder()

  def __init__(self, modality):
    self.config = Config(modality)


def encoded(features: np.ndarray, labels: np.ndarray) -> representations.Encoded:
  none = np.zeros([0, 0])
  return representations.Encoded(none, none, none, features, none, none, labels)


def text_encoding(seed: int, size: int, labelled: bool = True) -> representations.Encoded:
  """Features that give the label away."""
  random = np.random.default_rng(seed)
  labels = random.integers(0, 2, size).astype(np.int32)
  features = random.standard_normal((size, 4)) + 5.0 * labels[:, np.newaxis]
  return encoded(features.astype(np.float32), labels if labelled else np.full(size, -1))


def probe(encodings: dict, modality: str = "text", corpus: object = None,
          **changes: object) -> probe_results.Probe:
  values = {"classifier": "paper", "label_counts": [20, 50], "draws": 3, "seed": 0,
            "say": lambda _: None} | changes
  with mock.patch.object(
      representations, "encode", lambda run, corpus, split, check: encodings[split]):
    return probes.probe("one", Run(modality), corpus, **values)


class TextTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.encodings = {"train": text_encoding(0, 300), "valid": text_encoding(1, 80),
                      "test": text_encoding(2, 90)}

  @parameterized.parameters("paper", "logistic_regression")
  def test_labels_that_features_give_away_are_read(self, classifier):
    said = []
    result = probe(self.encodings, classifier=classifier, say=said.append)
    self.assertEqual((result.num_features, result.num_test, result.unit), (4, 90, "labels"))
    self.assertEqual([len(draws) for draws in result.accuracies], [3, 3])
    self.assertGreater(min(result.means), 95.0)
    self.assertLen(said, 2)
    self.assertStartsWith(said[0], "20 labels: ")

  def test_a_constant_representation_gives_the_share_of_the_majority(self):
    encodings = {name: encoded(np.zeros_like(one.representation), np.where(
        np.arange(len(one.labels)) % 10 < 7, 0, 1)) for name, one in self.encodings.items()}
    result = probe(encodings)
    self.assertSequenceAlmostEqual(result.means, [70.0, 70.0], delta=1e-9)

  def test_draws_differ_and_repeat_with_the_seed(self):
    chosen = []
    original = probes.PROTOCOLS["text"].rows

    def rows(*arguments):
      chosen.append(original(*arguments))
      return chosen[-1]

    protocol = probes.PROTOCOLS["text"]
    with mock.patch.dict(probes.PROTOCOLS, {"text": probes.Protocol(
        protocol.unit, protocol.label_counts, protocol.groups, rows)}):
      first, again = probe(self.encodings), probe(self.encodings)
    self.assertEqual(first.accuracies, again.accuracies)
    for one, other in zip(chosen[:6], chosen[6:], strict=True):
      np.testing.assert_array_equal(one, other)
    self.assertEqual([len(set(rows)) for rows in chosen[:6]], [20] * 3 + [50] * 3)
    self.assertNotEqual(list(chosen[0]), list(chosen[1]))

  def test_too_few_or_no_labels_are_named(self):
    with self.assertRaisesRegex(errors.UserError, "--label_counts=301: there are 300 training"):
      probe(self.encodings, label_counts=[301])
    with self.assertRaisesRegex(errors.UserError, "the test split of text has no labels"):
      probe(self.encodings | {"test": text_encoding(2, 90, labelled=False)})


class ImageTest(absltest.TestCase):
  """Three alphabets of four characters, of each eight drawings in the file."""

  def setUp(self):
    super().setUp()
    labels, fine, drawing = (part.ravel() for part in np.meshgrid(
        np.arange(3), np.arange(4), np.arange(8), indexing="ij"))
    # Features tell the character and remember the drawing.
    features = np.concatenate([5.0 * np.eye(4)[fine], drawing[:, np.newaxis] / 100], axis=1)
    order = np.random.default_rng(0).permutation(len(labels))
    self.drawing, self.labels, self.fine = drawing, labels, fine
    parts = {"train": order[:70], "valid": order[70:]}

    def split(rows):
      return image_splits.ImageSplit(
          np.zeros([len(rows), 2, 2, 1], np.float32), labels[rows], fine[rows], rows)

    self.corpus = image_corpus.ImageCorpus(
        {name: split(rows) for name, rows in parts.items()} | {"test": split(np.arange(96))},
        "digest", [])
    self.encodings = {name: encoded(features[rows], labels[rows])
                      for name, rows in (parts | {"test": np.arange(96)}).items()}

  def groups(self) -> list[probes.Group]:
    with mock.patch.object(
        representations, "encode", lambda run, corpus, split, check: self.encodings[split]):
      return probes.PROTOCOLS["image"].groups(Run("image"), self.corpus, lambda: None)

  def test_training_and_validation_are_joined_in_the_order_of_the_file(self):
    groups = self.groups()
    self.assertLen(groups, 3)
    for group in groups:
      self.assertEqual(group.num_classes, 4)
      self.assertIsNone(group.valid)
      np.testing.assert_array_equal(group.train.classes, np.repeat(np.arange(4), 8))
      np.testing.assert_allclose(group.train.features[:, -1], np.tile(np.arange(8), 4) / 100)

  def test_first_draw_takes_the_first_drawings_of_each_character(self):
    classes = np.repeat(np.arange(4), 8)
    rows = probes.PROTOCOLS["image"].rows
    first = rows(classes, 2, 0, np.random.default_rng(0))
    np.testing.assert_array_equal(first, [0, 1, 8, 9, 16, 17, 24, 25])
    other = rows(classes, 2, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(classes[other], np.repeat(np.arange(4), 2))
    self.assertNotEqual(list(first), list(other))
    np.testing.assert_array_equal(
        np.sort(rows(classes, 9, 1, np.random.default_rng(0))), np.arange(32))

  def test_accuracy_is_the_mean_over_alphabets(self):
    # The labels of one alphabet are of no use: its test characters have the features of another.
    features = self.encodings["test"].representation.copy()
    wrong = self.labels == 2
    features[wrong, :4] = np.roll(features[wrong, :4], 1, axis=1)
    self.encodings["test"] = encoded(features, self.labels)
    result = probe(self.encodings, "image", self.corpus, label_counts=[5], draws=1)
    self.assertAlmostEqual(result.means[0], 200.0 / 3.0, delta=1e-9)
    self.assertEqual(result.deviations, [None])

  def test_labels_alone_make_one_task(self):
    for split in self.corpus.splits.values():
      split.fine_labels[:] = -1
    group, = self.groups()
    self.assertEqual(group.num_classes, 3)
    for split in self.corpus.splits.values():
      split.labels[:] = -1
    with self.assertRaisesRegex(errors.UserError, "have no labels"):
      self.groups()


class ResultsTest(absltest.TestCase):

  def test_round_trip_table_and_picture(self):
    folder = pathlib.Path(self.create_tempdir().full_path)
    result = probe_results.Probe(
        run="one", dataset="text", method="vae", seed=1, classifier="paper", unit="labels",
        num_features=4, num_test=9, label_counts=[100, 1000],
        accuracies=[[70.0, 80.0], [90.0, 90.0]])
    result.write(folder / "probe.json")
    self.assertEqual(probe_results.Probe.read(folder / "probe.json"), result)
    self.assertIn('"means": [\n    75.0,', (folder / "probe.json").read_text())
    self.assertEqual(
        probe_results.table([result]).splitlines()[-1], "| one | 75.00 ± 7.07 | 90.00 ± 0.00 |")
    paths = probe_results.draw_curves([result, result], folder / "curves")
    self.assertTrue(all(path.stat().st_size > 1000 for path in paths))

  def test_another_file_is_refused(self):
    path = pathlib.Path(self.create_tempdir().full_path) / "probe.json"
    path.write_text("{}")
    with self.assertRaisesRegex(errors.UserError, "not the result of a probe"):
      probe_results.Probe.read(path)


if __name__ == "__main__":
  absltest.main()
