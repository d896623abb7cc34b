"""The tables of data sets and of modalities: where examples come from, and what they are.

Light on purpose: the command line reads it before TensorFlow is imported.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

Modality = Literal["text", "image"]
LineFormat = Literal["sentence", "labelled", "detect"]

SPLITS: tuple[str, ...] = ("train", "valid", "test")

# A training batch with fewer rows gives no usable batch statistics.
MIN_TRAINING_ROWS: int = 16

# Sides of square images, in pixels, that the networks take.
MIN_SIDE: int = 8
MAX_SIDE: int = 64

_DRIVE = "https://docs.google.com/uc?export=download&id="


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModalityRow:
  """What holds for all data sets of one kind of example.

  Attributes:
    encoder: default network.
    decoder: default network.
    defaults: settings that have an effect on these data sets alone.
  """

  encoder: str
  decoder: str
  defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)


MODALITIES: dict[Modality, ModalityRow] = {
    "text": ModalityRow(
        encoder="lstm", decoder="lstm",
        defaults={"batching": "near_equal", "max_length": 200, "vocab_size": None}),
    "image": ModalityRow(encoder="resnet", decoder="pixel_cnn"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
  """One row of the table.

  Attributes:
    summary: one line for `--help`.
    builder: module and class of the TFDS builder that prepares the raw examples.
    flags: the flags that say where the raw files are; others of `SOURCE_FLAGS` have no effect.
    modality: what an example is.
    line_format: of text files: a line is a sentence, or `label<TAB>sentence` with an integer
      label; "detect" decides between the two from the files and takes class names too.
    file_names: the published raw files by what they hold: a split, or "all"; empty for own files
      and for a data set that is made and not read.
    url: where they are published; HTTPS.
    packed: whether that is a `.tar.gz` archive of them; if not, it is the one raw file.
    sha256: the checksum of what is downloaded, or None where none is published: then that of the
      first download is recorded, and later downloads are compared with it.
  """

  summary: str
  builder: tuple[str, str]
  flags: tuple[str, ...] = ()
  modality: Modality = "text"
  line_format: LineFormat | None = None
  file_names: Mapping[str, str] = dataclasses.field(default_factory=dict)
  url: str | None = None
  packed: bool = True
  sha256: str | None = None


def _text_files(name: str) -> dict[str, str]:
  return {split: f"{name}.{split}.txt" for split in SPLITS}


DATASETS: dict[str, Dataset] = {
    "synthetic": Dataset(
        summary="20 000 sentences of ten words from an LSTM over a mixture of five Gaussians",
        builder=("du_vae_tf.data.builders.synthetic", "DuVaeSynthetic")),
    "yahoo": Dataset(
        summary="questions and answers of Yahoo Answers (Yang et al. 2017)",
        builder=("du_vae_tf.data.builders.yahoo", "DuVaeYahoo"),
        flags=("manual_dir",), line_format="sentence",
        file_names=_text_files("yahoo"), url=_DRIVE + "13azGlTuGdzWLCmgDmQPmvb_jcexVWX7i"),
    "yelp": Dataset(
        summary="Yelp reviews with five classes (Yang et al. 2017)",
        builder=("du_vae_tf.data.builders.yelp", "DuVaeYelp"),
        flags=("manual_dir",), line_format="labelled",
        file_names=_text_files("yelp"), url=_DRIVE + "1FT49oLNV8syhmGXEgiK6XTjEfMNqqEJJ"),
    "short_yelp": Dataset(
        summary="Yelp review sentences with sentiment (Shen et al. 2017)",
        builder=("du_vae_tf.data.builders.short_yelp", "DuVaeShortYelp"),
        flags=("manual_dir",), line_format="labelled",
        file_names=_text_files("short_yelp"), url=_DRIVE + "18h8UYr801qr-USCYRzZySi_DSbUkHW71"),
    "text": Dataset(
        summary="own files: a sentence a line, or label<TAB>sentence",
        builder=("du_vae_tf.data.builders.text_files", "DuVaeText"),
        flags=("train_file", "valid_file", "test_file"), line_format="detect"),
    "omniglot": Dataset(
        summary="28 x 28 drawings of characters of 50 alphabets (Lake et al. 2015)",
        builder=("du_vae_tf.data.builders.omniglot", "DuVaeOmniglot"),
        flags=("manual_dir",), modality="image", file_names={"all": "chardata.mat"},
        url="https://raw.githubusercontent.com/yburda/iwae/master/datasets/OMNIGLOT/chardata.mat",
        packed=False),
    "images": Dataset(
        summary="own files, or an image data set of tensorflow-datasets by name",
        builder=("du_vae_tf.data.builders.image_files", "DuVaeImages"),
        flags=("train_file", "valid_file", "test_file", "tfds_name"), modality="image"),
}

SOURCE_FLAGS: frozenset[str] = frozenset(
    flag for dataset in DATASETS.values() for flag in dataset.flags)
