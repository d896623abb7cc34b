"""Which operations of a SavedModel do more than compute.

A SavedModel is a program. What it may do to the machine that serves it is to compute: one that
reads or writes files, calls Python or speaks to a network is not loaded.
"""

import re
from collections.abc import Iterable

from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2

# Tables of words read the files that lie in the SavedModel.
_OUTSIDE = re.compile(
    r".*PyFunc.*|(?!InitializeTableFromTextFile).*File.*|(Save|Restore).*|DistributedSave"
    r"|MergeV2Checkpoints|LoadAndRemapMatrix|RecordInput|.*(Dataset|Iterator|Reader|Summary).*"
    r"|ImportEvent|Print.*|Debug(Identity|NanCount|Numeric).*|RemoteCall|Collective.*|_?(Send|Recv)"
    r"|.*(Rpc|Socket|BigQuery|Kafka|PubSub).*")


def beyond_computing(graph: meta_graph_pb2.MetaGraphDef) -> list[str]:
  """Names of the operations that do more than compute, in order, each once.

  TensorFlow's own functions that save and restore variables, which stand in every SavedModel, are
  left out as long as nothing else calls them: loading reads the variables without them.
  """
  functions = {function.signature.name: function for function in graph.graph_def.library.function}
  own = {name.partition(":")[0] for name in (
      graph.saver_def.save_tensor_name, graph.saver_def.restore_op_name)}
  found = {node.op for node in graph.graph_def.node if node.name not in own}
  waiting = _called(node for node in graph.graph_def.node if node.name not in own)
  # What is loaded as a callable, and what the loader itself may call.
  waiting |= set(graph.object_graph_def.concrete_functions)
  seen: set[str] = set()
  while waiting:
    name = waiting.pop()
    if name in seen or name not in functions:
      continue
    seen.add(name)
    found |= {node.op for node in functions[name].node_def}
    waiting |= _called(functions[name].node_def)
  return sorted(filter(_OUTSIDE.fullmatch, found))


def _called(nodes: Iterable[node_def_pb2.NodeDef]) -> set[str]:
  """Names of the functions that nodes call."""
  return {function.name for node in nodes for value in node.attr.values()
          for function in (value.func, *value.list.func) if function.name}
