"""Embeds shards by Apache Beam: a shard is an element, and becomes its file wherever it is done."""

import contextlib
import dataclasses
import io
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options import pipeline_options
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners import runner as runner_lib
from apache_beam.runners.portability import portable_runner
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.utils import shared

from du_vae_tf import errors
from du_vae_tf.embedding_jobs import inputs
from du_vae_tf.embedding_jobs import running
from du_vae_tf.embedding_jobs import text_lines
from du_vae_tf.embedding_jobs import workers
from du_vae_tf.training import signals

_LOOK_EVERY_SECONDS = 1.0
_LEAVE_WITHIN_SECONDS = 10.0
# Beam's workers say a lot; an option of the user's stands behind it and wins.
_QUIET = "--default_sdk_harness_log_level=ERROR"

# Whether this process was asked to stop, for the shards that a runner embeds in it.
_in_this_process = signals.StopRequest()


class EmbedShards(beam.DoFn):
  """Writes the file and the record of each shard, and gives its number.

  A shard that a runner does again, or twice at once, is written again with the same content.

  Args:
    work: which says where to.
  """

  def __init__(self, work: running.Work):
    super().__init__()
    self._work = work
    self._shared = shared.Shared()

  def setup(self) -> None:
    """Loads the run once in each process, whatever the number of its threads."""
    self._worker = self._shared.acquire(lambda: workers.Worker(self._work.job))

  def process(self, element: inputs.Shard) -> Iterator[int]:
    """Embeds a shard."""
    self._worker.complete(
        element, self._work.row_format, self._work.folder, lambda _: _in_this_process.check())
    yield element.number


class BeamEngine:
  """A `running.Engine`.

  Args:
    runner: name of a Beam runner.
    options: NAME=VALUE of Beam and of the runner.

  Raises:
    errors.UserError: Beam knows no such runner, or an option has a value that it does not take.
  """

  def __init__(self, runner: str, options: Sequence[str]):
    said = io.StringIO()
    try:
      with contextlib.redirect_stderr(said):
        self._options = pipeline_options.PipelineOptions(
            [_QUIET, *(f"--{option}" for option in options)])
        self._all_options = self._options.get_all_options()
    except SystemExit:
      why = said.getvalue().strip().splitlines()[-1].partition("error: ")[2]
      raise errors.UserError(f"--beam_option: {why}") from None
    self._runner = self._make_runner(runner)

  def _make_runner(self, name: str) -> Any:
    if name.lower() != "directrunner":
      try:
        return runner_lib.create_runner(name)
      except (ValueError, ImportError, AttributeError) as error:
        raise errors.UserError(f"--runner={name}: {error}") from None
    # What Beam's direct runner falls back to after it has tried to download another one.
    return fn_runner.FnApiRunner(provision_info=fn_runner.ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(
            pipeline_options=portable_runner.JobServiceHandle.encode_pipeline_options(
                self._all_options))))

  def __call__(self, work: running.Work, worker: workers.Worker, on_rows: Callable[[int], None],
               stop: signals.StopRequest) -> None:
    """Finishes the shards; the worker of this process is not needed."""
    del worker
    _in_this_process.requested = False
    if text_lines.is_packed(work.job.input):
      # A packed file has no beginning but one, and shards want to be read from their own.
      if not work.folder.unpacked.exists():
        text_lines.unpack(work.job.input, work.folder.unpacked)
      work = dataclasses.replace(
          work, job=dataclasses.replace(work.job, input=work.folder.unpacked))
    pipeline = beam.Pipeline(runner=self._runner, options=self._options)
    _ = (pipeline | "Shards" >> beam.Create(list(work.shards)) | beam.Reshuffle()
         | "Embed" >> beam.ParDo(EmbedShards(work)))
    running_pipeline = _RunningPipeline(pipeline)
    running_pipeline.start()
    left = {shard.number: shard.num_rows for shard in work.shards}
    while running_pipeline.is_alive():
      running_pipeline.join(_LOOK_EVERY_SECONDS)
      for number in work.folder.finished() & left.keys():
        on_rows(left.pop(number))
      if stop.requested:
        running_pipeline.stop()
        stop.check()
    running_pipeline.check()
    work.folder.unpacked.unlink(missing_ok=True)


class _RunningPipeline(threading.Thread):
  """A pipeline that runs while the main thread listens to signals."""

  def __init__(self, pipeline: beam.Pipeline):
    super().__init__(daemon=True)
    self._pipeline = pipeline
    self._result: Any = None
    self._error: BaseException | None = None

  def run(self) -> None:
    try:
      self._result = self._pipeline.run()
      self._result.wait_until_finish()
    except BaseException as error:
      self._error = error

  def check(self) -> None:
    """Raises what the pipeline ended with, unless it has done its work."""
    if self._error is not None:
      raise self._error
    if self._result.state != runner_lib.PipelineState.DONE:
      raise RuntimeError(f"The pipeline ended as {self._result.state}.")

  def stop(self) -> None:
    """Ends the pipeline; workers that do not hear of it end with this process."""
    logging.disable()  # That the pipeline is broken off is no error to be told.
    _in_this_process.requested = True
    if self._result is not None and not runner_lib.PipelineState.is_terminal(self._result.state):
      self._result.cancel()
    self.join(_LEAVE_WITHIN_SECONDS)
    logging.disable(logging.NOTSET)
