"""The cost model of a training step and the simulation of many GPUs hold what they claim."""

import dataclasses
import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from benchmarks import collectives
from benchmarks import cost_model
from benchmarks import data_sheets
from benchmarks import models
from benchmarks import predictions
from benchmarks import simulation
from benchmarks import text_step
from du_vae_tf.data import text_batching
from du_vae_tf.objectives import schedules
from du_vae_tf.training import optimizers
from du_vae_tf.training import regimes
from du_vae_tf.training import step as step_lib
from du_vae_tf.training import strategies

FLAGS = {"vocab_size": 30, "hidden_size": 8, "embedding_size": 6, "latent_dim": 3, "words": 5,
         "batch_size": 4, "method": "du_vae"}
IMAGE = {"side": 8, "latent_dim": 3, "decoder": "pixel_cnn"}
TEXT = predictions.text_sizes(FLAGS)
PAPER = predictions.text_sizes(
    FLAGS | {"vocab_size": 20_001, "hidden_size": 1024, "embedding_size": 512, "latent_dim": 32,
             "words": 80})
MACHINE = cost_model.Machine(
    rate=1e12, bandwidth=1e11, call=1e-6, product_bytes=4, fused=False)
GPU, NETWORK = "H100 SXM 80 GB", "400 Gbit/s"
REPLICAS = 2


def cluster(**changes: float) -> collectives.Cluster:
  """Machines of two without latencies, unless they are given."""
  link = collectives.Link(bandwidth=1e10, latency=changes.pop("latency", 0.0))
  return collectives.Cluster(
      **({"inside": link, "across": link, "machine_size": 8, "start": 0.0} | changes))


def predicted(sizes: cost_model.Sizes = PAPER, rows: float = 32, replicas: int = 8,
              sigma: float = 0.0) -> simulation.Step:
  return simulation.step(sizes, rows, replicas, data_sheets.machine(GPU),
                         data_sheets.cluster(GPU, NETWORK), sigma)


class CostModelTest(tf.test.TestCase, parameterized.TestCase):

  def test_operations_on_text_are_those_of_the_products_one_by_one(self) -> None:
    rows, units, inputs, classes = 4, 8, 6, 30
    forwards = 0
    for steps in (5 + 2, 5 + 1):
      for _ in range(steps):
        forwards += 2 * rows * 4 * units * inputs  # of the input
        forwards += 2 * rows * 4 * units * units  # of the state
    forwards += 2 * rows * (5 + 1) * units * classes
    flops = cost_model.total_flops(cost_model.step_parts(TEXT, rows, MACHINE))
    self.assertAllClose(flops, 3 * forwards, rtol=1e-12)
    self.assertAllClose(flops, text_step.prepare(FLAGS, "float32").flops, rtol=1e-12)

  def test_operations_on_images_are_those_that_tensorflow_counts(self) -> None:
    model = models.image(IMAGE, "float32")
    rows = 2

    @tf.function
    def forwards(image: tf.Tensor, z: tf.Tensor) -> tuple[tf.Tensor, ...]:
      return (*model.encoder(image, training=False), model.decoder.logits(z, image))

    graph = forwards.get_concrete_function(
        tf.TensorSpec([rows, 8, 8, 1]), tf.TensorSpec([rows, 3])).graph
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(
        profiler.ProfileOptionBuilder.float_operation()).with_accounted_types(
            ["Conv2D", "MatMul"]).with_empty_output().build()
    counted = profiler.profile(graph, options=options).total_float_ops
    sizes = predictions.image_sizes(model)
    self.assertEqual(rows * sizes.flops, counted)
    flops = cost_model.total_flops(cost_model.step_parts(sizes, rows, MACHINE))
    self.assertAllClose(flops, 3 * counted, rtol=1e-12)

  def test_a_part_takes_the_longer_of_arithmetic_and_traffic(self) -> None:
    for flops, traffic, busy in ((2e12, 1e10, 2.0), (1e11, 3e11, 3.0)):
      part = cost_model.Part(name="", flops=flops, traffic=traffic, calls=5, repeats=3)
      self.assertAllClose(part.seconds(MACHINE), 3 * (busy + 5e-6), rtol=1e-12)

  @parameterized.parameters("vocab_size", "hidden_size", "embedding_size", "words")
  def test_more_of_anything_takes_longer(self, name: str) -> None:
    larger = dataclasses.replace(TEXT, **{name: 2 * getattr(TEXT, name)})
    self.assertGreater(
        cost_model.total_seconds(cost_model.step_parts(larger, 4, MACHINE), MACHINE),
        cost_model.total_seconds(cost_model.step_parts(TEXT, 4, MACHINE), MACHINE))

  def test_time_steps_have_a_floor_that_no_share_of_the_batch_lowers(self) -> None:
    tiny = cost_model.total_seconds(cost_model.step_parts(PAPER, 1e-6, MACHINE), MACHINE)
    kernel = 4 * 1024 * 4096 * 2 / MACHINE.bandwidth
    self.assertGreater(tiny, (82 + 81) * kernel)

  def test_gpu_of_twice_the_rate_is_not_twice_as_fast(self) -> None:
    faster = dataclasses.replace(MACHINE, rate=2 * MACHINE.rate)
    slow, fast = (cost_model.total_seconds(cost_model.step_parts(PAPER, 32, machine), machine)
                  for machine in (MACHINE, faster))
    self.assertBetween(fast, slow / 2, slow)


class CollectivesTest(tf.test.TestCase, parameterized.TestCase):

  def test_ring_of_one_takes_nothing_and_a_long_one_moves_all_twice(self) -> None:
    self.assertEqual(collectives.ring_seconds(1e9, 1, 1e10, 1e-6), 0.0)
    self.assertEqual(collectives.ring_seconds(1e9, 2, 1e10, 0.0), 0.1)
    self.assertAllClose(collectives.ring_seconds(1e9, 10**9, 1e10, 0.0), 0.2, rtol=1e-8)
    self.assertAllClose(collectives.ring_seconds(0.0, 5, 1e10, 1e-6), 8e-6, rtol=1e-12)

  @parameterized.parameters(collectives.all_reduce_seconds, collectives.gather_seconds)
  def test_exchange_grows_with_replicas_and_bytes(self, seconds) -> None:
    links = data_sheets.cluster(GPU, NETWORK)
    self.assertEqual(seconds(1e8, 1, links), 0.0)
    for size in (4.0, 1e8):
      times = [seconds(size, replicas, links) for replicas in (2, 4, 8, 16, 32, 64)]
      self.assertEqual(times, sorted(times))
      self.assertGreaterEqual(seconds(2 * size, 16, links), seconds(size, 16, links))

  def test_small_sums_go_by_tree_and_large_ones_by_ring(self) -> None:
    links = cluster(latency=1e-6)
    self.assertAllClose(collectives.all_reduce_seconds(0.0, 64, links), 2e-6 * (7 + 3))
    self.assertAllClose(
        collectives.all_reduce_seconds(1e10, 64, links),
        collectives.ring_seconds(1e10, 64, 1e10, 1e-6))

  @parameterized.parameters("text", "image")
  def test_bytes_are_those_of_the_trained_weights(self, modality: str) -> None:
    if modality == "text":
      model, sizes, tables = models.text(FLAGS, "float32"), TEXT, 2 * TEXT.table_weights
    else:
      model, tables = models.image(IMAGE, "float32"), 0
      sizes = predictions.image_sizes(model)
    trained = 4 * sum(math.prod(weight.shape) for weight in model.trainable_weights)
    dense = sum(one.size for one in collectives.of_step(sizes, 4) if one.name == "gradients")
    self.assertEqual(dense + 4 * tables, trained)

  def test_operations_are_those_of_the_graph_of_a_step(self) -> None:
    """Of `totals` and `faults`, which are no collectives on processors, each replica's are sent."""
    cpus = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([cpu.name for cpu in cpus])
    config = models.text_config(FLAGS)
    with strategy.scope():
      model = models.text(FLAGS, "float32")
      stepper = step_lib.Stepper(
          model, optimizers.Optimizers(
              lambda name: regimes.REGIMES["text"].optimizer(1.0, name), model),
          strategy, config, schedules.Constant(1.0))
    batch = text_batching.pad_batch(np.full((4, 5), 7).tolist())
    batches = iter(strategies.distribute(tf.data.Dataset.from_tensors(batch), strategy))
    one = tf.constant(1, tf.int64)
    functions = stepper.take.get_concrete_function(
        batches, one, one).graph.as_graph_def().library.function
    reduces, lengths, slices = 0, 0, 0
    for function in functions:
      operations = [node.op for node in function.node_def]
      reduces += operations.count("CollectiveReduceV2")
      gathers = operations.count("CollectiveGatherV2")
      if "CollectiveReduceV2" in operations:
        lengths += gathers
      else:
        # One function for rows of equal numbers, one for others, of which one is called.
        slices += gathers / 2
    exchanged = collectives.of_step(TEXT, 2)
    self.assertEqual(reduces / REPLICAS, sum(
        one.count for one in exchanged
        if not one.gathers and one.name not in ("totals", "faults")))
    self.assertEqual((lengths + slices) / REPLICAS,
                     sum(one.count for one in exchanged if one.gathers))

  def test_normalizations_of_the_paper_are_all_counted(self) -> None:
    sizes = predictions.image_sizes(models.image(IMAGE, "float32"))
    # Three layers in each of 12 blocks and 11 shortcuts, first layer and head; encoder; means.
    self.assertEqual(sizes.normalizations, 3 * (12 + 11) + 2 + 3 * 3 + 1 + 1)


class SimulationTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(1, 2, 64)
  def test_without_jitter_a_step_is_the_sum_of_its_parts(self, replicas: int) -> None:
    step = predicted(replicas=replicas)
    machine, links = data_sheets.machine(GPU), data_sheets.cluster(GPU, NETWORK)
    exchanged = collectives.of_step(PAPER, 32) if replicas > 1 else []
    computing = cost_model.total_seconds(
        cost_model.step_parts(PAPER, 32, machine, replicas > 1), machine)
    computing += collectives.gathered_traffic(exchanged, replicas) / machine.bandwidth
    expected = computing + collectives.total_seconds(exchanged, replicas, links)
    self.assertEqual(step.slowest, 1.0)
    self.assertAllClose(step.seconds, expected, rtol=1e-12)
    self.assertAllClose(step.rows_per_second * expected, 32.0 * replicas, rtol=1e-12)

  @parameterized.parameters(1, 2, 16)
  def test_slowest_jitter_is_the_expected_maximum(self, replicas: int) -> None:
    sigma, count = 0.3, 50_000
    draws = np.random.default_rng(7).lognormal(0.0, sigma, (count, replicas)).max(axis=1)
    # Two samples, of 20 000 and of 50 000: five standard errors of their difference.
    error = draws.std() * math.sqrt(1 / 20_000 + 1 / count)
    self.assertAllClose(
        simulation.slowest_jitter(replicas, sigma), draws.mean(), atol=5 * error, rtol=0)

  def test_more_replicas_and_more_jitter_wait_longer(self) -> None:
    for values in ([simulation.slowest_jitter(replicas, 0.1) for replicas in (1, 2, 8, 64)],
                   [simulation.slowest_jitter(8, sigma) for sigma in (0.0, 0.05, 0.1)]):
      self.assertEqual(values, sorted(values))
      self.assertLen(set(values), len(values))

  def test_a_share_of_a_batch_is_never_slower_and_never_as_much_faster(self) -> None:
    alone, shared = predicted(replicas=1), predicted(rows=4, replicas=8)
    self.assertLess(shared.compute, alone.compute)
    self.assertGreater(shared.compute, alone.compute / 8)

  def test_replicas_that_bring_too_little_are_not_worth_it(self) -> None:
    base = predicted(replicas=1)
    rates = {1: 1.0, 2: 1.9, 4: 3.5, 8: 4.5}
    steps = [dataclasses.replace(base, replicas=replicas, rows=rate, compute=1.0)
             for replicas, rate in rates.items()]
    self.assertEqual(simulation.last_that_helps(steps, 0.5), 4)
    self.assertEqual(simulation.last_that_helps(steps, 0.1), 8)
    self.assertEqual(simulation.last_that_helps(steps, 0.95), 1)


class PredictionsTest(tf.test.TestCase):

  def test_jitter_is_that_of_the_logarithms_within_groups(self) -> None:
    random = np.random.default_rng(0)
    groups = [(shift + 0.2 * random.standard_normal(500)).tolist() for shift in (0.0, 3.0)]
    # Of 998 degrees of freedom, five standard errors.
    self.assertAllClose(predictions.jitter(groups), 0.2, atol=5 * 0.2 / math.sqrt(2 * 998))
    self.assertEqual(predictions.jitter([[1.0], [2.0]]), 0.0)

  def test_published_steps_are_predicted_within_a_factor_of_two(self) -> None:
    image = predictions.image_sizes(models.image(IMAGE | {"side": 28, "latent_dim": 32}, "float32"))
    # Memory of such a machine in bytes a second, and a call: assumed here.
    for row in predictions.of_published({"text": PAPER, "image": image}, 20e9, 1e-6):
      self.assertBetween(row["ratio"], 0.5, 2.0, row["step"])


if __name__ == "__main__":
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration()] * REPLICAS)
  tf.test.main()
