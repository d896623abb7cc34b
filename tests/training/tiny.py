"""A data set and a configuration so small that a run takes seconds."""

import pathlib

import numpy as np

from du_vae_tf import config as config_lib


def write_sentences(folder: str, count: int = 70) -> dict[str, str]:
  """Writes three files of sentences over thirty words; returns the flags that name them."""
  generator = np.random.default_rng(7)
  paths = {}
  for name, rows in (("train", count), ("valid", 20), ("test", 20)):
    path = pathlib.Path(folder) / f"{name}.txt"
    path.write_text("".join(
        " ".join(f"w{word}" for word in generator.integers(0, 30, generator.integers(2, 9))) + "\n"
        for _ in range(rows)), encoding="utf-8")
    paths[f"{name}_file"] = str(path)
  return paths


def make_config(folder: str, **changes: object) -> config_lib.RunConfig:
  """A configuration of a run on such files, everything below `folder`."""
  values = {
      "dataset": "text", "latent_dim": 2, "hidden_size": 8, "embedding_size": 6,
      "batch_size": 16, "epochs": 3, "warmup_epochs": 1, "iw_samples": 5, "seed": 11,
      "deterministic": True, "run_dir": f"{folder}/run", "data_dir": f"{folder}/data",
      **write_sentences(folder)}
  given = {name: value for name, value in (values | changes).items() if value is not None}
  return config_lib.resolve(given, {})
