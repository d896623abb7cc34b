"""Corpora of another synthetic language: `bazel run //benchmarks:synthetic_language`."""

import pathlib
from typing import Any

import numpy as np

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf.data import synthetic_generator

USAGE = """
Writes sentences for --dataset=text, their labels the components of the mixture. The language is
that of He et al. 2019, on which the paper's is modelled, with the paper's five components: z enters
the LSTM at every step, and the weights of the LSTM's output are in +-1 where those of the synthetic
data set are in +-5, so that the words tell more of z.

  bazel run //benchmarks:synthetic_language -- --output_dir=FOLDER [--flag=value ...]
"""

SPECS = [
    measuring.flag("output_dir", None, str, "Folder for train.txt, valid.txt and test.txt."),
    measuring.flag("language_seed", 1, int, "Of the weights and the sentences.")]


def sentences(seed: int) -> dict[str, synthetic_generator.Sentences]:
  """The splits in the language of a seed; takes some seconds.

  Source: generate.py and lm_lstm.py of He et al. 2019. The LSTM starts from c0 = A z and
  h0 = tanh(c0), the first word is uniform, no biases follow the LSTM; weights are in +-1, those
  from z to the words in +-5.
  """
  rng = np.random.default_rng(seed)
  units, words = synthetic_generator.UNITS, synthetic_generator.NUM_WORDS

  def drawn(bound: float, *shape: int) -> np.ndarray:
    return rng.uniform(-bound, bound, shape)

  state_weights = drawn(1, units, 2)

  def initial_state(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cell = z @ state_weights.T
    return np.tanh(cell), cell

  network = synthetic_generator.Network(
      embeddings=drawn(1, words + 1, units), input_weights=drawn(1, 4 * units, units),
      latent_weights=drawn(1, 4 * units, 2), recurrent_weights=drawn(1, 4 * units, units),
      bias=drawn(1, 4 * units) + drawn(1, 4 * units),
      output_weights=np.concatenate([drawn(1, words, units), drawn(5, words, 2)], axis=1),
      output_bias=np.zeros(words), initial_state=initial_state, uniform_start=True)
  return synthetic_generator.draw_splits(network, rng)


def main(explicit: dict[str, Any]) -> None:
  """Writes what the flags describe, a line `label<TAB>sentence` each."""
  options, = measuring.split(explicit, SPECS)
  if options["output_dir"] is None:
    raise errors.UserError("--output_dir is missing: give the folder for the three files.")
  if options["language_seed"] < 0:
    raise errors.UserError(f"--language_seed={options['language_seed']}: must be at least 0.")
  folder = pathlib.Path(options["output_dir"])
  files.check_writable(folder, "output_dir")
  splits = sentences(options["language_seed"])
  for split, drawn in splits.items():
    lines = [b"%d\t%s\n" % row for row in zip(drawn.labels, drawn.texts(), strict=True)]
    files.write_bytes_atomically(folder / f"{split}.txt", b"".join(lines))
  console.say(f"Sentences: {folder}; -log p(x | z) of the test split: "
              f"{-splits['test'].log_likelihood.mean():.2f} nats")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
