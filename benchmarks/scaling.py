"""Training on many GPUs, on paper: `bazel run //benchmarks:scaling`."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import cost_model
from benchmarks import data_sheets
from benchmarks import image_step
from benchmarks import measuring
from benchmarks import predictions
from benchmarks import scaling_tables
from benchmarks import simulation
from benchmarks import text_step
from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import machine
from du_vae_tf import startup

USAGE = """
Predicts seconds of a training step of du_vae from a cost model. First for this machine, beside
measured steps of several sizes, the published ones, and sums over two local processes; then, from
data sheets, throughput on 1 to 64 GPUs and epochs of large corpora. What it says of GPUs and
networks is a prediction that no hardware confirmed. Linux only.

  bazel run //benchmarks:scaling -- [--rounds=0] [--jitter=0.05] [--flag=value ...]
"""

REPLICAS = (1, 2, 4, 8, 16, 32, 64)
ROWS = 32
CORPORA = tuple(10**power for power in range(5, 10))
_EPOCHS_ON = ("H100 SXM 80 GB", "400 Gbit/s")
_EPOCH_REPLICAS = (1, 8, 64)
_SUMS = (2**-10, 1.0, 4.0, 16.0)

SPECS = [
    measuring.flag("rounds", 5, int, "Measured steps of each size; 0: predictions alone."),
    measuring.flag("batch_sizes", "8,32,128", str, "Sentences of a measured step, by commas."),
    measuring.flag("words", "20,80", str, "Words of a sentence there, by commas."),
    measuring.flag("hidden_sizes", "256,1024", str, "LSTM units there, by commas."),
    *(spec for spec in measuring.text_flags() if spec.name in ("vocab_size", "embedding_size")),
    measuring.flag("image_batch_sizes", "50", str, "Images of a measured step, by commas."),
    *(spec for spec in measuring.image_flags() if spec.name in ("side", "latent_dim")),
    measuring.flag("jitter", 0.05, float,
                   "Standard deviation of the logarithm of a GPU's time for a step."),
    measuring.json_flag()]


def main(explicit: dict[str, Any]) -> None:
  """Measures, predicts, prints."""
  options, = measuring.split(explicit, SPECS)
  if options["rounds"] < 0 or not 0.0 <= options["jitter"] < 2.0:
    raise errors.UserError(
        f"--rounds={options['rounds']} --jitter={options['jitter']}: rounds must be at least 0,"
        " jitter in [0, 2).")
  lists = {name: _numbers(name, options[name]) for name in (
      "batch_sizes", "words", "hidden_sizes", "image_batch_sizes")}
  startup.load_tensorflow()
  from benchmarks import machine_rates
  from benchmarks import models

  rates = machine_rates.Rates()
  paper = {"text": predictions.text_sizes(_defaults(text_step.SIZES)),
           "image": predictions.image_sizes(
               models.image(_defaults(image_step.SIZES), "float32"))}
  figures: dict[str, Any] = {"options": options, "processor": machine.processor()}
  console.say(machine.processor() + "\n")
  if options["rounds"]:
    figures |= _measured(options, lists, rates, models)
  figures |= {"bandwidth": rates.bandwidth(), "call": rates.call()}
  console.say(f"Memory {figures['bandwidth'] / 1e9:.3g} GB/s, a call {1e6 * figures['call']:.2g}"
              " us. Published steps of another hour, with these two:\n")
  figures["published"] = predictions.of_published(paper, figures["bandwidth"], figures["call"])
  console.say(scaling_tables.comparison(figures["published"]))
  figures |= _simulated(paper, options["jitter"])
  if options[measuring.JSON_FLAG] is not None:
    files.write_text_atomically(
        options[measuring.JSON_FLAG], json.dumps(figures, indent=2) + "\n")


def _numbers(name: str, text: str) -> list[int]:
  try:
    values = [int(piece) for piece in text.split(",")]
  except ValueError:
    values = []
  if not values or min(values) < 2:
    raise errors.UserError(
        f"--{name}={text}: must be whole numbers of at least 2, separated by commas.")
  return values


def _defaults(specs: Sequence[command_line.Flag]) -> dict[str, Any]:
  sizes, = measuring.split({}, specs)
  return sizes


def _measured(options: Mapping[str, Any], lists: Mapping[str, Sequence[int]], rates: Any,
              models: Any) -> dict[str, Any]:
  """Steps and sums of this machine."""
  rows = []
  fixed = {name: options[name] for name in ("vocab_size", "embedding_size", "latent_dim")}
  for hidden in lists["hidden_sizes"]:
    for words in lists["words"]:
      for batch in lists["batch_sizes"]:
        flags = _defaults(text_step.SIZES) | fixed | {
            "hidden_size": hidden, "words": words, "batch_size": batch}
        rows.append(predictions.of_step(
            f"text, {batch} x {words} words, {hidden} units", "text_step", flags,
            predictions.text_sizes(flags), rates, options["rounds"]))
        console.say(f"  {rows[-1]['step']}: {rows[-1]['measured']:.3g} s")
  for batch in lists["image_batch_sizes"]:
    flags = _defaults(image_step.SIZES) | {
        "side": options["side"], "latent_dim": options["latent_dim"], "batch_size": batch}
    sizes = predictions.image_sizes(models.image(flags, "float32"))
    rows.append(predictions.of_step(
        f"{batch} images", "image_step", flags, sizes, rates, options["rounds"]))
    console.say(f"  {rows[-1]['step']}: {rows[-1]['measured']:.3g} s")
  jitter = predictions.jitter([row["logarithms"] for row in rows])
  console.say("\nSteps in float32, medians:\n\n" + scaling_tables.comparison(rows))
  console.say(f"Standard deviation of the logarithm of a step's time: {jitter:.2g}\n")
  sums = predictions.of_sums(_SUMS)
  console.say("Sums over two processes; the first and the last give latency and bandwidth:\n")
  console.say(scaling_tables.sums(sums))
  return {"steps": rows, "measured_jitter": jitter, "sums": sums}


def _simulated(paper: Mapping[str, Any], jitter: float) -> dict[str, Any]:
  """Throughput, where the time of a step goes, and epochs of large corpora."""
  figures: dict[str, Any] = {"simulated": []}
  for modality, unit in (("text", "sentences"), ("image", "images")):
    for fixed in (True, False):
      rows = ROWS if fixed else f"{ROWS} a GPU"
      console.say(f"PREDICTED, {unit}, batch {rows}{' in all' if fixed else ''}:\n")
      columns = {
          f"{gpu}, {network}": steps_of(paper[modality], gpu, network, fixed, jitter)
          for gpu in data_sheets.GPUS for network in data_sheets.NETWORKS}
      console.say(scaling_tables.throughput(columns, unit))
      last = columns[", ".join(_EPOCHS_ON)]
      console.say(f"Of these, {', '.join(_EPOCHS_ON)}:\n\n" + scaling_tables.anatomy(last))
      figures["simulated"] += [
          {"modality": modality, "cluster": name, "batch_in_all": fixed, "unit": unit,
           **dataclasses.asdict(step), "seconds": step.seconds,
           "rows_per_second": step.rows_per_second}
          for name, steps in columns.items() for step in steps]
  steps = [step for step in steps_of(paper["text"], *_EPOCHS_ON, False, jitter)
           if step.replicas in _EPOCH_REPLICAS]
  figures["corpora"] = scaling_tables.corpora(CORPORA, steps)
  console.say(f"PREDICTED, corpora of sentences of 80 words, {', '.join(_EPOCHS_ON)}, {ROWS} a"
              " GPU:\n")
  console.say(scaling_tables.corpus(figures["corpora"], steps))
  return figures


def steps_of(sizes: cost_model.Sizes, gpu: str, network: str, fixed: bool,
             jitter: float) -> list[simulation.Step]:
  """Steps with ever more GPUs.

  Args:
    sizes: of the model.
    gpu: of `data_sheets.GPUS`.
    network: of `data_sheets.NETWORKS`.
    fixed: whether the batch is the same in all, or for each GPU.
    jitter: of a GPU's time for a step.
  """
  return [simulation.step(
      sizes, ROWS / replicas if fixed else ROWS, replicas, data_sheets.machine(gpu),
      data_sheets.cluster(gpu, network), jitter) for replicas in REPLICAS]


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
