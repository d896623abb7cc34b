"""TFDS builder of images: own files, or a data set that TFDS has by name."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from du_vae_tf.data import image_reader
from du_vae_tf.data import image_splits
from du_vae_tf.data import tfds_images

# Field of `image_splits.ImageSplit` -> feature of an example.
FEATURES: dict[str, str] = {
    "images": "image", "labels": "label", "fine_labels": "fine_label", "indices": "index"}


@dataclasses.dataclass
class ImageFilesConfig(tfds.core.BuilderConfig):
  """Names the raw data; `name` must name their content, since prepared data are kept under it.

  Attributes:
    files: split name -> path; for a published set that is one file, "all" -> path.
    tfds_name: a data set of TFDS in place of files.
    tfds_dir: where that one is prepared.
  """

  files: Mapping[str, pathlib.Path] = dataclasses.field(default_factory=dict)
  tfds_name: str | None = None
  tfds_dir: str | None = None


class DuVaeImages(tfds.core.GeneratorBasedBuilder):
  """Own images; also the base of the builders of published image files.

  Images of training are grey and, where those of validation were split off, shuffled; images of
  validation and test are 0 and 1. The seeds of both draws are in the metadata.
  """

  VERSION = tfds.core.Version("1.0.0")
  RELEASE_NOTES = {"1.0.0": "First version."}
  DESCRIPTION = "Square grey images."
  HOMEPAGE: str | None = None
  CITATION: str | None = None

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
        builder=self,
        description=self.DESCRIPTION,
        homepage=self.HOMEPAGE,
        citation=self.CITATION,
        features=tfds.features.FeaturesDict({
            "image": tfds.features.Tensor(
                shape=(None, None, 1), dtype=np.float32, encoding=tfds.features.Encoding.ZLIB),
            "label": tfds.features.Scalar(np.int32),
            "fine_label": tfds.features.Scalar(np.int32),
            "index": tfds.features.Scalar(np.int64)}),
        metadata=tfds.core.MetadataDict(),
        disable_shuffling=True)

  def _split_generators(
      self, dl_manager: tfds.download.DownloadManager
  ) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
    del dl_manager  # what is downloaded is already here
    config = self.builder_config
    if not isinstance(config, ImageFilesConfig):
      raise ValueError(
          f"`config` must be an ImageFilesConfig that names the files. Received: {config}.")
    raw = self._read(config)
    splits = image_splits.finish(
        raw, str(config.files.get("train") or config.files.get("all") or config.tfds_name))
    self.info.metadata["held_out"] = "valid" not in raw
    self.info.metadata["split_seed"] = image_splits.SPLIT_SEED
    self.info.metadata["binarization_seeds"] = image_splits.BINARIZATION_SEEDS
    return {name: self._generate_examples(split) for name, split in splits.items()}

  def _read(self, config: ImageFilesConfig) -> dict[str, image_splits.ImageSplit]:
    """The grey images: "train", "test" and perhaps "valid"."""
    if config.tfds_name is not None:
      return tfds_images.read(config.tfds_name, config.tfds_dir)
    return image_reader.read_files(config.files)

  def _generate_examples(
      self, split: image_splits.ImageSplit
  ) -> Iterator[tuple[int, dict[str, Any]]]:
    for row in range(split.num_examples):
      yield row, {feature: getattr(split, part)[row] for part, feature in FEATURES.items()}
