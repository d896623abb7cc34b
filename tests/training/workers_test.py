"""What workers read of their cluster, and what they do alone; several are in multi_worker_test."""

import json
import os
from unittest import mock

import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.training import signals
from du_vae_tf.training import strategies
from du_vae_tf.training import workers


def config(cluster: object, kind: object = "worker", index: object = 0) -> str:
  return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


TWO = {"worker": ["a:1", "b:2"]}


class ClusterTest(parameterized.TestCase):

  def read(self, text: str) -> object:
    with mock.patch.dict(os.environ, {"TF_CONFIG": text}):
      return workers.read_cluster()

  def test_addresses_and_the_place_of_this_worker(self):
    self.assertEqual(self.read(config(TWO, index=1)), (TWO, "worker", 1))
    cluster = {"chief": ["a:1"], "worker": ["b:2"]}
    self.assertEqual(self.read(config(cluster, "chief")), (cluster, "chief", 0))

  @parameterized.parameters(
      "", "{", "[]", "3", "{}", config({}), config(TWO, index=2), config(TWO, index=-1),
      config(TWO, index=True), config(TWO, index="0"), config(TWO, "chief"), config(TWO, None),
      config({"worker": [3]}), config({"worker": 3}), config(TWO | {"ps": ["c:3"]}),
      config(["a:1"]))
  def test_anything_else_is_refused_with_an_example(self, text):
    with self.assertRaisesRegex(
        errors.UserError, r"\A--strategy=multi_worker: TF_CONFIG .*\{\"cluster\": .*\.\Z"):
      self.read(text)

  def test_refused_before_anything_is_waited_for(self):
    with mock.patch.dict(os.environ), self.assertRaisesRegex(errors.UserError, "is not set"):
      os.environ.pop("TF_CONFIG", None)
      strategies.make_strategy("multi_worker")


class AloneTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.workers = workers.Workers(tf.distribute.get_strategy())

  def test_one_process_is_its_own_chief_and_waits_for_no_one(self):
    self.assertEqual((self.workers.count, self.workers.is_chief), (1, True))
    self.assertEqual(self.workers.total([1.5, -2.0]).tolist(), [1.5, -2.0])
    self.assertEqual(self.workers.from_chief(0.1), 0.1)
    self.workers.wait()
    self.workers.agree("00ff00ff", "anything")
    self.assertEqual(self.workers.chief_first(lambda: "made"), "made")

  def test_made_once(self):
    make = mock.Mock()
    self.workers.chief_first(make)
    make.assert_called_once_with()

  def test_request_to_stop_and_own_mistakes_pass(self):
    stop = signals.StopRequest()
    self.workers.check(stop)
    stop.requested = True
    with self.assertRaises(errors.PreemptedError):
      self.workers.check(stop)
    with self.assertRaisesRegex(errors.UserError, "mine"), self.workers.together():
      raise errors.UserError("mine")

  def test_fault_of_one_process_is_no_lost_worker(self):
    with self.assertRaises(tf.errors.UnavailableError), self.workers.watched():
      raise tf.errors.UnavailableError(None, None, "a file system")


class LostTest(absltest.TestCase):

  def test_lost_worker_is_a_polite_end(self):
    group = workers.Workers(tf.distribute.get_strategy())
    group.count = 2
    with self.assertRaisesRegex(errors.PreemptedError, "another worker was lost"), group.watched():
      raise tf.errors.UnavailableError(None, None, "Collective ops is aborted")
    with self.assertRaises(tf.errors.ResourceExhaustedError), group.watched():
      raise tf.errors.ResourceExhaustedError(None, None, "memory")


if __name__ == "__main__":
  absltest.main()
