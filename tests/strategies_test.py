"""Steps on two replicas and on two workers against one device; all methods: docs/scaling.md."""

import subprocess
import sys

from absl.testing import absltest

from benchmarks import strategy_differences

STEPS = 20
# Rounding alone, magnified by twenty steps: sums over replicas have another order.
MOST = 1e-5


class StrategiesTest(absltest.TestCase):

  # Methods that normalize and add over the global batch, and update parts of the model apart.
  def test_same_weights_as_one_device(self):
    methods = ("du_vae", "mae", "free_bits", "agg_vae")
    found = strategy_differences.differences("text", methods, STEPS)
    for method, value in found.pop(strategy_differences.MOVED).items():
      self.assertGreater(value, 10 * MOST, method)
    self.assertEqual(set(found), set(strategy_differences.WAYS))
    for way, largest in found.items():
      self.assertEqual(set(largest), set(methods))
      for method, value in largest.items():
        self.assertLess(value, MOST, f"{method}, {way}")

  def test_unknown_method_is_named(self):
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.strategy_differences", "--methods=vae,nix"],
        capture_output=True, text=True, check=False)
    self.assertEqual(result.returncode, 2)
    self.assertRegex(result.stderr, r"\A--methods=nix: no such method; there are du_vae, .*\n\Z")


if __name__ == "__main__":
  absltest.main()
