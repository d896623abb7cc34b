"""A process that embeds shards, one after the other or in several threads."""

import hashlib
import pathlib
from collections.abc import Callable
from typing import cast

from du_vae_tf import datasets
from du_vae_tf import files
from du_vae_tf.data import vocabulary as vocabulary_lib
from du_vae_tf.embedding_jobs import embedder
from du_vae_tf.embedding_jobs import image_input
from du_vae_tf.embedding_jobs import inputs
from du_vae_tf.embedding_jobs import jobs
from du_vae_tf.embedding_jobs import output_folder
from du_vae_tf.embedding_jobs import shard_files
from du_vae_tf.embedding_jobs import text_input
from du_vae_tf.training import runs


class Worker:
  """A loaded run with an open input.

  Args:
    job: what is to be done.

  Raises:
    errors.UserError: there is no such run, or the file is not for it.
  """

  def __init__(self, job: jobs.Job):
    self._job = job
    self._run = runs.load(str(job.run_dir), job.precision)
    self.input = _open(self._run, job.input)
    self._embedder = embedder.Embedder(self._run.model, self.input.element_spec, job.fields)

  @property
  def model_digest(self) -> str:
    """Hex digits that name what makes numbers of an example."""
    digest = hashlib.sha256(f"{self._run.config.max_length}\n".encode())
    if self._run.config.modality == "text":
      digest.update(self._run.folder.vocabulary.read_bytes())
    for variable in sorted(self._run.model.variables, key=lambda variable: variable.path):
      digest.update(f"{variable.path} {variable.dtype} {variable.shape}\n".encode())
      digest.update(variable.numpy().tobytes())
    return digest.hexdigest()

  def complete(self, shard: inputs.Shard, row_format: str, folder: output_folder.OutputFolder,
               on_rows: Callable[[int], object]) -> None:
    """Embeds the rows of a shard and writes its file and its record.

    Args:
      shard: which rows.
      row_format: of the plan.
      folder: where to.
      on_rows: told how many more rows of the input are done; may raise, and then nothing is
        written.
    """
    found = self.input.read(shard, row_format)
    on_rows(len(found.dead_letters))
    fields = self._embedder.embed(
        found.batches(self._job.batch_size), len(found.rows), on_rows)
    labels = {} if found.labels is None else {"label": found.labels}
    with files.new_file(folder.shard(shard.number)) as unfinished:
      shard_files.WRITERS[self._job.format](unfinished, {"row": found.rows, **labels, **fields})
    folder.write_record(shard.number, output_folder.Record(
        len(found.rows), found.dead_letters, found.counts))


def _open(run: runs.Run, path: pathlib.Path) -> inputs.Input:
  if run.config.modality == "image":
    _, _, sizes = run.folder.load_config()
    return image_input.ImageInput(path, sizes["side"])
  return text_input.TextInput(
      path, vocabulary_lib.load(run.folder.vocabulary), cast(int, run.config.max_length),
      datasets.DATASETS[run.config.dataset].line_format)
