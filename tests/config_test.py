"""What names a run and what does not."""

import dataclasses
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import errors


class DigitsTest(parameterized.TestCase):

  @parameterized.parameters(
      {"epochs": 3}, {"strategy": "mirrored"}, {"deterministic": True}, {"iw_samples": 7},
      {"manual_dir": "elsewhere"}, {"run_dir": "here"}, {"checkpoint_minutes": 1.0},
      {"max_eval_examples": 5})
  def test_machine_and_evaluation_settings_do_not_name_the_run(self, **changes):
    config = config_lib.resolve({}, {})
    changed = dataclasses.replace(config, **changes)
    self.assertEqual(config.digits("data"), changed.digits("data"))

  @parameterized.parameters(
      {"seed": 3}, {"gamma": 0.6}, {"keep_prob": 0.9}, {"batching": "equal_length"},
      {"fidelity": "paper"}, {"max_train_examples": 100}, {"learning_rate": 0.5})
  def test_mathematics_names_the_run(self, **changes):
    config = config_lib.resolve({}, {})
    self.assertNotEqual(
        config.digits("data"), dataclasses.replace(config, **changes).digits("data"))

  def test_content_of_the_data_names_the_run(self):
    config = config_lib.resolve({}, {})
    self.assertNotEqual(config.digits("data"), config.digits("other data"))
    self.assertLen(config.digits("data"), 8)

  def test_paper_profile_acts_from_the_first_step_with_the_small_initialisation(self):
    row = config_lib.resolve({"fidelity": "paper"}, {}).fidelity_row
    self.assertTrue(row.regularize_from_start)
    for posterior in row.posteriors.values():
      self.assertEqual(posterior.normalization_epsilon, 1e-12)
      self.assertEqual(posterior.normalized_encoder, "small_uniform")

  def test_settings_without_effect_do_not_name_the_run(self):
    config = config_lib.resolve({"method": "vae"}, {})
    with mock.patch.object(config_lib.RunConfig, "mathematics", lambda config: {"seed": 1}):
      expected = config.digits("data")
    with mock.patch.object(config_lib.RunConfig, "mathematics",
                           lambda config: {"seed": 1, "a_later_flag": None}):
      self.assertEqual(config.digits("data"), expected)

  @parameterized.parameters(
      ("yahoo", 0.7, 0.7), ("yelp", 0.6, 0.7), ("short_yelp", 0.6, 0.7), ("omniglot", 0.5, 0.85))
  def test_published_settings_of_the_flow(self, dataset, gamma, keep_prob):
    config = config_lib.resolve({"dataset": dataset, "method": "du_iaf"}, {})
    self.assertEqual((config.gamma, config.keep_prob, config.flow_depth, config.flow_width),
                     (gamma, keep_prob, 2, 60))
    self.assertEqual(config.context_size, 64)
    free_bits = config_lib.resolve({"dataset": dataset, "method": "iaf_free_bits"}, {}).free_bits
    self.assertEqual(free_bits, 0.25 if "yelp" in dataset else 0.15)

  @parameterized.parameters(
      ({"method": "vae", "flow_depth": 2}, "--flow_depth has no effect on --method=vae"),
      ({"method": "du_iaf", "free_bits": 0.1}, "--free_bits has no effect on --method=du_iaf"),
      ({"method": "du_iaf", "flow_depth": 0}, "--flow_depth=0: must be at least 1"),
      ({"method": "du_iaf", "flow_width": 0}, "--flow_width=0: must be at least 1"),
      ({"method": "iaf_free_bits", "free_bits": -0.1}, "--free_bits=-0.1: must be"),
      ({"method": "iaf_free_bits", "free_bits": float("nan")}, "--free_bits=nan: must be"))
  def test_mistakes_with_flows_are_named(self, values, message):
    with self.assertRaisesRegex(errors.UserError, message):
      config_lib.resolve(values, {})


if __name__ == "__main__":
  absltest.main()
