"""Exhibits: their rows, the published numbers, and the runs that flags make of them."""

import pathlib
import re

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import reproduce
from du_vae_tf.reproduction import exhibits
from du_vae_tf.reproduction import published
from du_vae_tf.reproduction import running

ROOT = pathlib.Path("out")


def names(exhibit: exhibits.Exhibit, dataset: str | None = None,
          rows: str | None = None) -> list[str]:
  return [row.name for row in reproduce.chosen_rows(exhibit, dataset, rows)]


def jobs(table: str, rows: str, scale: bool = False, seeds: tuple[int, ...] = (1,),
         **given: object) -> list[running.Job]:
  exhibit = exhibits.TABLES[table]
  return running.jobs(exhibit, reproduce.chosen_rows(exhibit, None, rows), seeds,
                      reproduce.small_flags() if scale else {}, given, ROOT, ROOT / "table")


class PublishedTest(absltest.TestCase):

  def test_numbers_are_those_at_the_head_of_the_flagfiles(self):
    for number, rows in published.TABLES.items():
      for row in exhibits.TABLES[number].rows():
        path = command_line.FLAGS_FOLDER / row.source.removeprefix("--flagfile=")
        head = re.search(r"# Published: (.*?)# Needs", path.read_text(), re.DOTALL)[1]
        numbers = [float(text) for text in re.findall(r"\d+\.\d+", head)]
        self.assertEqual(numbers, list(rows[row.name].values()), row.name)
      self.assertLen({row.name for row in exhibits.TABLES[number].rows()}, len(rows))

  def test_each_table_has_all_its_rows(self):
    folders = {"1": "table1", "2": "table2", "3": "table3", "S1": "table_s1", "S2": "table_s2"}
    for number, folder in folders.items():
      files = {path.stem for path in (command_line.FLAGS_FOLDER / folder).glob("*.flags")}
      self.assertEqual(set(published.TABLES[number]), files)


class RowsTest(parameterized.TestCase):

  def test_rows_of_one_name_are_one_configuration(self):
    # Exhibits share run folders by these names.
    known = {}
    for exhibit in [*exhibits.TABLES.values(), *exhibits.FIGURES.values()]:
      for row in exhibit.rows():
        config = command_line.resolve(row.flags)
        self.assertEqual(known.setdefault(row.name, config), config, row.name)

  def test_rows_are_chosen_by_name_and_data_set(self):
    table = exhibits.TABLES["1"]
    self.assertLen(names(table), 42)
    self.assertLen(names(table, "yelp"), 14)
    self.assertEqual(names(table, None, "vae"), ["yahoo_vae", "yelp_vae", "omniglot_vae"])
    self.assertEqual(names(table, "yelp", "sa_vae,yelp_vae"), ["yelp_sa_vae", "yelp_vae"])

  def test_a_panel_on_request_is_left_out_otherwise(self):
    figure = exhibits.FIGURES["2"]
    self.assertLen(names(figure), 60)
    self.assertLen(names(figure, "synthetic"), 16)

  @parameterized.parameters(
      ("2", "yahoo", None, "--dataset=yahoo: the rows are of short_yelp"),
      ("2", None, "vea", "--rows=vea: no such row; the rows are short_yelp_ae, "))
  def test_unknown_rows_are_named(self, table, dataset, rows, message):
    with self.assertRaisesRegex(errors.UserError, message):
      names(exhibits.TABLES[table], dataset, rows)


class JobsTest(parameterized.TestCase):

  def test_flags_change_the_rows_that_they_have_an_effect_on(self):
    plain, annealed = jobs("2", "ae,vae", scale=True, epochs=3)
    self.assertEqual((plain.flags["epochs"], annealed.flags["epochs"]), (3, 3))
    self.assertNotIn("warmup_epochs", plain.flags)
    self.assertEqual(annealed.flags["warmup_epochs"], 5)
    self.assertTrue(annealed.is_changed)
    self.assertEqual(annealed.command, (
        "bazel run //du_vae_tf:train -- --flagfile=table2/short_yelp_vae.flags"
        " --max_eval_examples=2000 --warmup_epochs=5 --epochs=3 --iw_samples=50 --seed=1"))

  def test_published_scale_is_the_row_itself(self):
    job, = jobs("2", "vae", manual_dir="raw")
    self.assertFalse(job.is_changed)
    self.assertEqual(job.folder, ROOT / "runs" / "1" / "short_yelp_vae")
    self.assertEqual(job.result, job.folder / "probe-paper.json")

  def test_seeds_have_their_own_folders(self):
    self.assertLen({job.folder for job in jobs("2", "ae,vae", seeds=(1, 2, 3))}, 6)

  @parameterized.parameters(
      ({"warmup_epochs": 2}, "ae", "--warmup_epochs has no effect on any of the rows"),
      ({"gamma": -1.0}, "du_vae_0.5_0.8", "--gamma=-1.0: must be"),
      ({"epochs": 0}, "vae", "--epochs=0: must be"))
  def test_flags_that_do_not_fit_are_named_before_anything_is_trained(self, given, rows, message):
    with self.assertRaisesRegex(errors.UserError, message):
      jobs("2", rows, **given)

  @parameterized.parameters("", "1,", "a", "1,1", "-1", "1.5")
  def test_seeds_are_different_whole_numbers(self, text):
    with self.assertRaisesRegex(errors.UserError, f"--seeds={text}: must be"):
      reproduce.seeds(text)


if __name__ == "__main__":
  absltest.main()
