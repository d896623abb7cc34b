"""Trains tiny runs to be served, in this process."""

import itertools
import logging
import pathlib

from du_vae_tf import command_line
from du_vae_tf import train
from tests.data import own_files
from tests.data import own_images

SIDE = 8
MAX_WORDS = 7
# The second would be markup, were it put into a page as such.
SENTENCES = ("the sky is blue", "a <b>bold</b> & 'word'")

_COMMON = ("--batch_size=16", "--iw_samples=2", "--latent_dim=2", "--seed=3", "--deterministic")


def _train(folder: pathlib.Path, *flags: str) -> pathlib.Path:
  run_dir = folder / "run"
  # A test shows messages of this level, and the hundreds of each PDF hide why it failed.
  logging.getLogger("fontTools").setLevel(logging.WARNING)
  train.main(command_line.explicit_values(
      train.SPECS, [*_COMMON, f"--data_dir={folder}/data", f"--run_dir={run_dir}", *flags]))
  return run_dir


def text(folder: str) -> pathlib.Path:
  """A run that has learned to tell `SENTENCES` apart; test examples are these, with labels.

  Args:
    folder: for data and run.

  Returns:
    The folder of the run.
  """
  lines = [f"{number}\t{sentence}" for number, sentence in enumerate(SENTENCES)]
  files = own_files.write(folder, {
      split: list(itertools.islice(itertools.cycle(lines), rows))
      for split, rows in (("train", 320), ("valid", 16), ("test", 16))})
  return _train(
      pathlib.Path(folder), "--dataset=text", "--method=bn_vae", "--gamma=3", "--hidden_size=24",
      "--embedding_size=8", "--epochs=12", "--warmup_epochs=99", f"--max_length={MAX_WORDS}",
      *(f"--{split}_file={path}" for split, path in files.items()))


def image(folder: str) -> pathlib.Path:
  """A run on images of `SIDE` that has learned little; see `text`."""
  files = own_images.write_arrays(folder, side=SIDE, rows=48)
  return _train(pathlib.Path(folder), "--dataset=images", "--epochs=1", "--warmup_epochs=0",
                *(f"--{name}={path}" for name, path in files.items()))
