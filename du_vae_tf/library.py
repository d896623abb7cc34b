"""`du_vae_tf` as a Python library: trained runs, and a Keras model to train with own data."""

import dataclasses
import difflib
import os
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf import report as report_lib
from du_vae_tf.analysis import media
from du_vae_tf.analysis import trained_model
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from du_vae_tf.training import keras_model
from du_vae_tf.training import precision
from du_vae_tf.training import runs


class TrainedRun(trained_model.TrainedModel):
  """A run of `du-vae-train`, with the weights of its best epoch; see `load_run`.

  Attributes:
    config: what the run was made from.
    report: its figures on the test split; None while it is not finished.
    model: the Keras model.
  """

  def __init__(self, run: runs.Run):
    self.config: config_lib.RunConfig = run.config
    self.report: report_lib.Report | None = (
        report_lib.Report.read(run.folder.report) if run.folder.report.exists() else None)
    self.model: vae.VAE = run.model
    self._made = trained_model.Parts(run.model, media.of_run(run), run.config.seed)

  def _parts(self) -> trained_model.Parts:
    return self._made


def load_run(run_dir: str | os.PathLike[str]) -> TrainedRun:
  """Reads a run back from its folder; nothing else is needed, neither data nor network.

  Args:
    run_dir: the folder that `du-vae-train` has written.

  Raises:
    UserError: there is no run, or it has no best weights yet.
  """
  return TrainedRun(runs.load(os.fspath(run_dir)))


class VAE(keras_model.TrainableVAE, trained_model.TrainedModel):
  """A VAE for own sentences or images: a Keras model to `compile` and `fit`.

      model = du_vae_tf.VAE(method="du_vae", latent_dim=8, hidden_size=128, embedding_size=64)
      model.compile()
      history = model.fit(sentences, epochs=20, validation_data=other_sentences)
      model.interpolate("the food was great", "never again")
      model.save_weights("mine.weights.h5")

  The file of the weights holds the vocabulary too: `load_weights` of a new model with the same
  settings makes it as good as the trained one. Under `tf.distribute.MirroredStrategy`, make and
  compile the model in the scope of the strategy.

  Args:
    **settings: those of the flags of `du-vae-train` that change the mathematics, with the same
      defaults and refusals: `method`, `latent_dim`, `hidden_size`, `gamma`, `keep_prob`,
      `kl_schedule`, `batch_size`, `max_length`, `seed` and so on, and `precision`. `dataset` says
      whose sizes are the defaults, "text" if it is not given; "images" for images.

  Raises:
    UserError: there is no such setting, its value is out of range, or it has no effect.
  """

  def __init__(self, **settings: Any):
    super().__init__(_configuration(settings))
    self._trained: trained_model.Parts | None = None

  def _parts(self) -> trained_model.Parts:
    network = self._made()
    if self._trained is None:
      # What encodes and draws is float32, as in the commands.
      is_plain = precision.resolve(self.config.precision, self.config.hidden_size) == "float32"
      model = network if is_plain else builders.build_model(self.config, self._sizes)
      self._trained = trained_model.Parts(
          model, media.make(model, self.config, self._sizes, self._vocabulary), self.config.seed)
    if self._trained.model is not network:
      self._trained.model.set_weights(network.get_weights())
    return self._trained


def _configuration(settings: dict[str, Any]) -> config_lib.RunConfig:
  """The configuration that keywords describe, read as the command line reads flags."""
  fields = dataclasses.fields(config_lib.RunConfig)
  taken = [field.name for field in fields
           if field.metadata["mathematics"] or field.name == "precision"]
  for name in settings:
    if name not in taken:
      if name in (field.name for field in fields):
        raise errors.UserError(
            f"{name}: has no effect on VAE; data and epochs are arguments of its methods, and what"
            " else is no part of the mathematics is for the commands.")
      alike = difflib.get_close_matches(name, taken)
      raise errors.UserError(
          f"{name}: no such setting; " + (f"did you mean {' or '.join(alike)}?" if alike
                                          else f"there are {', '.join(taken)}."))
  given = {"dataset": "text"} | {
      name: value for name, value in settings.items() if value is not None}
  return command_line.resolve(command_line.explicit_values(
      command_line.config_flags(*taken), command_line.arguments(given)))
