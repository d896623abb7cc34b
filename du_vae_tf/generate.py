"""Draws from a trained model: `bazel run //du_vae_tf:generate -- --run_dir=...`."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import finished_runs
from du_vae_tf import startup
from du_vae_tf.analysis import word_choice

USAGE = """
Draws from a trained run: samples of the prior, reconstructions, interpolations between two examples
and analogies in latent space; as JSON, and as tables (text) or picture grids (images).

  bazel run //du_vae_tf:generate -- --run_dir=FOLDER [--flag=value ...]

Examples are drawn from a split unless they are given: text as sentences, images as picture files of
the model's size, light on dark. An analogy decodes z2 - z1 + z3; by default examples 1 and 3 have
the most frequent label and example 2 the next.
"""

_GROUP = "Generation"
_TEXT_GROUP = "Words (text only)"

SPECS = [
    *finished_runs.flags(_GROUP, several=False),
    command_line.Flag(
        name="output_dir", type=str, default=None, group=_GROUP,
        text="Where the files go (default: the folder samples of the run)."),
    command_line.Flag(
        name="split", type=str, default="test", group=_GROUP, text="Where examples are drawn from.",
        choices=("train", "valid", "test")),
    command_line.Flag(
        name="num_samples", type=int, default=20, group=_GROUP, text="Samples of the prior."),
    command_line.Flag(
        name="num_reconstructions", type=int, default=10, group=_GROUP, text="Reconstructions."),
    command_line.Flag(
        name="num_interpolations", type=int, default=5, group=_GROUP, text="Interpolations."),
    command_line.Flag(
        name="num_analogies", type=int, default=5, group=_GROUP,
        text="Analogies, if the data have labels."),
    command_line.Flag(
        name="steps", type=int, default=5, group=_GROUP,
        text="Decoded examples of an interpolation, evenly spaced, both ends included."),
    command_line.Flag(
        name="between", type=list, default=None, group=_GROUP,
        text="Given twice: the two examples of one interpolation."),
    command_line.Flag(
        name="analogy", type=list, default=None, group=_GROUP,
        text="Given three times: the answer is to the third as the second is to the first."),
    command_line.Flag(
        name="draw_seed", type=int, default=0, group=_GROUP,
        text="Seed of all draws; the same seed draws the same."),
    command_line.Flag(
        name="decoding", type=str, default="greedy", group=_TEXT_GROUP,
        text="The likeliest word at each step, words drawn at random, or beam search.",
        choices=word_choice.DECODINGS),
    command_line.Flag(
        name="temperature", type=float, default=word_choice.DEFAULT_TEMPERATURE, group=_TEXT_GROUP,
        text="Divides the logits; --decoding=sample only."),
    command_line.Flag(
        name="top_k", type=int, default=None, group=_TEXT_GROUP,
        text="Only so many of the likeliest words are drawn; --decoding=sample only."),
    command_line.Flag(
        name="beam_width", type=int, default=word_choice.DEFAULT_BEAM_WIDTH, group=_TEXT_GROUP,
        text="Sentences that the search keeps; --decoding=beam only.")]

_CHOICE = tuple(field.name for field in dataclasses.fields(word_choice.WordChoice))
_LEAST = {"num_samples": 0, "num_reconstructions": 0, "num_interpolations": 0, "num_analogies": 0,
          "steps": 2, "draw_seed": 0}
_GIVEN = {"between": 2, "analogy": 3}


def check(explicit: Mapping[str, Any]) -> word_choice.WordChoice:
  """How words are chosen; refuses values out of range, and flags without effect.

  Raises:
    errors.UserError: there is one.
  """
  for name, least in _LEAST.items():
    if explicit.get(name, least) < least:
      raise errors.UserError(f"--{name}={explicit[name]}: must be at least {least}.")
  for name, count in _GIVEN.items():
    if len(explicit.get(name, [None] * count)) != count:
      raise errors.UserError(
          f"--{name}: must be given {count} times, once for each example; it was given"
          f" {len(explicit[name])} time(s).")
  return word_choice.WordChoice(
      **{name: explicit[name] for name in _CHOICE if name in explicit})


def main(explicit: dict[str, Any]) -> None:
  """Draws from the run that the flags name."""
  paths = finished_runs.folders(explicit)
  choice, folder = check(explicit), finished_runs.given_folder(explicit)
  # Imported late: a mistyped flag is answered before TensorFlow is loaded.
  startup.load_tensorflow()
  from du_vae_tf import console
  from du_vae_tf.analysis import codec as codec_lib
  from du_vae_tf.analysis import generation
  from du_vae_tf.analysis import media

  # Images are drawn in float32 only, and sentences are not many.
  (run, corpus), = finished_runs.load({**explicit, "precision": "float32"}, paths)
  for name in _CHOICE:
    if name in explicit and run.config.modality != "text":
      raise errors.UserError(
          f"--{name}: has an effect on text only, and --run_dir={run.folder.path} is of images.")
  values = command_line.values_of(SPECS, explicit)
  medium = media.of_run(run)
  given: dict[str, Any] = {
      name: tuple(medium.given(value, f"--{name}") for value in explicit[name])
      for name in _GIVEN if name in explicit}
  generator = generation.Generator(
      codec_lib.Codec(run.model, medium, run.config.seed),
      media.examples(run.config, corpus, values["split"]), values["draw_seed"], choice)
  generated = generator.generate(
      samples=values["num_samples"], reconstructions=values["num_reconstructions"],
      paths=values["num_interpolations"], steps=values["steps"],
      analogies=values["num_analogies"], **given)
  written = media.OUTPUTS[run.config.modality].write(
      generated, (folder or run.folder.samples) / "generated")
  for path in written:
    if path.suffix == ".md":
      console.say(path.read_text(encoding="utf-8"))
  console.say("Files:\n" + "\n".join(f"  {path}" for path in written))


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
