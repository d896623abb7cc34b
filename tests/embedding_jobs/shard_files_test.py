"""Shards, read back by what reads their formats."""

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf.embedding_jobs import jobs
from du_vae_tf.embedding_jobs import shard_files

LABELS = {"numbers": np.array([3, 0, 3]), "names": np.array(["gut", "übel", "gut"]), "none": None}


class ShardFilesTest(parameterized.TestCase):

  def write(self, name: str, rows: int, labels: np.ndarray | None) -> tuple[pathlib.Path, dict]:
    generator = np.random.default_rng(1)
    columns = {"row": np.array([4, 5, 2**40], np.int64)[:rows]}
    if labels is not None:
      columns["label"] = labels[:rows]
    for field, width in (("representation", 4), ("variance", 1)):
      columns[field] = generator.normal(size=[rows, width]).astype(np.float32)
    path = pathlib.Path(self.create_tempdir().full_path) / "shard"
    shard_files.WRITERS[name](path, columns)
    return path, columns

  def test_every_format_has_a_writer(self):
    self.assertEqual(tuple(shard_files.WRITERS), jobs.FORMATS)

  @parameterized.product(labels=tuple(LABELS), rows=(3, 0))
  def test_parquet(self, labels, rows):
    path, columns = self.write("parquet", rows, LABELS[labels])
    table = pa.parquet.read_table(path)
    self.assertEqual(table.column_names, list(columns))
    self.assertEqual(table.schema.field("row").type, pa.int64())
    self.assertEqual(table.schema.field("representation").type, pa.list_(pa.float32(), 4))
    if LABELS[labels] is not None:
      self.assertEqual(
          table.schema.field("label").type, pa.int64() if labels == "numbers" else pa.string())
    for name, values in columns.items():
      self.assertEqual(table[name].to_pylist(), values.tolist())

  @parameterized.product(labels=tuple(LABELS), rows=(3, 0))
  def test_npy(self, labels, rows):
    path, columns = self.write("npy", rows, LABELS[labels])
    records = np.load(path, mmap_mode="r" if rows else None, allow_pickle=False)
    self.assertEqual(records.dtype.names, tuple(columns))
    for name, values in columns.items():
      np.testing.assert_array_equal(records[name], values)

  @parameterized.product(labels=tuple(LABELS), rows=(3, 0))
  def test_tfrecord(self, labels, rows):
    path, columns = self.write("tfrecord", rows, LABELS[labels])
    kinds = {"names": tf.string}
    features = {
        "row": tf.io.FixedLenFeature([], tf.int64),
        "representation": tf.io.FixedLenFeature([4], tf.float32),
        "variance": tf.io.FixedLenFeature([1], tf.float32)}
    if LABELS[labels] is not None:
      features["label"] = tf.io.FixedLenFeature([], kinds.get(labels, tf.int64))
    read = [tf.io.parse_single_example(example, features)
            for example in tf.data.TFRecordDataset(str(path))]
    self.assertLen(read, rows)
    for number, example in enumerate(read):
      self.assertEqual(example.keys(), columns.keys())
      for name, values in columns.items():
        value = example[name].numpy()
        self.assertEqual(value.decode() if isinstance(value, bytes) else value.tolist(),
                         values[number].tolist())


if __name__ == "__main__":
  absltest.main()
