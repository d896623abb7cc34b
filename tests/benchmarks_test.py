"""The benchmarks do what they say, at sizes at which their figures mean nothing."""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from benchmarks import beam_search
from benchmarks import generate
from benchmarks import image_nll
from benchmarks import image_step
from benchmarks import measuring
from benchmarks import scaling
from benchmarks import synthetic_language
from benchmarks import text_nll
from benchmarks import text_step
from benchmarks import work
from du_vae_tf import machine
from du_vae_tf.models.decoders import pixel_cnn
from du_vae_tf.models.encoders import resnet
from tests.server import tiny_runs

TEXT = {"vocab_size": 30, "hidden_size": 8, "embedding_size": 6, "latent_dim": 3}
IMAGE = {"side": 8, "latent_dim": 3, "decoder": "pixel_cnn"}

CASES = {
    "text_step": (text_step, TEXT | {"batch_size": 4, "words": 5, "method": "du_vae"}, 20),
    "text_nll": (text_nll, TEXT | {"sentences": 2, "words": 5, "samples": 3}, 2),
    "image_step": (image_step, IMAGE | {"batch_size": 4, "method": "du_vae"}, 4),
    "image_nll": (image_nll, IMAGE | {"images": 2, "samples": 3}, 6),
    "beam_search": (beam_search, TEXT | {"sentences": 3, "width": 2, "max_length": 4}, 3),
    "generate": (generate, IMAGE | {"images": 2}, 2)}


class WorkTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*CASES)
  def test_work_can_be_repeated_and_counts_its_units(self, name: str) -> None:
    module, sizes, units = CASES[name]
    described = module.prepare(sizes, "float32")
    for _ in range(2):
      described.repeat()
    self.assertEqual(described.units, units)
    self.assertGreater(described.flops, 0.0)
    self.assertEqual(described.weight_bytes,
                     sum(weight.numpy().nbytes for weight in described.weights))

  def test_a_training_step_trains(self) -> None:
    module, sizes, _ = CASES["text_step"]
    described = module.prepare(sizes, "float32")
    before = [weight.numpy() for weight in described.weights]
    described.repeat()
    self.assertGreater(max(np.abs(old - weight.numpy()).max() for old, weight in zip(
        before, described.weights, strict=True)), 0.0)

  def test_operations_on_images_are_those_of_the_published_sizes(self) -> None:
    decoder = pixel_cnn.PixelCNNDecoder(32, 28)
    decoder.build((None, 32))
    # 7 x 7 kernels are stored and multiplied as 4 x 7, 5 x 5 as 3 x 5, 3 x 3 as 2 x 3.
    blocks = {7: 8, 5: 8, 3: 7}
    kernels = 4 * 7 * 64 + 49 * 4 * 64 + 64 * 64 + 64 + sum(
        count * (2 * 64 * 32 + (size // 2 + 1) * size * 32 * 32)
        for size, count in blocks.items())
    self.assertEqual(work.decoder_flops(decoder), 2 * (784 * kernels + 32 * 4 * 784))
    encoder = resnet.ResNetEncoder(32, 28)
    encoder.build(None)
    block = [9 * channels * 64 + 9 * 64 * 64 + channels * 64 for channels in (1, 64, 64)]
    self.assertEqual(work.encoder_flops(encoder), 2 * (
        14**2 * block[0] + 7**2 * block[1] + 4**2 * block[2] + 16 * 64 * 512 + 512 * 64))

  def test_peak_memory_is_that_of_this_process(self) -> None:
    before = measuring.peak_bytes()
    held = np.ones(2**26, np.uint8)
    self.assertGreaterEqual(measuring.peak_bytes(), max(before, held.nbytes))
    self.assertGreater(measuring.peak_bytes(), measuring.resident_bytes() - 2**24)


class TurnsTest(tf.test.TestCase):

  def test_sides_take_turns_and_the_table_has_their_figures(self) -> None:
    path = pathlib.Path(self.create_tempdir().full_path) / "figures.json"
    flags = [f"--{name}={value}" for name, value in CASES["text_step"][1].items()]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.text_step", *flags, "--rounds=2",
         "--precision=bfloat16", f"--json_out={path}"],
        capture_output=True, text=True, check=False)
    self.assertEqual(result.returncode, 0, result.stderr)
    self.assertIn("du_vae_tf, bfloat16", result.stdout)
    figures = json.loads(path.read_text(encoding="utf-8"))
    self.assertEqual(figures["processor"], machine.processor())
    side, = figures["sides"]
    self.assertEqual(side["unit"], "words")
    self.assertAllClose(side["units_per_second"] * side["seconds"], 20.0, rtol=1e-6)
    self.assertAllClose(side["of_roofline"], side["gflops"] / side["roofline_gflops"], rtol=1e-6)

  def test_cost_of_a_method_is_the_ratio_of_its_steps(self) -> None:
    path = pathlib.Path(self.create_tempdir().full_path) / "figures.json"
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.method_step", "--method=du_iaf", "--rounds=2",
         "--vocab_size=30", "--hidden_size=8", "--embedding_size=6", "--latent_dim=3",
         "--batch_size=4", "--words=5", "--precision=float32", f"--json_out={path}"],
        capture_output=True, text=True, check=False)
    self.assertEqual(result.returncode, 0, result.stderr)
    figures = json.loads(path.read_text(encoding="utf-8"))
    plain, flow = figures["sides"]
    self.assertEqual((plain["method"], flow["method"]), ("du_vae", "du_iaf"))
    # Ratios are of rounds side by side; with two rounds the median lies between them.
    self.assertBetween(figures["ratio"], 0.1 * flow["seconds"] / plain["seconds"],
                       10.0 * flow["seconds"] / plain["seconds"])
    self.assertGreater(flow["weights"], plain["weights"])
    self.assertIn("du_iaf", result.stdout)

  def test_network_without_a_peer_is_refused_in_one_line(self) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.image_step", "--decoder=gated_pixel_cnn", "--peer"],
        capture_output=True, text=True, check=False)
    self.assertEqual(result.returncode, 2)
    self.assertRegex(result.stderr, r"\A--peer: .*--decoder=pixel_cnn\.\n\Z")


class StreamingTest(tf.test.TestCase):

  def test_rows_are_read_that_were_written(self) -> None:
    path = pathlib.Path(self.create_tempdir().full_path) / "figures.json"
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.streaming", "--gigabytes=0.0001", "--words=3",
         "--batches=5", f"--json_out={path}"], capture_output=True, text=True, check=False)
    self.assertEqual(result.returncode, 0, result.stderr)
    figures = json.loads(path.read_text(encoding="utf-8"))
    self.assertBetween(figures["rows"], 1e5 / 80, 1e5 / 20)
    self.assertBetween(figures["rows_read"], 4 * 32, 5 * 32)
    for stage in ("preparing", "reading"):
      curve = np.array(figures[f"curve_{stage}"])
      self.assertTrue(np.all(np.diff(curve[:, 0]) > 0.0))
      self.assertEqual(figures[f"peak_mib_{stage}"], curve[:, 1].max())

  def test_memory_of_its_own_is_without_the_pages_of_files(self) -> None:
    folder = pathlib.Path(self.create_tempdir().full_path)
    np.save(folder / "array.npy", np.ones(2**25, np.uint8))
    before = measuring.own_bytes()
    mapped = np.load(folder / "array.npy", mmap_mode="r")
    self.assertEqual(mapped.sum(dtype=np.int64), 2**25)
    self.assertLess(measuring.own_bytes(), before + 2**24)
    held = np.array(mapped)
    self.assertGreater(measuring.own_bytes(), before + held.nbytes - 2**24)


class SyntheticLanguageTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls) -> None:
    super().setUpClass()
    cls.splits = synthetic_language.sentences(7)

  def run_command(self, *flags: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "benchmarks.synthetic_language", *flags],
                          capture_output=True, text=True, check=False)

  def test_sentences_are_written_with_their_components(self) -> None:
    folder = pathlib.Path(self.create_tempdir().full_path) / "new"
    result = self.run_command(f"--output_dir={folder}", "--language_seed=7")
    self.assertEqual(result.returncode, 0, result.stderr)
    self.assertEndsWith(
        result.stdout, f" {-self.splits['test'].log_likelihood.mean():.2f} nats\n")
    for split, expected in self.splits.items():
      lines = (folder / f"{split}.txt").read_bytes().splitlines()
      labels, texts = zip(*(line.split(b"\t") for line in lines), strict=True)
      self.assertEqual(list(texts), expected.texts())
      self.assertEqual([int(label) for label in labels], expected.labels.tolist())

  def test_the_log_likelihood_is_that_of_the_described_network(self) -> None:
    rng = np.random.default_rng(7)
    to_cell, embeddings, into, of_z, recurrent, *biases, out, out_of_z = (
        rng.uniform(-bound, bound, shape) for bound, shape in (
            (1, (100, 2)), (1, (1001, 100)), (1, (400, 100)), (1, (400, 2)), (1, (400, 100)),
            (1, 400), (1, 400), (1, (1000, 100)), (5, (1000, 2))))
    train = self.splits["train"]
    for row in range(3):
      z, (first, *others) = train.z[row], train.words[row]
      cell = to_cell @ z
      state, word, total = np.tanh(cell), first, -np.log(1000)
      for target in others:
        gates = into @ embeddings[word] + of_z @ z + recurrent @ state + sum(biases)
        i, f, o = (1.0 / (1.0 + np.exp(-gates[at:at + 100])) for at in (0, 100, 300))
        cell = f * cell + i * np.tanh(gates[200:300])
        state = o * np.tanh(cell)
        logits = out @ state + out_of_z @ z
        total += logits[target] - np.logaddexp.reduce(logits)
        word = target
      # Nine float64 steps through logits up to about 50: errors stay far below 1e-9.
      self.assertAlmostEqual(train.log_likelihood[row], total, delta=1e-9)

  def test_every_word_may_come_first(self) -> None:
    train = self.splits["train"]
    # 16 counts of each word on average, so that all words occur but with probability 1e-4.
    self.assertLen(np.unique(train.words[:, 0]), 1000)

  def test_what_cannot_be_is_refused_in_one_line(self) -> None:
    for flags, told in (
        ((), "--output_dir is missing: .*"),
        (("--output_dir=x", "--language_seed=-1"), "--language_seed=-1: .*at least 0\\."),
        ((f"--output_dir={__file__}/x",), "--output_dir=.*/x: cannot be written .*")):
      result = self.run_command(*flags)
      self.assertEqual(result.returncode, 2)
      self.assertRegex(result.stderr, rf"\A{told}\n\Z")


class ScalingTest(tf.test.TestCase):

  def run_command(self, *flags: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "benchmarks.scaling", *flags],
                          capture_output=True, text=True, check=False)

  def test_steps_are_predicted_beside_measured_ones_and_for_many_gpus(self) -> None:
    path = pathlib.Path(self.create_tempdir().full_path) / "figures.json"
    result = self.run_command(
        "--rounds=2", "--batch_sizes=4", "--words=5", "--hidden_sizes=8", "--vocab_size=30",
        "--embedding_size=6", "--latent_dim=3", "--image_batch_sizes=4", "--side=8", "--jitter=0",
        f"--json_out={path}")
    self.assertEqual(result.returncode, 0, result.stderr)
    figures = json.loads(path.read_text(encoding="utf-8"))
    self.assertLen(figures["steps"], 2)
    for row in figures["steps"] + figures["published"] + figures["sums"]:
      self.assertGreater(min(row["predicted"], row["measured"], row["ratio"]), 0.0)
    # Two GPUs in two networks, text and images, one batch in all or one for each.
    self.assertLen(figures["simulated"], 4 * 2 * 2 * len(scaling.REPLICAS))
    for step in figures["simulated"]:
      self.assertEqual(step["slowest"], 1.0)
      self.assertAllClose(step["rows_per_second"] * step["seconds"], step["rows"], rtol=1e-9)
      self.assertEqual(step["rows"], 32 if step["batch_in_all"] else 32 * step["replicas"])
    self.assertEqual([row["sentences"] for row in figures["corpora"]], list(scaling.CORPORA))
    self.assertEqual(result.stdout.count("PREDICTED"), 5)

  def test_what_cannot_be_is_refused_in_one_line(self) -> None:
    for flag, told in (("--rounds=-1", "--rounds=-1 .*at least 0"),
                       ("--jitter=nan", "--rounds=5 --jitter=nan: .*"),
                       ("--words=20,x", "--words=20,x: must be whole numbers.*")):
      result = self.run_command(flag)
      self.assertEqual(result.returncode, 2)
      self.assertRegex(result.stderr, rf"\A{told}.*\n\Z")


class ServeLoadTest(tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.run_dir = tiny_runs.image(cls.enterClassContext(tempfile.TemporaryDirectory()))

  def run_command(self, *flags: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.serve_load", f"--run_dir={self.run_dir}", *flags],
        capture_output=True, text=True, check=False)

  def test_every_request_is_answered_and_timed(self) -> None:
    path = pathlib.Path(self.create_tempdir().full_path) / "figures.json"
    result = self.run_command(
        "--signature=interpolate", "--requests=12", "--parallel=3", f"--json_out={path}")
    self.assertEqual(result.returncode, 0, result.stderr)
    figures = json.loads(path.read_text(encoding="utf-8"))
    self.assertEqual((figures["errors"], figures["requests"]), (0, 12))
    latencies = [figures[f"{name}_ms"] for name in (
        "median", "percentile_95", "percentile_99", "max")]
    self.assertEqual(latencies, sorted(latencies))
    self.assertGreater(latencies[0], 0.0)
    # None takes longer than all of them together.
    self.assertLess(latencies[-1], 12_000.0 / figures["requests_per_second"])

  def test_server_that_does_not_get_ready_ends_the_benchmark(self) -> None:
    result = self.run_command("--run_dir=nowhere")
    self.assertEqual(result.returncode, 2)
    self.assertRegex(result.stderr, r"--run_dir=nowhere: no folder.*\n--run_dir=nowhere: serve did")


if __name__ == "__main__":
  tf.test.main()
