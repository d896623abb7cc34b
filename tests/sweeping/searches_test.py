"""Random draws of settings: where they lie, how often, and what is refused."""

import math

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import grids
from du_vae_tf.sweeping import searches


def given(*arguments: str) -> dict[str, object]:
  return command_line.explicit_values(grids.specs(), arguments)


def draws(*arguments: str, count: int = 400, seed: int = 1) -> list[dict[str, str]]:
  return searches.draws(given(*arguments), count, seed)


def dkw_radius(count: int, false_fail_rate: float = 1e-9) -> float:
  """Most distance of an empirical distribution function from the true one (Massart 1990)."""
  return math.sqrt(math.log(2.0 / false_fail_rate) / (2.0 * count))


class DrawsTest(parameterized.TestCase):

  def assert_uniform(self, values: list[float], slack: float) -> None:
    """Checks values that should be uniform on [0, 1], each up to `slack`."""
    ordered = sorted(values)
    for number, value in enumerate(ordered):
      self.assertAlmostEqual(
          value, number / len(ordered), delta=dkw_radius(len(ordered)) + slack)

  def test_uniform_range(self):
    values = [float(run["gamma"]) for run in draws("--gamma=0.4:0.7")]
    self.assertBetween(min(values), 0.4, 0.7)
    self.assertBetween(max(values), 0.4, 0.7)
    self.assert_uniform([(value - 0.4) / 0.3 for value in values], slack=1e-3)

  def test_log_uniform_range(self):
    values = [float(run["learning_rate"]) for run in draws("--learning_rate=log:0.01:10")]
    self.assertBetween(min(values), 0.01, 10.0)
    self.assert_uniform([math.log10(value / 0.01) / 3 for value in values], slack=1e-3)

  def test_whole_numbers_include_both_ends(self):
    values = {run["latent_dim"] for run in draws("--latent_dim=2:4", "--gamma=0.4:0.7")}
    self.assertEqual(values, {"2", "3", "4"})
    values = {int(run["latent_dim"])
              for run in draws("--latent_dim=log:1:100", "--gamma=0.4:0.7")}
    self.assertBetween(min(values), 1, 2)
    self.assertBetween(max(values), 80, 100)

  def test_rounding_does_not_lead_out_of_a_narrow_range(self):
    for run in draws("--gamma=0.123456:0.123457", "--seed=1:100000"):
      self.assertBetween(float(run["gamma"]), 0.123456, 0.123457)

  def test_values_and_ranges_side_by_side(self):
    runs = draws("--keep_prob=1,0.5:0.9,0.3", "--gamma=0.4:0.7")
    self.assertTrue(all(run.keys() == {"keep_prob", "gamma"} for run in runs))
    counts = [sum(test(float(run["keep_prob"])) for run in runs) / len(runs) for test in (
        lambda value: value == 1.0, lambda value: value == 0.3,
        lambda value: 0.5 <= value <= 0.9)]
    self.assertEqual(sum(counts), 1.0)
    for count in counts:
      self.assertAlmostEqual(count, 1 / 3, delta=dkw_radius(len(runs)))

  def test_same_seed_draws_the_same_and_more_draws_go_on(self):
    flags = ["--gamma=0.4:0.7", "--method=du_vae,bn_vae"]
    self.assertEqual(draws(*flags, count=20)[:5], draws(*flags, count=5))
    self.assertNotEqual(draws(*flags, count=5), draws(*flags, count=5, seed=2))

  def test_draws_are_different_until_there_are_no_others(self):
    runs = draws("--gamma=0.4,0.5", "--latent_dim=1:3", count=6)
    self.assertLen({tuple(run.items()) for run in runs}, 6)
    with self.assertRaisesRegex(errors.UserError, "--trials=7: only 6 different runs"):
      draws("--gamma=0.4,0.5", "--latent_dim=1:3", count=7)

  @parameterized.parameters(
      ([], "no flag has several values"), (["--gamma=0.5"], "no flag has several values"),
      (["--gamma=0.7:0.4"], "--gamma=0.7:0.4: must be LOW:HIGH, two numbers"),
      (["--gamma=0.4:"], "--gamma=0.4:: must be LOW:HIGH"),
      (["--gamma=a:b"], "--gamma=a:b: must be LOW:HIGH"),
      (["--gamma=0.4:nan"], "--gamma=0.4:nan: must be LOW:HIGH"),
      (["--gamma=0.4:inf"], "--gamma=0.4:inf: must be LOW:HIGH"),
      (["--gamma=1:2:3"], "--gamma=1:2:3: must be LOW:HIGH"),
      (["--gamma=log:0:1"], "--gamma=log:0:1: must be .* log:LOW:HIGH with LOW above 0"),
      (["--latent_dim=1.5:3"], "--latent_dim=1.5:3: must be LOW:HIGH, two whole numbers"),
      (["--keep_prob=0.5:1.0001"], r"--keep_prob=1.0001: must be in \(0, 1\]"),
      (["--gamma=0:1"], "--gamma=0.0: must be"),
      (["--method=vae", "--gamma=0.4:0.6"], "--gamma has no effect on --method=vae"),
      (["--method=vae:ae"], "no flag has several values"),
      (["--method=vae:ae,ae"], "--method=vae:ae"))
  def test_mistake_is_named(self, arguments, message):
    with self.assertRaisesRegex(errors.UserError, message) as caught:
      draws(*arguments, count=3)
    self.assertNotIn("\n", str(caught.exception))


class GridTest(absltest.TestCase):

  def test_range_is_refused(self):
    with self.assertRaisesRegex(errors.UserError, "--gamma=0.4:0.7: a range needs --search=random"):
      searches.grid(given("--gamma=0.4:0.7", "--keep_prob=0.5,1"))

  def test_colon_in_a_name_is_no_range(self):
    self.assertLen(searches.grid(given(
        "--dataset=images", "--tfds_name=mnist:3.0.1", "--latent_dim=2,3")), 2)


if __name__ == "__main__":
  absltest.main()
