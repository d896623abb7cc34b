"""How well a linear classifier reads labels from a run's frozen representation.

Source: Shen et al. 2021, Tables 2, 3 and S2, and the authors' code.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np

from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.analysis import linear_probe
from du_vae_tf.analysis import probe_results
from du_vae_tf.analysis import representations
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import image_corpus
from du_vae_tf.training import runs


@dataclasses.dataclass(frozen=True)
class Group:
  """Examples whose classes one classifier tells apart.

  Attributes:
    train: of which some draw their labels.
    valid: for what training chooses; None where the protocol has none.
    test: of which the accuracy is.
    num_classes: number of classes.
  """

  train: linear_probe.Examples
  valid: linear_probe.Examples | None
  test: linear_probe.Examples
  num_classes: int


def probe(title: str, run: runs.Run, corpus: corpus_lib.Corpus, classifier: str,
          label_counts: Sequence[int] | None, draws: int, seed: int,
          say: Callable[[str], None], check: Callable[[], None] = lambda: None
          ) -> probe_results.Probe:
  """Encodes the data set once, then trains classifiers on drawn labels.

  Text: so many training sentences are drawn, without regard to their class. Images: a classifier
  for each alphabet tells its characters apart, given so many drawings of each; training and
  validation drawings are taken together. The first draw takes the first drawings in the order of
  the file, as published; further draws take any. The accuracy is the unweighted mean over
  alphabets. Draws depend on the seed, so runs are compared on the same labels.

  Args:
    title: what the run is called.
    run: with its best weights.
    corpus: its data.
    classifier: `paper` or `logistic_regression`.
    label_counts: numbers of labels; None: those published.
    draws: how often labels are drawn for each number.
    seed: of the draws.
    say: told each result.
    check: called often; raises to interrupt.

  Raises:
    errors.UserError: there are no labels, or fewer than asked for.
  """
  protocol = PROTOCOLS[run.config.modality]
  counts = tuple(label_counts or protocol.label_counts)
  groups = protocol.groups(run, corpus, check)
  accuracies: list[list[float]] = []
  for count in counts:
    accuracies.append([])
    for draw in range(draws):
      shares = []
      for number, group in enumerate(groups):
        check()
        random = np.random.default_rng([seed, count, draw, number])
        labelled = group.train.take(protocol.rows(group.train.classes, count, draw, random))
        shares.append(_accuracy(classifier, group, labelled, random))
      accuracies[-1].append(100.0 * float(np.mean(shares)))
    say(f"{count:,} {protocol.unit}: {probe_results.mean_and_deviation(accuracies[-1])} %")
  return probe_results.Probe(
      run=title, dataset=run.config.dataset, method=run.config.method,
      seed=run.config.seed, classifier=classifier, unit=protocol.unit,
      num_features=groups[0].train.features.shape[1],
      num_test=sum(len(group.test.classes) for group in groups), label_counts=counts,
      accuracies=accuracies)


def _accuracy(classifier: str, group: Group, labelled: linear_probe.Examples,
              random: np.random.Generator) -> float:
  """Share of right answers on the test examples."""
  if classifier == "logistic_regression":
    return linear_probe.logistic_regression(labelled, group.valid)(group.test)
  if group.valid is None:
    model = linear_probe.adam(labelled, group.num_classes, random)
  else:
    model = linear_probe.sgd(labelled, group.valid, group.num_classes, random)
  return model.accuracy(group.test)


def _rows_of_all(classes: np.ndarray, count: int, draw: int,
                 random: np.random.Generator) -> np.ndarray:
  """Rows of a random part of all examples."""
  del draw
  if count > len(classes):
    raise errors.UserError(
        f"--label_counts={count}: there are {len(classes)} training sentences with labels.")
  return random.choice(len(classes), count, replace=False)


def _rows_of_classes(classes: np.ndarray, count: int, draw: int,
                     random: np.random.Generator) -> np.ndarray:
  """Rows of so many examples of each class: the first ones, or any from the second draw on."""
  chosen = []
  for number in np.unique(classes):
    rows = np.flatnonzero(classes == number)
    chosen.append((random.permutation(rows) if draw else rows)[:count])
  return np.concatenate(chosen)


def _text_groups(run: runs.Run, corpus: corpus_lib.Corpus,
                 check: Callable[[], None]) -> list[Group]:
  splits = {}
  for name in ("train", "valid", "test"):
    encoded = representations.encode(run, corpus, name, check=check)
    kept = encoded.labels >= 0
    if not kept.any():
      raise errors.UserError(
          f"--run_dir={run.folder.path}: the {name} split of {run.config.dataset} has no labels to"
          " be read; own files have them as label<TAB>sentence.")
    splits[name] = linear_probe.Examples(
        encoded.representation[kept].astype(np.float64), encoded.labels[kept])
  num_classes = 1 + max(int(split.classes.max()) for split in splits.values())
  return [Group(splits["train"], splits["valid"], splits["test"], num_classes)]


def _image_groups(run: runs.Run, corpus: corpus_lib.Corpus,
                  check: Callable[[], None]) -> list[Group]:
  """One group for each label that has fine labels, else one group of labels."""
  splits = cast(image_corpus.ImageCorpus, corpus).splits
  encoded = {name: representations.encode(run, corpus, name, check=check).representation
             for name in ("train", "valid", "test")}
  features = np.concatenate([encoded["train"], encoded["valid"]]).astype(np.float64)
  joined = {name: np.concatenate([getattr(splits[split], name)
                                  for split in ("train", "valid")])
            for name in ("labels", "fine_labels", "indices")}
  if not np.intersect1d(splits["train"].indices, splits["valid"].indices).size:
    # The validation images were taken from the same file: back in its order.
    order = np.argsort(joined["indices"], kind="stable")
    features = features[order]
    joined = {name: values[order] for name, values in joined.items()}
  test = splits["test"]
  pairs = [(joined["labels"], joined["fine_labels"]), (test.labels, test.fine_labels)]
  if max(fine.max() for _, fine in pairs) < 0:
    pairs = [(np.zeros_like(labels), labels) for labels, _ in pairs]
  groups = list(_groups(features, *pairs[0], encoded["test"].astype(np.float64), *pairs[1]))
  if not groups:
    raise errors.UserError(
        f"--run_dir={run.folder.path}: the images of {run.config.dataset} have no labels to be"
        " read.")
  return groups


def _groups(features: np.ndarray, labels: np.ndarray, fine: np.ndarray, test_features: np.ndarray,
            test_labels: np.ndarray, test_fine: np.ndarray) -> Iterator[Group]:
  for label in np.unique(labels[fine >= 0]):
    rows = np.flatnonzero((labels == label) & (fine >= 0))
    names, classes = np.unique(fine[rows], return_inverse=True)
    test_rows = np.flatnonzero((test_labels == label) & np.isin(test_fine, names))
    if len(names) > 1 and len(test_rows):
      yield Group(
          linear_probe.Examples(features[rows], classes), None,
          linear_probe.Examples(test_features[test_rows],
                                np.searchsorted(names, test_fine[test_rows])), len(names))


@dataclasses.dataclass(frozen=True)
class Protocol:
  """How representations of one kind of data are probed.

  Attributes:
    unit: what a label count counts.
    label_counts: those published.
    groups: the classification tasks of a run.
    rows: which training examples of a task are labelled: from their classes, the count, the number
      of the draw and a random generator.
  """

  unit: str
  label_counts: tuple[int, ...]
  groups: Callable[[runs.Run, corpus_lib.Corpus, Callable[[], None]], list[Group]]
  rows: Callable[[np.ndarray, int, int, np.random.Generator], np.ndarray]


PROTOCOLS: dict[datasets.Modality, Protocol] = {
    "text": Protocol("labels", (100, 500, 1_000, 2_000, 10_000), _text_groups, _rows_of_all),
    "image": Protocol("labels per class", (5, 10, 15), _image_groups, _rows_of_classes)}
