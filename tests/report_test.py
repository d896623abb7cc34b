"""The report: its fields, its file and its table."""

import dataclasses
import json
import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf import report as report_lib

VALUES = {
    "dataset": "yahoo", "method": "du_vae", "split": "test", "num_examples": 10_000,
    "iw_samples": 500, "nll": 327.123456789012345, "nll_std_error": 1.98765432109876,
    "ppl": 60.5, "elbo_nll": 329.25, "reconstruction": 317.125, "kl": 12.125,
    "mi": 9.01, "au": 17, "mpd": 24.444, "ce": 31.005, "latent_dim": 32, "seed": 783435,
    "epochs": 40, "best_epoch": 37, "train_seconds": 12345.678,
    "precision": "bfloat16"}

FLOW = {
    "mi": None, "au": None, "mpd": None, "ce_std_error": 0.25, "z0_mi": 3.5, "z0_au": 21,
    "z0_mpd": 12.5, "z0_ce": 32.75, "null_reasons": {"mi": "no", "au": "no", "mpd": "no"}}


def make(**changes: object) -> report_lib.Report:
  return report_lib.Report(**(VALUES | changes))


class ReportTest(parameterized.TestCase):

  def test_json_has_every_field_unrounded(self) -> None:
    self.assertEqual(json.loads(make().to_json()), VALUES)

  def test_fields_in_order(self) -> None:
    self.assertEqual([field.name for field in dataclasses.fields(report_lib.Report)],
                     [*VALUES, *(name for name in FLOW if name not in VALUES)])

  def test_json_of_a_flow_has_its_figures_and_why_others_are_null(self) -> None:
    self.assertEqual(json.loads(make(**FLOW).to_json()), VALUES | FLOW)

  def test_every_field_is_explained(self) -> None:
    for name in VALUES | FLOW:
      self.assertRegex(report_lib.Report.__doc__, rf"(?m)^    {name}: \S")

  @parameterized.parameters({}, {"nll_std_error": None}, FLOW)
  def test_what_is_read_is_what_was_written(self, **changes: object) -> None:
    path = pathlib.Path(self.create_tempdir().full_path) / "report.json"
    make(**changes).write(path)
    self.assertEqual(report_lib.Report.read(str(path)), make(**changes))

  @parameterized.parameters("", "[]", "{}", '{"nll": 1}', json.dumps(VALUES | {"new": 1}))
  def test_a_file_that_is_no_report_is_named(self, content: str) -> None:
    path = self.create_tempfile("other.json", content).full_path
    with self.assertRaisesRegex(errors.UserError, r"other\.json: not a report"):
      report_lib.Report.read(path)

  def test_a_missing_file_is_named(self) -> None:
    with self.assertRaisesRegex(errors.UserError, r"nowhere\.json: not a report"):
      report_lib.Report.read(pathlib.Path(self.create_tempdir().full_path) / "nowhere.json")

  def test_table_shows_every_figure_rounded_and_aligned(self) -> None:
    head, *rows = make().table().splitlines()
    for text in ("du_vae", "yahoo", "test split", "10000 examples", "epoch 37 of 40",
                 "seed 783435", "12346 s", "nats"):
      self.assertIn(text, head)
    values = [row[17:27] for row in rows]
    self.assertEqual([value.strip() for value in values], [
        "327.12", "60.50", "329.25", "317.12", "12.12", "9.01", "17", "24.44", "31.00"])
    self.assertTrue(all(len(value) == 10 and value[-1] != " " for value in values))
    self.assertIn("500 samples", rows[0])
    self.assertIn("1.99", rows[0])
    self.assertIn("of 32", rows[6])

  def test_table_of_a_flow_shows_what_it_has(self) -> None:
    _, *rows = make(**FLOW).table().splitlines()
    self.assertEqual([row.split()[0] for row in rows[5:]], ["CE", "z0", "z0", "z0", "z0"])
    self.assertEqual([row[17:27].strip() for row in rows[5:]],
                     ["31.00", "3.50", "21", "12.50", "32.75"])
    self.assertIn("before the flow", rows[-1])

  def test_table_of_a_single_example_has_no_standard_error(self) -> None:
    self.assertNotIn("standard error", make(num_examples=1, nll_std_error=None).table())


if __name__ == "__main__":
  absltest.main()
