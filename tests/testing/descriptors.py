"""One line per layer: how to make it and what to call it with, for the conformance tests."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from du_vae_tf.layers import batch_normalization
from du_vae_tf.layers import causal_stacks
from du_vae_tf.layers import convolution
from du_vae_tf.layers import cross_entropy
from du_vae_tf.layers import embedding
from du_vae_tf.layers import lstm
from du_vae_tf.layers import masked_convolution
from du_vae_tf.layers import masked_dense
from du_vae_tf.layers import masked_residual_block
from du_vae_tf.layers import mean_normalization
from du_vae_tf.layers import pointwise
from du_vae_tf.layers import strided_residual_block
from du_vae_tf.layers import variance_dropout

Tensors = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Descriptor:
  """A layer and its call.

  Attributes:
    name: of the test case.
    make: makes the layer; keyword arguments go to the Keras base class.
    tensors: gives the tensors of a call by argument name, the first one first, for a number of
      rows; the same for the same number.
    arguments: the other arguments of the call.
  """

  name: str
  make: Callable[..., keras.layers.Layer]
  tensors: Callable[[int], Tensors]
  arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def _random(rows: int) -> np.random.Generator:
  return np.random.default_rng(rows)


def _means(rows: int) -> Tensors:
  return {"mean": _random(rows).normal(size=(rows, 3)).astype(np.float32)}


def _variances(rows: int) -> Tensors:
  random = _random(rows)
  return {"excess_variance": random.exponential(size=(rows, 3)).astype(np.float32),
          "uniform": random.random((rows, 3)).astype(np.float32)}


def _ids(rows: int) -> Tensors:
  return {"ids": _random(rows).integers(0, 7, (rows, 4)).astype(np.int32)}


def _sequences(rows: int) -> Tensors:
  random = _random(rows)
  return {name: random.normal(size=(rows, *shape)).astype(np.float32)
          for name, shape in (("inputs", (4, 3)), ("constant", (2,)), ("hidden", (5,)),
                              ("cell", (5,)))}


def _states(rows: int) -> Tensors:
  random = _random(rows)
  return {"hidden": random.normal(size=(rows, 4, 5)).astype(np.float32),
          "targets": random.integers(0, 7, (rows, 4)).astype(np.int32),
          "count": random.integers(0, 5, rows).astype(np.int32)}


def _latents(rows: int) -> Tensors:
  random = _random(rows)
  return {"z": random.normal(size=(rows, 3)).astype(np.float32),
          "context": random.normal(size=(rows, 2)).astype(np.float32)}


def _features(rows: int) -> Tensors:
  return {"inputs": _random(rows).normal(size=(rows, 6, 5, 4)).astype(np.float32)}


DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor(
        "mean_normalization_training",
        lambda **kwargs: mean_normalization.MeanNormalization(0.5, scaling="projected", **kwargs),
        _means, {"training": True}),
    Descriptor(
        "mean_normalization_inference",
        lambda **kwargs: mean_normalization.MeanNormalization(0.5, scaling="fixed", **kwargs),
        _means),
    Descriptor(
        "variance_dropout_training",
        lambda **kwargs: variance_dropout.VarianceDropout(0.6, floor=0.1, **kwargs),
        _variances, {"training": True}),
    Descriptor(
        "variance_dropout_inference",
        lambda **kwargs: variance_dropout.VarianceDropout(0.6, **kwargs), _variances),
    Descriptor("embedding", lambda **kwargs: embedding.Embedding(7, 3, **kwargs), _ids),
    Descriptor("lstm", lambda **kwargs: lstm.LSTM(5, constant_size=2, **kwargs), _sequences),
    Descriptor(
        "lstm_inputs_only", lambda **kwargs: lstm.LSTM(5, **kwargs),
        lambda rows: {"inputs": _sequences(rows)["inputs"]}),
    Descriptor(
        "cross_entropy", lambda **kwargs: cross_entropy.CrossEntropy(7, **kwargs), _states),
    Descriptor(
        "cross_entropy_in_blocks",
        lambda **kwargs: cross_entropy.CrossEntropy(7, block_rows=3, **kwargs), _states),
    Descriptor(
        "cross_entropy_training",
        lambda **kwargs: cross_entropy.CrossEntropy(7, block_rows=5, **kwargs), _states,
        {"training": True}),
    Descriptor(
        "batch_normalization_training",
        lambda **kwargs: batch_normalization.BatchNormalization(**kwargs), _features,
        {"training": True}),
    Descriptor(
        "batch_normalization_inference",
        lambda **kwargs: batch_normalization.BatchNormalization(**kwargs), _features),
    Descriptor(
        "convolution",
        lambda **kwargs: convolution.Convolution(3, 3, stride=2, padding=1, **kwargs), _features),
    Descriptor(
        "masked_convolution",
        lambda **kwargs: masked_convolution.MaskedConvolution(
            3, 5, includes_center=False, **kwargs), _features),
    Descriptor(
        "masked_dense",
        lambda **kwargs: masked_dense.MaskedDense([1, 2, 3], [2, 1, 3, 3], **kwargs),
        lambda rows: {"inputs": _means(rows)["mean"]}),
    Descriptor(
        "made", lambda **kwargs: masked_dense.MADE(3, 12, 2, offset=2.0, **kwargs), _latents),
    Descriptor(
        "masked_residual_block_training",
        lambda **kwargs: masked_residual_block.MaskedResidualBlock(4, 3, **kwargs), _features,
        {"training": True}),
    Descriptor(
        "pointwise", lambda **kwargs: pointwise.Pointwise(3, use_bias=True, **kwargs), _features),
    Descriptor(
        "vertical_convolution",
        lambda **kwargs: causal_stacks.VerticalConvolution(3, 2, includes_own=False, **kwargs),
        _features),
    Descriptor(
        "horizontal_convolution",
        lambda **kwargs: causal_stacks.HorizontalConvolution(3, 2, includes_own=True, **kwargs),
        _features),
    Descriptor(
        "strided_residual_block_training",
        lambda **kwargs: strided_residual_block.StridedResidualBlock(3, **kwargs), _features,
        {"training": True}),
    Descriptor(
        "strided_residual_block_inference",
        lambda **kwargs: strided_residual_block.StridedResidualBlock(3, **kwargs), _features),
    Descriptor(
        "masked_residual_block_inference",
        lambda **kwargs: masked_residual_block.MaskedResidualBlock(4, 3, **kwargs), _features),
)
