"""The figures of an epoch: what stands in a line of `metrics.jsonl`."""

from typing import Any

from du_vae_tf import config as config_lib
from du_vae_tf.estimators import posterior_pass
from du_vae_tf.training import step as step_lib


def make(config: config_lib.RunConfig, stepper: step_lib.Stepper, *, step: int,
         learning_rate: float, seconds: float,
         collected: posterior_pass.Collected | None) -> dict[str, Any]:
  """The figures of the epoch whose sums the stepper holds; losses in nats per example.

  Args:
    config: of the run.
    stepper: took the steps.
    step: the last one, counted from 1.
    learning_rate: of the epoch.
    seconds: of the steps.
    collected: of the validation split; None where there is none.
  """
  totals = stepper.totals_by_name()
  means = stepper.means("reconstruction", "kl")
  speeds = {"examples_per_second": totals["examples"] / seconds}
  if config.modality == "text":
    speeds["words_per_second"] = totals["tokens"] / seconds
  return {
      "step": step, "kl_weight": float(stepper.kl_schedule.weight(step)),
      "learning_rate": learning_rate,
      "train_reconstruction": means["reconstruction"], "train_kl": means["kl"],
      **(collected.figures() if collected else {}), **speeds}
