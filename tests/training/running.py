"""Training runs within a test."""

from collections.abc import Sequence

import keras

from du_vae_tf import config as config_lib
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.training import loop
from du_vae_tf.training import run_folder
from du_vae_tf.training import signals
from du_vae_tf.training import strategies


def train(config: config_lib.RunConfig, stop: signals.StopRequest | None = None,
          callbacks: Sequence[keras.callbacks.Callback] = ()) -> loop.Training:
  """Trains in `config.run_dir` to the end, or until stopped, as a fresh process would."""
  corpus = corpus_lib.load(config)
  folder = run_folder.RunFolder(config.run_dir)
  folder.acquire()
  try:
    folder.save_config(config, corpus.digest, corpus.sizes)
    corpus.save(folder.vocabulary)
    training = loop.Training(config, corpus, folder, stop or signals.StopRequest(),
                             strategies.make_strategy(config.strategy), callbacks)
    training.run()
    return training
  finally:
    folder.release()
