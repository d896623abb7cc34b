"""The tables of encoders and decoders: name -> the layer that it names, and its own settings.

Light on purpose: the command line reads them before TensorFlow is imported.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
  """One row of a table.

  Attributes:
    summary: one line for `--help`.
    modality: what it reads or writes.
    layer: module and class; `create(config, sizes)` of the class makes the layer of a run.
    defaults: the network's own settings; a flag that belongs to a network and is not named here
      has no effect on it and is refused.
  """

  summary: str
  modality: Literal["text", "image"]
  layer: tuple[str, str]
  defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)


_LSTM: Mapping[str, Any] = {"hidden_size": 1024, "embedding_size": 512}

ENCODERS: dict[str, Network] = {
    "lstm": Network(
        summary="LSTM over words, its last state", modality="text",
        layer=("du_vae_tf.models.encoders.lstm", "LSTMEncoder"), defaults=_LSTM),
    "resnet": Network(
        summary="three residual blocks over pixels (He et al. 2016)", modality="image",
        layer=("du_vae_tf.models.encoders.resnet", "ResNetEncoder")),
}

DECODERS: dict[str, Network] = {
    "lstm": Network(
        summary="LSTM language model", modality="text",
        layer=("du_vae_tf.models.decoders.lstm", "LSTMDecoder"), defaults=_LSTM),
    "pixel_cnn": Network(
        summary="13 residual layers of masked convolutions, as in the authors' code",
        modality="image", layer=("du_vae_tf.models.decoders.pixel_cnn", "PixelCNNDecoder")),
    "gated_pixel_cnn": Network(
        summary="13 gated layers, as in the paper's text (van den Oord et al. 2016)",
        modality="image",
        layer=("du_vae_tf.models.decoders.gated_pixel_cnn", "GatedPixelCNNDecoder")),
}
