"""Samples of a model in training: when they are drawn, with which weights, where they go."""

import pathlib

import tensorflow as tf

from du_vae_tf import config as config_lib
from du_vae_tf.analysis import sample_summaries
from du_vae_tf.data import corpus as corpus_lib
from du_vae_tf.models import builders
from du_vae_tf.training import run_folder
from tests.data import own_images
from tests.testing import events
from tests.training import tiny
from tests.training import tiny_images

KINDS = ("samples", "reconstructions", "paths")


class SampleSummariesTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.path = pathlib.Path(self.create_tempdir().full_path)
    self.folder = run_folder.RunFolder(self.path / "run")

  def train_eleven_epochs(self, config: config_lib.RunConfig, corpus: corpus_lib.Corpus) -> None:
    """As far as the callback sees it."""
    with tiny_images.thin_decoder():
      trained = builders.build_model(config, corpus.sizes, "mixed_bfloat16")
      callback = sample_summaries.SampleSummaries(config, corpus, self.folder)
      callback.set_model(trained)
      for epoch in range(11):  # Counted from 0.
        trained.set_weights([weight + 0.01 for weight in trained.get_weights()])
        callback.on_epoch_end(epoch)
      callback.on_train_end()

  def check_steps(self, plugin: str) -> None:
    found = events.read(self.folder.tensorboard, plugin)
    self.assertEqual({tag: [step for step, _ in values] for tag, values in found.items()},
                     {f"samples/{kind}": [5, 10] for kind in KINDS})

  def test_sentences_of_every_fifth_epoch(self):
    config = tiny.make_config(str(self.path))
    corpus = corpus_lib.load(config)
    self.train_eleven_epochs(config, corpus)
    self.check_steps("text")
    self.assertCountEqual(
        [path.name for path in self.folder.samples.iterdir()],
        [f"epoch-{epoch}.{suffix}" for epoch in ("0005", "0010") for suffix in ("json", "md")])
    # The summaries say what the file says.
    text = (self.folder.samples / "epoch-0010.md").read_text()
    found = events.read(self.folder.tensorboard, "text")
    tables = [found[f"samples/{kind}"][1][1].item().decode() for kind in KINDS]
    self.assertEqual(text, "\n".join(tables))
    self.assertEqual([table.count("\n| ") for table in tables], [1 + 16, 1 + 2 * 16, 4 * (1 + 7)])
    valid = set((self.path / "valid.txt").read_text().splitlines())
    sources = [line for line in tables[1].splitlines() if line.startswith("| source | ")]
    self.assertContainsSubset({line.split(" | ")[1].rstrip(" |") for line in sources}, valid)

  def test_samples_are_those_of_a_float32_model_with_the_weights_of_the_epoch(self):
    config = tiny.make_config(str(self.path))
    corpus = corpus_lib.load(config)
    self.train_eleven_epochs(config, corpus)
    model = builders.build_model(config, corpus.sizes)
    for _ in range(10):
      model.set_weights([weight + 0.01 for weight in model.get_weights()])
    sample_summaries.Samples(model, config, corpus).write(self.path / "again", "samples")
    self.assertEqual((self.path / "again.md").read_text(),
                     (self.folder.samples / "epoch-0010.md").read_text())

  def test_images_of_every_fifth_epoch(self):
    files = own_images.write_arrays(str(self.path), side=tiny_images.SIDE, rows=40)
    config = tiny_images.make_config(data_dir=str(self.path / "data"), **files)
    corpus = corpus_lib.load(config)
    self.train_eleven_epochs(config, corpus)
    self.check_steps("images")
    self.assertCountEqual(
        [path.name for path in self.folder.samples.iterdir()],
        [f"epoch-{epoch}{end}" for epoch in ("0005", "0010")
         for end in (".json", *(f"-{kind}.png" for kind in KINDS))])
    for kind, values in events.read(self.folder.tensorboard, "images").items():
      shapes = [tf.io.decode_png(content).shape for _, (_, _, content) in values]
      self.assertEqual(shapes[0], shapes[1])
      self.assertEqual(shapes[0][1], 10 * (3 * tiny_images.SIDE + 2) + 2, kind)


if __name__ == "__main__":
  tf.test.main()
