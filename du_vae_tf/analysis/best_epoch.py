"""What TensorBoard shows of the best epoch of a finished run, and the projector's files."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np
import tensorflow as tf

from du_vae_tf import datasets
from du_vae_tf import report as report_lib
from du_vae_tf.analysis import embedding_projector
from du_vae_tf.analysis import hparams
from du_vae_tf.analysis import latent_pictures
from du_vae_tf.analysis import representations
from du_vae_tf.analysis import sample_summaries
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.data import image_corpus
from du_vae_tf.data import text_corpus
from du_vae_tf.training import runs

_SPLIT = "test"
_SUFFIX = ".best"


def write(run: runs.Run, corpus: corpus_lib.Corpus, report: report_lib.Report,
          check: Callable[[], None] = lambda: None) -> None:
  """Writes samples, pictures of the latent space, figures and representations.

  What an earlier call wrote is replaced.

  Args:
    run: with its best weights, in float32.
    corpus: its data.
    report: of the run on the test split.
    check: called between batches; raises to interrupt.
  """
  folder = run.folder
  encoded = representations.encode(run, corpus, _SPLIT, report.num_examples, check)
  # Without t-SNE: the projector makes it where it is wanted.
  pictures = latent_pictures.draw(
      {run.config.method: encoded}, folder.figures,
      synthetic=run.config.dataset == "synthetic", seed=run.config.seed, quick=True)
  for old in folder.tensorboard.glob(f"*{_SUFFIX}"):
    old.unlink()
  writer = tf.summary.create_file_writer(str(folder.tensorboard), filename_suffix=_SUFFIX)
  with writer.as_default(step=report.best_epoch):
    sample_summaries.Samples(run.model, run.config, corpus).write(
        folder.samples / "best", "samples_of_best_epoch")
    for path in pictures:
      if path.suffix == ".png":
        tf.summary.image(f"latent_space/{path.stem}", tf.io.decode_png(path.read_bytes())[None])
    hparams.write_figures(report)
  writer.close()
  _write_representations(run, corpus, encoded)


def _write_representations(run: runs.Run, corpus: corpus_lib.Corpus,
                           encoded: representations.Encoded) -> None:
  # Drawn, as files are often in order of labels.
  order = np.random.default_rng(run.config.seed).permutation(len(encoded.labels))
  rows = np.sort(order[:embedding_projector.MOST_EXAMPLES])
  columns, images = _EXAMPLES[run.config.modality](corpus, rows)
  kl = encoded.kl_per_dimension[rows].sum(axis=1, dtype=np.float64)
  columns |= {"KL": [f"{value:.2f}" for value in kl], "row": rows}
  if np.any(encoded.labels >= 0):
    columns = {"label": encoded.labels[rows], **columns}
  embedding_projector.write(
      run.folder.tensorboard, f"{_SPLIT} split", encoded.representation[rows], columns, images)


def _sentences(corpus: corpus_lib.Corpus,
               rows: np.ndarray) -> tuple[dict[str, Iterable[Any]], np.ndarray | None]:
  """What is known of some sentences, and no images."""
  text = cast(text_corpus.TextCorpus, corpus)
  split = text.splits[_SPLIT]
  return {"text": [text.vocabulary.decode(split.words(row)) for row in rows],
          "words": split.lengths[rows]}, None


def _images(corpus: corpus_lib.Corpus,
            rows: np.ndarray) -> tuple[dict[str, Iterable[Any]], np.ndarray | None]:
  """What is known of some images, and the images."""
  split = cast(image_corpus.ImageCorpus, corpus).splits[_SPLIT].take(rows)
  fine: dict[str, Iterable[Any]] = (
      {"fine label": split.fine_labels} if np.any(split.fine_labels >= 0) else {})
  return fine, split.images


_EXAMPLES: dict[datasets.Modality, Callable[[corpus_lib.Corpus, np.ndarray], Any]] = {
    "text": _sentences, "image": _images}
