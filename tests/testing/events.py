"""What stands in event files, as TensorBoard reads it."""

import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorboard.backend.event_processing import data_provider
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard import context
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import backend_context
from tensorboard.plugins.hparams import list_session_groups

Values = dict[str, list[tuple[int, Any]]]


def read(folder: str | os.PathLike[str], plugin: str) -> Values:
  """Steps and values of each tag of a plugin, such as `scalars`, in a folder of one run.

  Returns:
    tag -> pairs of step and content: a number or an array, or for text and images bytes.
  """
  accumulator = event_accumulator.EventAccumulator(
      str(folder), size_guidance={event_accumulator.TENSORS: 0})
  accumulator.Reload()
  found = {}
  for tag in accumulator.Tags()["tensors"]:
    if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == plugin:
      found[tag] = [(event.step, tf.make_ndarray(event.tensor_proto))
                    for event in accumulator.Tensors(tag)]
  return found


def sessions(folder: str | os.PathLike[str]) -> dict[str, tuple[dict[str, Any], dict[str, float]]]:
  """The HParams table over a folder of runs: row -> settings, metrics by tag."""
  multiplexer = plugin_event_multiplexer.EventMultiplexer()
  multiplexer.AddRunsFromDirectory(str(folder))
  multiplexer.Reload()
  provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
  table = list_session_groups.Handler(
      context.RequestContext(),
      backend_context.Context(base_plugin.TBContext(data_provider=provider)), "",
      api_pb2.ListSessionGroupsRequest(
          allowed_statuses=_STATUSES, start_index=0, slice_size=100)).run()
  return {group.name: (
      {name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()},
      {metric.name.tag: metric.value for metric in group.metric_values})
          for group in table.session_groups}


_STATUSES: Sequence[int] = (
    api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_RUNNING)
