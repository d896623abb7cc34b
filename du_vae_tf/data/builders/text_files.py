"""TFDS builder of text files: a sentence a line, or `label<TAB>sentence`."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from du_vae_tf import datasets
from du_vae_tf.data import text_reader

_KEYS = 2**128


@dataclasses.dataclass
class TextFilesConfig(tfds.core.BuilderConfig):
  """Names the raw files; `name` must name their content, since prepared data are kept under it.

  Attributes:
    files: split name -> path.
    line_format: what a line of them is; see `datasets.Dataset`.
  """

  files: Mapping[str, pathlib.Path] = dataclasses.field(default_factory=dict)
  line_format: datasets.LineFormat = "detect"


class DuVaeText(tfds.core.GeneratorBasedBuilder):
  """Own files; also the base of the builders of published text files.

  Examples are in the order of the file, without the blank lines, which are counted in the
  metadata. The order is kept so that a row has the same number everywhere.
  """

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {"1.0.0": "First version."}
  DESCRIPTION = "Sentences from own files."
  HOMEPAGE: str | None = None
  CITATION: str | None = None

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
        builder=self,
        description=self.DESCRIPTION,
        homepage=self.HOMEPAGE,
        citation=self.CITATION,
        features=tfds.features.FeaturesDict({
            "text": tfds.features.Text(), "label": tfds.features.Scalar(np.int64)}),
        metadata=tfds.core.MetadataDict(),
        disable_shuffling=True)

  def _split_generators(
      self, dl_manager: tfds.download.DownloadManager
  ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
    del dl_manager  # the files are already here
    if not isinstance(self.builder_config, TextFilesConfig):
      raise ValueError(
          f"`config` must be a TextFilesConfig that names the files. Received: "
          f"{self.builder_config}.")
    splits = text_reader.read_files(
        self.builder_config.files, self.builder_config.line_format)
    self.info.metadata["blank_lines"] = {
        name: split.blank_lines for name, split in splits.items()}
    return {name: self._generate_examples(split) for name, split in splits.items()}

  def _generate_examples(
      self, split: text_reader.RawSplit
  ) -> Iterator[tuple[int, dict[str, Any]]]:
    # TFDS sorts large splits on disk, a part of the range of keys at a time: keys all over it make
    # the parts small.
    step = _KEYS // split.num_rows
    for row, (sentence, label) in enumerate(split.rows()):
      yield row * step, {"text": sentence, "label": label}
