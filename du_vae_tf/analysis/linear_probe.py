"""Linear classifiers on frozen representations: the published training, and logistic regression."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from sklearn import linear_model
from sklearn import model_selection

# Inverse regularization strengths among which logistic regression chooses.
STRENGTHS: Sequence[float] = tuple(10.0**power for power in range(-4, 5))
_FOLDS = 5


@dataclasses.dataclass(frozen=True)
class Examples:
  """Representations float [N, m], and classes int [N] from 0."""

  features: np.ndarray
  classes: np.ndarray

  def take(self, rows: np.ndarray) -> "Examples":
    """Some of them."""
    return Examples(self.features[rows], self.classes[rows])


class Softmax:
  """An affine map and a softmax, p(class | features).

  It starts at U(-1 / sqrt(m), 1 / sqrt(m)), as the authors' does.

  Args:
    num_features: m.
    num_classes: number of classes.
    random: draws the initial weights.
  """

  def __init__(self, num_features: int, num_classes: int, random: np.random.Generator):
    limit = 1.0 / np.sqrt(num_features)
    # One array, the bias in its last row: gradients and updates are of one piece.
    self.weights = random.uniform(-limit, limit, [num_features + 1, num_classes])

  def log_probabilities(self, features: np.ndarray) -> np.ndarray:
    """log p(class | features), float64 [N, classes]."""
    logits = features @ self.weights[:-1] + self.weights[-1]
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

  def loss(self, examples: Examples) -> float:
    """Mean cross-entropy, nats."""
    rows = np.arange(len(examples.classes))
    return -float(self.log_probabilities(examples.features)[rows, examples.classes].mean())

  def accuracy(self, examples: Examples) -> float:
    """Share of examples whose likeliest class is right."""
    logits = examples.features @ self.weights[:-1] + self.weights[-1]
    return float((logits.argmax(axis=1) == examples.classes).mean())

  def gradient(self, examples: Examples) -> np.ndarray:
    """Of the summed cross-entropy, in the shape of `weights`."""
    errors = np.exp(self.log_probabilities(examples.features))
    errors[np.arange(len(examples.classes)), examples.classes] -= 1.0
    return np.concatenate([examples.features.T @ errors, errors.sum(axis=0, keepdims=True)])


def sgd(train: Examples, valid: Examples, num_classes: int, random: np.random.Generator) -> Softmax:
  """The published training on text: SGD, halved and sent back when validation stalls.

  Rate 1, batches of 16, mean loss, gradient norm at most 5; after two epochs without a lower
  validation loss the rate is halved and the best weights are taken up again; ends at the fifth
  such time or after 100 epochs.

  Source: the code of Shen et al. 2021; the batches are the same in all epochs, in random order.

  Args:
    train: with labels.
    valid: on which the weights are chosen.
    num_classes: number of classes.
    random: draws initial weights, batches and their order.

  Returns:
    The classifier with the lowest validation loss.
  """
  rate, patience, most_decays, epochs, norm = 1.0, 2, 5, 100, 5.0
  model = Softmax(train.features.shape[1], num_classes, random)
  batches = list(_batches(train, 16, random.permutation(len(train.classes))))
  best, best_weights, waited, decays = np.inf, model.weights.copy(), 0, 0
  for _ in range(epochs):
    for number in random.permutation(len(batches)):
      batch = batches[number]
      gradient = model.gradient(batch) / len(batch.classes)
      model.weights -= rate * gradient * norm / max(norm, float(np.linalg.norm(gradient)))
    loss = model.loss(valid)
    if loss < best:
      best, best_weights, waited = loss, model.weights.copy(), 0
      continue
    waited += 1
    if waited == patience:
      waited, decays, rate = 0, decays + 1, rate / 2.0
      model.weights = best_weights.copy()
      if decays == most_decays:
        break
  model.weights = best_weights
  return model


def adam(train: Examples, num_classes: int, random: np.random.Generator) -> Softmax:
  """The published training on images: 300 epochs of Adam, no validation.

  Rate 1e-3, batches of 50, summed loss; a last batch of one example is left out.

  Source: the code of Shen et al. 2021.

  Args:
    train: with labels.
    num_classes: number of classes.
    random: draws initial weights and the order of examples.
  """
  rate, first, second, epsilon, epochs = 1e-3, 0.9, 0.999, 1e-8, 300
  model = Softmax(train.features.shape[1], num_classes, random)
  mean, square, step = np.zeros_like(model.weights), np.zeros_like(model.weights), 0
  for _ in range(epochs):
    for batch in _batches(train, 50, random.permutation(len(train.classes))):
      step += 1
      gradient = model.gradient(batch)
      mean = first * mean + (1.0 - first) * gradient
      square = second * square + (1.0 - second) * gradient**2
      model.weights -= rate * (mean / (1.0 - first**step)) / (
          np.sqrt(square / (1.0 - second**step)) + epsilon)
  return model


def logistic_regression(train: Examples, valid: Examples | None) -> Callable[[Examples], float]:
  """Logistic regression with an L2 penalty whose strength is validated.

  Args:
    train: with labels.
    valid: on whose accuracy the strength is chosen; None: by cross-validation of `train`, with as
      many folds as the rarest class has examples, at most five.

  Returns:
    Gives the accuracy on examples.
  """
  if len(np.unique(train.classes)) == 1:
    only = train.classes[0]
    return lambda examples: float((examples.classes == only).mean())

  def fitted(strength: float, examples: Examples) -> linear_model.LogisticRegression:
    return _regression(strength).fit(examples.features, examples.classes)

  if valid is not None:
    best = max((fitted(strength, train) for strength in STRENGTHS),
               key=lambda model: model.score(valid.features, valid.classes))
  else:
    best = fitted(_cross_validated(train), train)
  return lambda examples: float(best.score(examples.features, examples.classes))


def _regression(strength: float) -> linear_model.LogisticRegression:
  return linear_model.LogisticRegression(C=strength, max_iter=1000)


def _cross_validated(train: Examples) -> float:
  """The strength with the highest accuracy on held-out folds, 1 if a class has one example."""
  folds = min(_FOLDS, int(np.unique(train.classes, return_counts=True)[1].min()))
  if folds < 2:
    return 1.0
  scores = [model_selection.cross_val_score(
      _regression(strength), train.features, train.classes, cv=folds).mean()
            for strength in STRENGTHS]
  return STRENGTHS[int(np.argmax(scores))]


def _batches(examples: Examples, size: int, order: np.ndarray) -> Iterator[Examples]:
  """The examples in that order, so many at a time; a last batch of one is left out."""
  for start in range(0, len(order), size):
    rows = order[start:start + size]
    if len(rows) > 1 or len(order) == 1:
      yield examples.take(rows)
