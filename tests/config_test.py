"""What names a run and what does not."""

import dataclasses

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib


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
    self.assertEqual(row.normalization_epsilon, 1e-12)
    self.assertEqual(row.normalized_encoder_initialization, "small_uniform")


if __name__ == "__main__":
  absltest.main()
