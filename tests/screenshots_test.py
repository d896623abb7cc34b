"""The dashboard in a real browser, through the script that takes its pictures."""

import io
import pathlib
import shutil
import tempfile
import unittest

import numpy as np
import PIL.Image
from absl.testing import absltest

from docs import make_screenshots
from tests.testing import event_runs

GAMMAS = {"first": 0.25, "second": 0.75}


@unittest.skipUnless(shutil.which("chromium") and shutil.which("chromedriver"),
                     "needs chromium and chromedriver")
class ScreenshotsTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    for name, gamma in GAMMAS.items():
      event_runs.write(str(folder / name), images=name == "first", gamma=gamma)
    cls.paths = [str(folder / name) for name in GAMMAS]
    cls.page = cls.enterClassContext(make_screenshots.browser())
    cls.of_both = cls.enterClassContext(make_screenshots.dashboard(cls.paths))

  def take(self, name: str, address: str) -> None:
    view = make_screenshots.VIEWS[name]
    content = make_screenshots.take(self.page, address, view)
    self.assertLess(len(content), 300_000)
    with PIL.Image.open(io.BytesIO(content)) as picture:
      self.assertEqual(picture.width, view.size[0])
      self.assertGreater(len(np.unique(np.asarray(picture))), 20)

  def texts(self, selector: str) -> list[str]:
    """What stands in the elements of the page."""
    return self.page.execute_script(
        make_screenshots.FIND
        + "return find(document, arguments[0]).map(one => one.textContent.trim())", selector)

  def test_curves_of_both_runs(self):
    self.take("curves", self.of_both)
    self.assertCountEqual(
        self.texts("card-view .tag"), [f"epoch/{name}" for name in ("au", "elbo_nll", "kl", "mi")])

  def test_settings_that_differ_stand_beside_the_figures(self):
    self.take("hparams", self.of_both)
    cells = [text for text in self.texts("vaadin-grid-cell-content") if text]
    head = ["Trial ID", "Show Metrics", "gamma", "Test/AU", "Test/CE", "Test/IW-NLL", "Test/KL",
            "Test/MI"]
    self.assertEqual(cells, [
        *head, "first", "0.25000", "3.0000", "1.5000", "33.250", "3.0000", "2.5000",
        "second", "0.75000", "3.0000", "1.5000", "33.250", "3.0000", "2.5000"])

  def test_representations_of_the_run_that_is_asked_for(self):
    # As the script does: of several runs TensorBoard shows the one that it finds first.
    address = self.enterContext(make_screenshots.dashboard(self.paths[:1]))
    self.take("projector", address)
    for _ in range(make_screenshots.VIEWS["projector"].frames):
      self.page.switch_to.frame(0)
    found = self.page.execute_script(make_screenshots.FIND + """
        const panel = find(document, 'vz-projector-data-panel')[0];
        return [panel.runNames, panel.colorOptions.map(one => one.name)]""")
    self.assertEqual(found, [["first"], ["No color map", "Metadata", "label"]])
    self.assertEqual(self.texts(".numDataPoints"), [str(event_runs.EXAMPLES)])


if __name__ == "__main__":
  absltest.main()
