"""The table of data sets: name -> where it comes from and which flags say so.

Light on purpose: the command line reads it before TensorFlow is imported.
"""

import dataclasses
from typing import Literal

LineFormat = Literal["sentence", "labelled", "detect"]

SPLITS: tuple[str, ...] = ("train", "valid", "test")

# A training batch with fewer rows gives no usable batch statistics.
MIN_TRAINING_ROWS: int = 16

_DRIVE = "https://docs.google.com/uc?export=download&id="


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
  """One row of the table.

  Attributes:
    summary: one line for `--help`.
    builder: module and class of the TFDS builder that prepares the raw examples.
    flags: the flags that say where the raw files are; others of `SOURCE_FLAGS` have no effect.
    modality: what an example is.
    line_format: a line of a raw file is a sentence, or `label<TAB>sentence` with an integer
      label; "detect" decides between the two from the files and takes class names too. None for
      a data set that is made and not read.
    archive_url: where the published `.tar.gz` archive of the raw files is.
    archive_sha256: its checksum, or None where none is published: then the checksum of the first
      download is recorded, and later downloads are compared with it.
  """

  summary: str
  builder: tuple[str, str]
  flags: tuple[str, ...] = ()
  modality: Literal["text"] = "text"
  line_format: LineFormat | None = None
  archive_url: str | None = None
  archive_sha256: str | None = None


DATASETS: dict[str, Dataset] = {
    "synthetic": Dataset(
        summary="20 000 sentences of ten words from an LSTM over a mixture of five Gaussians",
        builder=("du_vae_tf.data.builders.synthetic", "DuVaeSynthetic")),
    "yahoo": Dataset(
        summary="questions and answers of Yahoo Answers (Yang et al. 2017)",
        builder=("du_vae_tf.data.builders.yahoo", "DuVaeYahoo"),
        flags=("manual_dir",), line_format="sentence",
        archive_url=_DRIVE + "13azGlTuGdzWLCmgDmQPmvb_jcexVWX7i"),
    "yelp": Dataset(
        summary="Yelp reviews with five classes (Yang et al. 2017)",
        builder=("du_vae_tf.data.builders.yelp", "DuVaeYelp"),
        flags=("manual_dir",), line_format="labelled",
        archive_url=_DRIVE + "1FT49oLNV8syhmGXEgiK6XTjEfMNqqEJJ"),
    "short_yelp": Dataset(
        summary="Yelp review sentences with sentiment (Shen et al. 2017)",
        builder=("du_vae_tf.data.builders.short_yelp", "DuVaeShortYelp"),
        flags=("manual_dir",), line_format="labelled",
        archive_url=_DRIVE + "18h8UYr801qr-USCYRzZySi_DSbUkHW71"),
    "text": Dataset(
        summary="own files: a sentence a line, or label<TAB>sentence",
        builder=("du_vae_tf.data.builders.text_files", "DuVaeText"),
        flags=("train_file", "valid_file", "test_file"), line_format="detect"),
}

SOURCE_FLAGS: frozenset[str] = frozenset(
    flag for dataset in DATASETS.values() for flag in dataset.flags)
