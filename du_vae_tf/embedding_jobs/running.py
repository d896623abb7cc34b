"""A job from its beginning, or from where it was interrupted, to its summary."""

import dataclasses
from collections.abc import Callable, Sequence

from du_vae_tf import console
from du_vae_tf import folder_lock
from du_vae_tf.embedding_jobs import inputs
from du_vae_tf.embedding_jobs import jobs
from du_vae_tf.embedding_jobs import output_folder
from du_vae_tf.embedding_jobs import summaries
from du_vae_tf.embedding_jobs import workers
from du_vae_tf.training import signals


@dataclasses.dataclass(frozen=True)
class Work:
  """The shards that are left of a job, and where they go.

  Attributes:
    job: what is asked for.
    row_format: of the plan.
    shards: left.
    folder: of the job.
  """

  job: jobs.Job
  row_format: str
  shards: Sequence[inputs.Shard]
  folder: output_folder.OutputFolder


# Finishes the shards; is given a worker that is ready, is to tell the rows that are done, and to
# raise `errors.PreemptedError` when it is asked to stop.
Engine = Callable[[Work, workers.Worker, Callable[[int], None], signals.StopRequest], None]


def run(job: jobs.Job, engine: Engine, stop: signals.StopRequest) -> None:
  """Does what is left of a job.

  Args:
    job: what is asked for.
    engine: how.
    stop: asked between batches.

  Raises:
    errors.UserError: there is no such run, the file is not for it, or the folder is of another job.
    errors.PreemptedError: the process was asked to stop; finished shards stay.
  """
  with folder_lock.FolderLock(job.output, "output"):
    worker = workers.Worker(job)
    console.say(f"Counting the rows of {job.input}")
    plan = worker.input.plan(job.rows_per_shard, stop.check)
    folder = output_folder.OutputFolder(job.output, job.format, len(plan.shards))
    folder.claim(job.identity(plan.digest, worker.model_digest), {
        "input": str(job.input), "run_dir": str(job.run_dir), "rows": plan.num_rows,
        "row_format": plan.row_format, "shards": len(plan.shards)})
    finished = folder.finished()
    left = [shard for shard in plan.shards if shard.number not in finished]
    _announce(plan, len(finished))
    if left:
      rows_left = sum(shard.num_rows for shard in left)
      countdown = console.Countdown(plan.num_rows, plan.num_rows - rows_left, "rows")
      engine(Work(job, plan.row_format, left, folder), worker, countdown.update, stop)
      countdown.finish()
      console.say(f"{countdown.rate:.0f} rows a second")
    console.say(summaries.write(folder).text())
    first, last = folder.shard(0), folder.shard(len(plan.shards) - 1)
    console.say(f"Embeddings: {first}" + (f" to {last.name}" if last != first else ""))


def _announce(plan: inputs.Plan, finished: int) -> None:
  count = len(plan.shards)
  text = f"{plan.num_rows} rows, {plan.row_format}, in {count} shard{'s' if count > 1 else ''}"
  console.say(text + (f", {finished} of them finished before" if finished else ""))


def in_this_process(work: Work, worker: workers.Worker, on_rows: Callable[[int], None],
                    stop: signals.StopRequest) -> None:
  """The engine that needs nothing else: one shard after the other."""
  def done(count: int) -> None:
    stop.check()
    on_rows(count)

  for shard in work.shards:
    worker.complete(shard, work.row_format, work.folder, done)
