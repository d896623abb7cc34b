"""The commands on trained runs, as a user types them: probe, visualize, generate, reproduce."""

import contextlib
import io
import json
import pathlib
import tempfile
import types

import numpy as np
import PIL.Image
from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import generate
from du_vae_tf import probe
from du_vae_tf import reproduce
from du_vae_tf import train
from du_vae_tf import visualize
from tests import binaries
from tests.data import own_images

SIDE = 8


def write_labelled_sentences(folder: pathlib.Path) -> None:
  """Sentences whose words tell the label."""
  random = np.random.default_rng(3)
  for name, rows in (("train", 70), ("valid", 20), ("test", 20)):
    lines = []
    for row in range(rows):
      words = random.integers(10 * (row % 2), 10 * (row % 2) + 10, random.integers(2, 7))
      lines.append(f"{row % 2}\t{' '.join(f'w{word}' for word in words)}\n")
    (folder / f"{name}.txt").write_text("".join(lines))


class AnalysisTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    write_labelled_sentences(cls.folder)
    images = own_images.write_arrays(str(cls.folder), side=SIDE, rows=60)
    common = ["--batch_size=16", "--epochs=1", "--iw_samples=2", "--data_dir=data"]
    text = ["--dataset=text", "--hidden_size=8", "--embedding_size=6", "--warmup_epochs=0",
            "--train_file=train.txt", "--valid_file=valid.txt", "--test_file=test.txt"]
    image = ["--dataset=images", "--warmup_epochs=0",
             *(f"--{name}={pathlib.Path(path).name}" for name, path in images.items())]
    for name, flags in {
        "text": [*text, "--latent_dim=2", "--max_train_examples=40"],
        "flow": [*text, "--latent_dim=5", "--method=du_iaf", "--flow_width=2"],
        "image": [*image, "--latent_dim=3"]}.items():
      cls.run_here(train, *common, *flags, f"--run_dir={name}")

  @classmethod
  def run_here(cls, program: types.ModuleType, *flags: str) -> str:
    """What the program says, run in this process."""
    said = io.StringIO()
    with contextlib.chdir(cls.folder), contextlib.redirect_stdout(said):
      program.main(command_line.explicit_values(program.SPECS, flags))
    return said.getvalue()

  def run_command(self, name: str, *flags: str) -> str:
    """What the program says, run as a user runs it."""
    done = binaries.run(name, *flags, cwd=str(self.folder))
    self.assertEqual(done.returncode, 0, done.stderr)
    return done.stdout

  def check_picture(self, stem: pathlib.Path) -> None:
    with PIL.Image.open(stem.with_suffix(".png")) as picture:
      low, high = picture.convert("L").getextrema()
    self.assertLess(low, high)
    self.assertEqual(stem.with_suffix(".pdf").read_bytes()[:5], b"%PDF-")

  def test_probe_of_several_runs(self):
    said = self.run_command("probe", "--run_dir=text", "--run_dir=flow", "--label_counts=20,60",
                         "--draws=2", "--output_dir=probed")
    table = (self.folder / "probed" / "probe-paper.md").read_text()
    self.assertIn(table.strip(), said)
    for run, features in (("text", 2), ("flow", 10)):
      result = json.loads((self.folder / run / "probe-paper.json").read_text())
      self.assertEqual((result["num_features"], result["num_test"], result["label_counts"]),
                       (features, 20, [20, 60]))
      self.assertTrue(all(0 <= value <= 100 for draws in result["accuracies"] for value in draws))
      self.assertIn(f"| {run} | {result['means'][0]:.2f} ± {result['deviations'][0]:.2f} |", table)
    self.check_picture(self.folder / "probed" / "probe-paper")

  def test_probe_of_images_by_logistic_regression(self):
    self.run_here(probe, "--run_dir=image", "--classifier=logistic_regression", "--draws=1",
                  "--label_counts=3")
    result = json.loads((self.folder / "image" / "probe-logistic_regression.json").read_text())
    self.assertEqual((result["unit"], result["deviations"]), ("labels per class", [None]))
    self.check_picture(self.folder / "image" / "figures" / "probe-logistic_regression")

  def test_pictures_of_small_and_large_latent_spaces(self):
    self.run_command("visualize", "--run_dir=text", "--run_dir=flow", "--split=train")
    for name in ("latent_map", "latent_projections", "latent_dimensions"):
      self.check_picture(self.folder / "comparison" / name)

  @parameterized.parameters(["--decoding=greedy"], ["--decoding=beam", "--beam_width=2"],
                            ["--decoding=sample", "--temperature=0.7", "--top_k=3"])
  def test_sentences(self, *flags):
    said = self.run_here(generate, "--run_dir=flow", "--num_samples=3", "--output_dir=sentences",
                         "--between=w1 w2", "--between=w12 w13 strange", *flags)
    found = json.loads((self.folder / "sentences" / "generated.json").read_text())
    self.assertLen(found["samples"], 3)
    path, = found["paths"]
    self.assertEqual((path["source"], path["target"]), ("w1 w2", "w12 w13 strange"))
    self.assertLen(path["steps"], 5)
    self.assertLen(found["analogies"], 5)
    self.assertIn((self.folder / "sentences" / "generated.md").read_text().strip(), said)

  def test_images(self):
    for number in range(3):
      pixels = np.zeros([SIDE, SIDE], np.uint8)
      pixels[:, number] = 255
      PIL.Image.fromarray(pixels).save(self.folder / f"{number}.png")
    self.run_command("generate", "--run_dir=image", "--num_samples=12", "--steps=4",
                  "--analogy=0.png", "--analogy=1.png", "--analogy=2.png")
    folder = self.folder / "image" / "samples"
    layout = json.loads((folder / "generated.json").read_text())
    self.assertEqual(layout["paths"]["columns"], ["source", "1", "2", "3", "4", "target"])
    self.assertEqual(layout["analogies"]["images"], 4)
    for kind, one in layout.items():
      with PIL.Image.open(folder / one["picture"]) as picture:
        self.assertEqual(picture.width, 2 + len(one["columns"]) * (3 * SIDE + 2), kind)

  def test_figure_of_the_paper_goes_on_where_it_was(self):
    flags = ["--figure=1", "--rows=vae,du_vae", "--epochs=1", "--max_train_examples=64",
             "--max_eval_examples=20", "--iw_samples=2", "--hidden_size=4", "--embedding_size=4",
             "--output_dir=figure", "--data_dir=data", "--warmup_epochs=0", "--parallel=2"]
    self.run_command("reproduce", *flags)
    folder = self.folder / "figure"
    self.check_picture(folder / "figure_1" / "latent_map")
    text = (folder / "figure_1.md").read_text()
    self.assertIn("2 of 2 runs", text)
    self.assertIn("![latent map](figure_1/latent_map.png)", text)
    self.assertIn("data:image/png;base64", (folder / "figure_1.html").read_text())
    log = folder / "runs" / "783435" / "synthetic_vae.log"
    trained = log.read_text()
    self.run_command("reproduce", *flags)
    self.assertEqual(log.read_text(), trained)

  @parameterized.parameters(
      (probe, [], "--run_dir: must be given"),
      (probe, ["--run_dir=text", "--run_dir=text"], "--run_dir=text: is given twice"),
      (probe, ["--run_dir=text", "--label_counts=a"], "--label_counts=a: must be whole numbers"),
      (probe, ["--run_dir=text", "--label_counts=71"], "there are 70 training sentences"),
      (probe, ["--run_dir=text", "--draws=0"], "--draws=0: must be at least 1"),
      (visualize, ["--run_dir=nowhere"], "--run_dir=nowhere: no run here"),
      (generate, ["--run_dir=text", "--steps=1"], "--steps=1: must be at least 2"),
      (generate, ["--run_dir=text", "--top_k=3"], "--top_k: has an effect with"),
      (generate, ["--run_dir=text", "--between=w1"], "--between: must be given 2 times"),
      (generate, ["--run_dir=text", "--between=w1", "--between= "], "--between: an empty"),
      (generate, ["--run_dir=image", "--decoding=beam"], "--decoding: has an effect on text"),
      (generate, ["--run_dir=image", "--between=no.png", "--between=no.png"],
       "--between=no.png: not a picture"),
      (reproduce, [], "--table or --figure: one of them"),
      (reproduce, ["--table=2", "--figure=1"], "--table or --figure: one of them"),
      (reproduce, ["--table=4"], "--table=4"),
      (reproduce, ["--table=1", "--parallel=0"], "--parallel=0: must be at least 1"))
  def test_mistake_is_named(self, program, flags, message):
    with self.assertRaisesRegex(errors.UserError, message):
      self.run_here(program, *flags)


if __name__ == "__main__":
  absltest.main()
