"""The settings of a run and the figures of its report, for the HParams table of TensorBoard."""

import tensorflow as tf
from tensorboard.plugins.hparams import api
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import summary

from du_vae_tf import config as config_lib
from du_vae_tf import report as report_lib
from du_vae_tf.training import run_folder

_SETTINGS_SUFFIX = ".settings"

# The table has a column for every scalar of a run, shows the first five until others are chosen,
# and sorts them by name: of these, "Test/" comes before the figures of epochs.
TAGS = {
    "au": "Test/AU", "ce": "Test/CE", "nll": "Test/IW-NLL", "kl": "Test/KL", "mi": "Test/MI",
    "mpd": "Test/MPD", "ppl": "Test/PPL", "elbo_nll": "Test/negative_ELBO",
    "reconstruction": "Test/reconstruction", "z0_au": "Test/z0_AU", "z0_ce": "Test/z0_CE",
    "z0_mi": "Test/z0_MI", "z0_mpd": "Test/z0_MPD"}


def write_settings(folder: run_folder.RunFolder, config: config_lib.RunConfig) -> None:
  """Writes what changes the numbers of a run, unless that was done when it began.

  Args:
    folder: of the run.
    config: its configuration.
  """
  if list(folder.tensorboard.glob(f"*{_SETTINGS_SUFFIX}")):
    return
  settings = {name: value for name, value in config.mathematics().items() if value is not None}
  writer = tf.summary.create_file_writer(
      str(folder.tensorboard), filename_suffix=_SETTINGS_SUFFIX)
  with writer.as_default():
    # Without a name of its own the row gets that of its folder: runs of equal settings, such as
    # those on other data, stay apart.
    api.hparams(settings, trial_id="")
  writer.close()


def write_figures(report: report_lib.Report) -> None:
  """Writes the figures of a report that are not null to the default summary writer."""
  for name, tag in TAGS.items():
    value = getattr(report, name)
    if value is not None:
      tf.summary.scalar(tag, value)
  ended = summary.session_end_pb(api_pb2.STATUS_SUCCESS)
  tf.summary.experimental.write_raw_pb(ended.SerializeToString(), step=0)
