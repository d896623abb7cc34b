"""The formats of shards: a row is its number, its label if rows have them, and its fields."""

import pathlib
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import tensorflow as tf

# Name -> array, all with the rows along the first axis: `row` int64 [n]; `label` int64 or strings
# [n]; fields float32 [n, width].
Columns = Mapping[str, np.ndarray]


def _write_parquet(path: pathlib.Path, columns: Columns) -> None:
  """Fields are lists of a fixed size."""
  pa.parquet.write_table(pa.table({
      name: pa.array(values) if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(
          pa.array(values.reshape(-1)), values.shape[1])
      for name, values in columns.items()}), path)


def _write_npy(path: pathlib.Path, columns: Columns) -> None:
  """One array of records, so that a file can be mapped into memory."""
  kinds = [(name, values.dtype, values.shape[1:]) for name, values in columns.items()]
  records = np.empty(len(columns["row"]), kinds)
  for name, values in columns.items():
    records[name] = values
  with path.open("wb") as file:
    np.save(file, records, allow_pickle=False)


def _write_tfrecord(path: pathlib.Path, columns: Columns) -> None:
  """A `tf.train.Example` for each row."""
  with tf.io.TFRecordWriter(str(path)) as writer:
    for row in range(len(columns["row"])):
      example = tf.train.Example(features=tf.train.Features(feature={
          name: _feature(values[row]) for name, values in columns.items()}))
      writer.write(example.SerializeToString(deterministic=True))


def _feature(value: np.ndarray) -> tf.train.Feature:
  if value.dtype.kind == "f":
    return tf.train.Feature(float_list=tf.train.FloatList(value=value))
  if value.dtype.kind == "i":
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
  return tf.train.Feature(bytes_list=tf.train.BytesList(value=[str(value).encode()]))


# By the names of `jobs.FORMATS`.
WRITERS: dict[str, Callable[[pathlib.Path, Columns], None]] = {
    "parquet": _write_parquet, "npy": _write_npy, "tfrecord": _write_tfrecord}
