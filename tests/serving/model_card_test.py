"""What the model card says, read as the readers of such cards read it."""

import dataclasses
import pathlib
import re

import huggingface_hub
from absl.testing import absltest

from du_vae_tf import config as config_lib
from du_vae_tf import report as report_lib
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.serving import limits
from du_vae_tf.serving import model_card
from tests.data import own_images
from tests.training import tiny


def make_report(**changes: object) -> report_lib.Report:
  """A report of made-up figures."""
  return report_lib.Report(**({
      "dataset": "text", "method": "du_vae", "split": "test", "num_examples": 20,
      "iw_samples": 500, "nll": 35.523456789, "nll_std_error": 0.31, "ppl": 25.26,
      "elbo_nll": 36.05, "reconstruction": 34.35, "kl": 1.7, "mi": 1.32, "au": 2, "mpd": 8.68,
      "ce": 1.41, "latent_dim": 2, "seed": 3, "epochs": 50, "best_epoch": 48,
      "train_seconds": 309.4, "precision": "float32"} | changes))


class ModelCardTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path

  def read(self, config: config_lib.RunConfig, report: report_lib.Report,
           **given: int) -> huggingface_hub.ModelCard:
    """The card of a run, written and read again."""
    path = pathlib.Path(self.folder) / "README.md"
    model_card.make(config, corpus_lib.load(config), report, limits.Limits(**given)).save(path)
    return huggingface_hub.ModelCard.load(path)

  def rows(self, card: huggingface_hub.ModelCard) -> list[list[str]]:
    """Cells of all tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in card.text.splitlines() if line.startswith("|")]

  def test_figures_stand_in_the_front_matter_and_in_the_text(self):
    report = make_report()
    card = self.read(tiny.make_config(self.folder, gamma=0.7), report, max_words=7)
    results = {result.metric_type: result.metric_value for result in card.data.eval_results}
    self.assertEqual(results, {
        name: getattr(report, name) for name in (
            "nll", "nll_std_error", "ppl", "elbo_nll", "reconstruction", "kl", "mi", "au", "mpd",
            "ce")})
    kinds = {(result.dataset_type, result.dataset_split, result.task_type)
             for result in card.data.eval_results}
    self.assertEqual(kinds, {("text", "test", "feature-extraction")})
    self.assertEqual(card.data.model_name, "du_vae on text")
    for row in (["`nll`", "35.5235", "nats per example", "importance-weighted -log p(x)"],
                ["`--gamma`", "0.7"], ["train", "70", "8"], ["test", "20", "8"],
                ["every input", "at most 256 rows"],
                ["`ids`", "3 to 33, at most 7 in a row, and 0 behind the last"]):
      self.assertIn(row, self.rows(card))
    self.assertIn("epoch 48 of 50, after 309 s of training; `nll` with 500 samples", card.text)
    self.assertIn("Vocabulary: 34 words", card.text)

  def test_missing_figures_are_explained(self):
    null = {"mi": None, "au": None, "mpd": None}
    card = self.read(
        tiny.make_config(self.folder, method="du_iaf"), make_report(
            method="du_iaf", **null, z0_mi=1.5, z0_au=3, z0_mpd=2.0, z0_ce=2.5, ce_std_error=0.1,
            null_reasons=dict.fromkeys(null, "has no tractable form")), max_words=7)
    names = {result.metric_type for result in card.data.eval_results}
    self.assertContainsSubset({"z0_mi", "z0_au", "z0_mpd", "z0_ce", "ce_std_error"}, names)
    self.assertNoCommonElements(names, null)
    self.assertIn("Without `mi`, `au`, `mpd`: has no tractable form.", card.text)

  def test_every_figure_of_a_report_has_a_unit(self):
    others = {"dataset", "method", "split", "num_examples", "iw_samples", "latent_dim", "seed",
              "epochs", "best_epoch", "train_seconds", "precision", "null_reasons"}
    self.assertEqual({field.name for field in dataclasses.fields(report_lib.Report)} - others,
                     model_card.FIGURES.keys())

  def test_own_data_keep_their_paths_and_their_rows(self):
    config = tiny.make_config(self.folder)
    content = str(self.read(config, make_report(), max_words=7))
    self.assertNotIn(self.folder, content)
    self.assertNotIn("_file", content)
    for line in pathlib.Path(config.train_file).read_text().splitlines():
      self.assertNotIn(line, content.replace(self.code(content), ""))

  def code(self, content: str) -> str:
    return re.search("```python\n(.*?)```", content, re.DOTALL).group(1)

  def test_the_sentence_of_the_code_is_within_the_limits(self):
    for most, words in ((7, 3), (2, 2), (1, 1)):
      content = str(self.read(tiny.make_config(self.folder), make_report(), max_words=most))
      sentence = re.search(r"tf\.constant\(\['(.*)'\]\)", self.code(content)).group(1)
      self.assertLen(sentence.split(), words)

  def test_images_have_their_size_and_no_words(self):
    files = own_images.write_arrays(self.folder, side=8, rows=40)
    config = config_lib.resolve({
        "dataset": "images", "latent_dim": 3, "data_dir": f"{self.folder}/data", **files}, {})
    card = self.read(config, make_report(dataset="images", ppl=None), max_rows=9)
    self.assertIn("Images of 8 x 8 pixels", card.text)
    self.assertIn(["every input", "at most 9 rows"], self.rows(card))
    self.assertNotIn("words", card.text)
    self.assertNotIn(self.folder, str(card))
    self.assertEqual(card.data.pipeline_tag, "image-feature-extraction")


if __name__ == "__main__":
  absltest.main()
