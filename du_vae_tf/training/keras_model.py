"""A VAE as a Keras model: Keras's own `fit` takes the steps of the training loop."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import in_memory
from du_vae_tf.data import text_corpus
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from du_vae_tf.training import fitting
from du_vae_tf.training import kl_schedules
from du_vae_tf.training import loop
from du_vae_tf.training import optimizers as optimizers_lib
from du_vae_tf.training import precision
from du_vae_tf.training import regimes
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies
from du_vae_tf.training.procedures import table as procedures

# What the weights file holds besides weights; see `TrainableVAE.save_own_variables`.
_BESIDES = "besides"


class TrainableVAE(keras.Model):
  """A VAE for `compile` and `fit`.

  Its networks are made when `fit` or `load_weights` has told the vocabulary, or the size of images.
  With the same configuration and data, `fit` takes the same steps as the training loop; what the
  loop does between epochs (learning-rate schedule, best weights, checkpoints) is left to callbacks.

  Args:
    config: of the run.

  Attributes:
    network: the model itself; None while it is not made.
  """

  def __init__(self, config: config_lib.RunConfig):
    super().__init__(name="vae")
    self.config = config
    self.network: vae.VAE | None = None
    self._vocabulary: vocabulary_lib.Vocabulary | None = None
    self._sizes: dict[str, int] = {}
    self._optimizers: optimizers_lib.Optimizers | None = None
    self._stepper: step_lib.Stepper | None = None
    self._passes: dict[str, posterior_pass.PosteriorPass] = {}
    self._procedure_state: dict[str, Any] = {}
    self._running: fitting.Fit | None = None
    # All weights are the network's, so that the shell has nothing to build.
    self.built = True

  def compile(self, optimizer: str | keras.optimizers.Optimizer | None = None, *,
              steps_per_execution: int = 1) -> None:
    """Says how the weights are updated.

    The gradient is clipped to norm 5 in any case, and the objective is the method's.

    Args:
      optimizer: as Keras takes it. It updates the decoder, and one that is made like it the
        encoder. None: that of the paper, SGD on text and Adam on images, with the setting
        `learning_rate`.
      steps_per_execution: steps that are taken in one call, which saves time with small networks.
    """
    if optimizer is None:
      optimizer = self._regime.optimizer(self.config.learning_rate, "decoder_optimizer")
    with self.distribute_strategy.scope():
      super().compile(optimizer, steps_per_execution=steps_per_execution, jit_compile=False)
    self._optimizers = self._stepper = None

  def fit(self, x: in_memory.Given, *, epochs: int = 1,
          validation_data: in_memory.Given | None = None,
          callbacks: Sequence[keras.callbacks.Callback] | None = None,
          verbose: str | int = "auto", initial_epoch: int = 0) -> keras.callbacks.History:
    """Trains.

    Args:
      x: at least 16 sentences: a list of strings, or a finite `tf.data.Dataset` of them, one by
        one or in batches; of pairs the first part is taken. Images: an array [n, side, side] or
        [n, side, side, 1], or such a data set; grey values are probabilities of ink, drawn anew at
        every use. Batches of `batch_size` are made of them, other ones in each epoch.
      epochs: number of the last epoch, so that there are `epochs - initial_epoch`.
      validation_data: more of these, on which the figures of an epoch are computed.
      callbacks: of Keras; they see the figures of `metrics.jsonl` by their names, besides `loss`.
      verbose: 0: silent; 1: a progress bar; 2: one line an epoch; "auto": 1.
      initial_epoch: epochs that an earlier call has done: the KL weight, the order of the data and
        the noise go on from there.

    Returns:
      The history, with the figures of each epoch. What has no value, such as `mi` of a flow, is
      left out.

    Raises:
      UserError: the data are no sentences or images, or too few; or `compile` was not called.
      DivergedError: a term of the loss is no longer finite.
    """
    self._check_ready(validation_data)
    examples = {"train": x} | ({} if validation_data is None else {"valid": validation_data})
    corpus = self._corpus(examples)
    if self.network is None:
      self._make_network(
          corpus.vocabulary if isinstance(corpus, text_corpus.TextCorpus) else None, corpus.sizes)
    strategy = self.distribute_strategy
    stepper = self._make_stepper(corpus.splits["train"].num_examples)
    batches = corpus.train_batches(self.config)
    self._running = fitting.Fit(
        self.config, stepper, batches,
        procedures.make(self.config, stepper, batches, strategy, self._procedure_state),
        cast(optimizers_lib.Optimizers, self._optimizers),
        None if validation_data is None else self._collect(corpus))
    try:
      return super().fit(
          strategies.distribute(batches.epochs(initial_epoch, epochs), strategy),
          epochs=epochs, initial_epoch=initial_epoch, shuffle=False,
          steps_per_epoch=batches.batches_per_epoch, verbose=verbose,
          callbacks=[self._running, *(callbacks or ())])
    finally:
      self._running = None

  def evaluate(self, x: in_memory.Given) -> dict[str, Any]:
    """Figures of sentences or images, in nats per example.

    Args:
      x: see `fit`.

    Returns:
      `elbo_nll`, `reconstruction`, `kl`, `mi`, `au`, `mpd`, `ce` as in `report.json`.
    """
    self._made()
    dataset = self._corpus({"test": x}).evaluation_dataset("test", loop.EVALUATION_BATCH)
    return self._passes["evaluation"].collect(dataset).figures()

  def call(self, batch: Mapping[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
    """`mean` and `variance` [b, n] of the Gaussian, for a batch as `models.vae.VAE` takes it."""
    return self._made()(batch, training=training)

  def make_train_function(self, force: bool = False) -> None:
    """Lets Keras take the steps of the running `fit`."""
    del force
    self.train_function = lambda iterator: cast(fitting.Fit, self._running).take(
        iterator, self.steps_per_execution)

  def save_own_variables(self, store: Any) -> None:
    """Writes vocabulary and sizes, without which the weights are of no use."""
    self._made()
    words = (None if self._vocabulary is None
             else [word.decode() for word in self._vocabulary.words])
    text = json.dumps({"sizes": dict(self._sizes), "words": words})
    store[_BESIDES] = np.frombuffer(text.encode(), np.uint8)

  def load_own_variables(self, store: Any) -> None:
    """Makes the network that the weights are of, if there is none."""
    if _BESIDES not in store:
      raise ValueError("The file must be one that `save_weights` of such a model has written.")
    besides = json.loads(store[_BESIDES].tobytes())
    words = besides["words"]
    vocabulary = None if words is None else vocabulary_lib.Vocabulary(
        word.encode() for word in words[len(vocabulary_lib.SPECIAL_WORDS):])
    if self.network is None:
      self._make_network(vocabulary, besides["sizes"])
    elif self._vocabulary != vocabulary:
      raise ValueError("The weights must be of the model's own vocabulary, and are of another.")

  @property
  def _regime(self) -> regimes.Regime:
    return regimes.REGIMES[self.config.modality]

  def _made(self) -> vae.VAE:
    if self.network is None:
      raise errors.UserError("the model has no weights yet: call fit or load_weights first.")
    return self.network

  def _check_ready(self, validation_data: in_memory.Given | None) -> None:
    if not self.compiled:
      raise errors.UserError("fit: call compile first.")
    if self.config.method_row.procedure == "aggressive" and validation_data is None:
      raise errors.UserError(
          f"validation_data: must be given with method={self.config.method}, which watches the"
          " mutual information there.")

  def _corpus(self, examples: Mapping[str, Any]) -> corpus_lib.Corpus:
    return in_memory.corpus(
        self.config, examples, self._vocabulary, self._sizes.get("side"))

  def _make_network(self, vocabulary: vocabulary_lib.Vocabulary | None,
                    sizes: Mapping[str, int]) -> None:
    policy = precision.policy(self.config.precision, self.config.hidden_size)
    with self.distribute_strategy.scope():
      self.network = builders.build_model(self.config, sizes, policy)
    self._vocabulary, self._sizes = vocabulary, dict(sizes)
    # Named as in loop and `evaluate` command, for the same noise.
    self._passes = {name: posterior_pass.PosteriorPass(self.network, self.config.seed, name)
                    for name in ("validation", "evaluation")}

  def _make_stepper(self, num_examples: int) -> step_lib.Stepper:
    """What takes the steps; kept while optimizer and KL schedule are the same."""
    network, strategy = self._made(), self.distribute_strategy
    kl_schedule = kl_schedules.make(self.config, num_examples)
    if self._optimizers is None:
      with strategy.scope():
        self._optimizers = optimizers_lib.Optimizers(self._optimizer, network)
    if self._stepper is None or kl_schedule != self._stepper.kl_schedule:
      self._stepper = step_lib.Stepper(
          network, self._optimizers, strategy, self.config, kl_schedule,
          procedures.differentiate(self.config, network))
    return self._stepper

  def _optimizer(self, name: str) -> keras.optimizers.Optimizer:
    """The compiled optimizer for the decoder, and one like it for the encoder."""
    if name == "decoder_optimizer":
      return self.optimizer
    return type(self.optimizer).from_config(self.optimizer.get_config() | {"name": name})

  def _collect(self, corpus: corpus_lib.Corpus) -> Callable[[bool], posterior_pass.Collected]:
    """A pass over the validation split."""
    dataset = corpus.evaluation_dataset("valid", loop.EVALUATION_BATCH)
    return lambda regularized: self._passes["validation"].collect(dataset, regularized)

  def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
    """Nothing: under a strategy Keras would run the first batch for shapes that are known."""
