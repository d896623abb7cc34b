"""A finished run, read back from its folder."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from du_vae_tf import config as config_lib
from du_vae_tf import errors
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.models import builders
from du_vae_tf.models import vae
from du_vae_tf.training import checkpoints
from du_vae_tf.training import precision as precision_lib
from du_vae_tf.training import run_folder


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
  """A run that can be evaluated and exported.

  Attributes:
    folder: where it lies.
    config: what it was made from.
    data_digest: content of its data.
    sizes: what the data fix of the model; see `corpus.Corpus`.
    model: with the best weights.
    progress: how far the training came.
    precision: of the model's products, float32 or bfloat16.
  """

  folder: run_folder.RunFolder
  config: config_lib.RunConfig
  data_digest: str
  sizes: Mapping[str, int]
  model: vae.VAE
  progress: checkpoints.Progress
  precision: str

  def load_corpus(self, **sources: Any) -> corpus_lib.Corpus:
    """The data of the run; text under its own vocabulary.

    Args:
      **sources: fields of the configuration that say where the data lie now.

    Raises:
      errors.UserError: the data are not there, or are not those of the run.
    """
    config = dataclasses.replace(self.config, **sources)
    corpus = corpus_lib.load(config, self.folder.vocabulary)
    if corpus.digest != self.data_digest:
      raise errors.UserError(
          f"--run_dir={self.folder.path}: the data files have changed since the run was trained;"
          " give the folder of the original ones (--manual_dir).")
    return corpus


def load(path: str, precision: str = "float32") -> Run:
  """Reads a run with its best weights.

  Args:
    path: of its folder.
    precision: of the products, `auto`, `float32` or `bfloat16`, whatever the run was trained in.

  Raises:
    errors.UserError: there is no run at `path`, it has no best weights yet, or is damaged.
  """
  folder = run_folder.RunFolder(path)
  config, digest, sizes = folder.load_config()
  if config.modality == "text":
    _check_vocabulary(folder, sizes["vocab_size"])
  resolved = precision_lib.resolve(precision, config.hidden_size)
  model = builders.build_model(config, sizes, precision_lib.POLICIES[resolved])
  progress = checkpoints.read_progress(folder)
  checkpoints.restore_best(folder, model, progress)
  return Run(
      folder=folder, config=config, data_digest=digest, sizes=sizes, model=model,
      progress=progress, precision=resolved)


def _check_vocabulary(folder: run_folder.RunFolder, size: int) -> None:
  """Refuses words that are not those of the weights: ids would be read as other words."""
  count = len(vocabulary_lib.load(folder.vocabulary))
  if count != size:
    raise errors.UserError(
        f"{folder.vocabulary}: has {count} words, while the run was trained with {size}; put the"
        " run's own file back.")
