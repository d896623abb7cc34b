"""The medium of a run: sentences or images, and how what was generated is written."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any, cast

from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.analysis import generation
from du_vae_tf.analysis import image_generation
from du_vae_tf.analysis import text_generation
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import image_corpus
from du_vae_tf.data import text_corpus
from du_vae_tf.training import runs

Write = Callable[[generation.Generated, pathlib.Path], list[pathlib.Path]]


def make(run: runs.Run, corpus: corpus_lib.Corpus, split: str,
         choice: Mapping[str, Any]) -> tuple[generation.Medium, Write]:
  """How examples of a run come in and go out, and how they are written.

  Args:
    run: with its best weights.
    corpus: its data.
    split: which examples items are drawn from.
    choice: how words are chosen: what is given of the fields of `text_generation.WordChoice`.

  Raises:
    errors.UserError: the run is of images, and there is something in `choice`.
  """
  return _MEDIA[run.config.modality](run, corpus, split, choice)


def _text(run: runs.Run, corpus: corpus_lib.Corpus, split: str,
          choice: Mapping[str, Any]) -> tuple[generation.Medium, Write]:
  text = cast(text_corpus.TextCorpus, corpus)
  return text_generation.TextMedium(
      run.model, text.vocabulary, text.splits[split], cast(int, run.config.max_length),
      text.splits["train"].max_words, text_generation.WordChoice(**choice)), text_generation.write


def _image(run: runs.Run, corpus: corpus_lib.Corpus, split: str,
           choice: Mapping[str, Any]) -> tuple[generation.Medium, Write]:
  if choice:
    raise errors.UserError(
        f"--{next(iter(choice))}: has an effect on text only, and --run_dir={run.folder.path} is"
        " of images.")
  images = cast(image_corpus.ImageCorpus, corpus)
  return (image_generation.ImageMedium(run.model, images.splits[split]),
          image_generation.write)


_MEDIA: dict[datasets.Modality, Callable[..., tuple[generation.Medium, Write]]] = {
    "text": _text, "image": _image}
