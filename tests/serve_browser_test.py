"""The page of `serve` in a browser: what a user does, and what the page then shows."""

import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable

import numpy as np
import PIL.Image
from absl.testing import absltest
from selenium import webdriver
from selenium.webdriver.common import action_chains
from selenium.webdriver.common import by
from selenium.webdriver.common import keys
from selenium.webdriver.remote import webelement
from selenium.webdriver.support import wait

from tests.server import commands
from tests.server import tiny_runs

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
         "disable-background-networking", "disable-component-update", "disable-sync",
         "window-size=1200,1000")
WAIT_SECONDS = 60
FIRST, SECOND = tiny_runs.SENTENCES


class PageTest(absltest.TestCase):
  """A server of a tiny run, and its page in a browser.

  Subclasses name the run as `train`, which is a function of a folder.
  """

  train: Callable[[str], pathlib.Path]

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    if CHROMIUM is None or DRIVER is None:
      raise absltest.SkipTest("needs chromium and chromedriver")
    folder = cls.enterClassContext(tempfile.TemporaryDirectory())
    run_dir = cls.train(folder)
    cls.served = cls.enterClassContext(
        commands.serving(f"--run_dir={run_dir.name}", cwd=folder))
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
      options.add_argument(f"--{flag}")
    profile = cls.enterClassContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # What it keeps in the user's home as well; there may be none.
    cls.driver = webdriver.Chrome(
        options, webdriver.ChromeService(DRIVER, env=os.environ | {"HOME": profile}))
    cls.addClassCleanup(cls.driver.quit)

  def setUp(self):
    super().setUp()
    self.driver.get_log("browser")  # That of the test before is taken away.
    self.driver.get(self.served.address)
    self.wait(lambda: [bool(one.text) for one in self.find(".likelihood")] == [True, True])

  def check_console(self, refusals: int = 0) -> None:
    """The console shows the refusals of the server, and no errors of the page."""
    errors = [entry["message"] for entry in self.driver.get_log("browser")
              if entry["level"] == "SEVERE"]
    self.assertLen(errors, refusals, errors)
    self.assertLen([message for message in errors if "status of 400" in message], refusals)

  def wait(self, condition: Callable[[], object]) -> None:
    wait.WebDriverWait(self.driver, WAIT_SECONDS).until(lambda _: condition())

  def find(self, selector: str) -> list[webelement.WebElement]:
    return self.driver.find_elements(by.By.CSS_SELECTOR, selector)

  def one(self, selector: str) -> webelement.WebElement:
    return self.driver.find_element(by.By.CSS_SELECTOR, selector)

  def side(self, number: int, selector: str) -> webelement.WebElement:
    """An element of A (0) or B (1)."""
    return self.find(".side")[number].find_element(by.By.CSS_SELECTOR, selector)

  def text(self, number: int, selector: str) -> str:
    return self.side(number, selector).text

  def place(self, mark: str) -> str | None:
    """Where a mark of the map is; None if it is not shown."""
    element = self.one(f"#map-{mark}")
    shown = element.get_attribute("visibility") == "visible"
    return element.get_attribute("transform") if shown else None

  def slide(self, *pressed: str) -> None:
    self.one("#weight").send_keys(*pressed)


class TextPageTest(PageTest):

  train = staticmethod(tiny_runs.text)

  def write(self, number: int, sentence: str) -> None:
    field = self.side(number, "textarea")
    field.send_keys(keys.Keys.CONTROL, "a")
    field.send_keys(sentence)

  def test_examples_are_there_at_once(self):
    for number, sentence in enumerate((FIRST, SECOND)):
      self.assertEqual(self.side(number, "textarea").get_attribute("value"), sentence)
      self.assertEqual(self.text(number, ".reconstruction"), sentence)
      self.assertRegex(self.text(number, ".likelihood"), r"\A-\d+\.\d\d nats\Z")
    self.assertLen(self.find("#map-points circle"), 16)
    self.assertLen({circle.get_attribute("class") for circle in self.find("#map-points circle")}, 2)
    self.assertEqual([entry.text for entry in self.find("#map-legend li")],
                     ["label 0", "label 1"])
    self.check_console()

  def test_slider_leads_from_one_sentence_to_the_other(self):
    self.slide(keys.Keys.HOME)
    self.wait(lambda: self.one("#interpolation").text == FIRST)
    self.assertEqual(self.one("#weight-shown").text, "0.00")
    self.assertEqual(self.place("between"), self.place("a"))
    self.slide(keys.Keys.ARROW_RIGHT)
    self.assertEqual(self.one("#weight-shown").text, "0.05")
    self.assertNotIn(self.place("between"), (self.place("a"), self.place("b")))
    self.slide(keys.Keys.END)
    self.wait(lambda: self.one("#interpolation").text == SECOND)
    self.assertEqual(self.place("between"), self.place("b"))
    self.check_console()

  def test_what_is_typed_is_reconstructed_and_moves_its_mark(self):
    before = self.place("a"), self.place("b")
    self.write(0, SECOND)
    self.wait(lambda: self.text(0, ".reconstruction") == SECOND)
    self.assertEqual(self.place("a"), before[1])
    self.assertNotEqual(self.place("a"), before[0])
    self.assertEqual(self.place("b"), before[1])
    self.check_console()

  def test_examples_and_samples_can_be_taken(self):
    self.side(1, "select").send_keys(FIRST)
    self.wait(lambda: self.text(1, ".reconstruction") == FIRST)
    self.assertEqual(self.place("a"), self.place("b"))
    self.one("#draw").click()
    self.wait(lambda: self.one("#use-a").is_enabled())
    shown = self.one("#sample").text
    self.assertNotEqual(shown, "")
    sample = "" if shown == "(no words)" else shown  # One of eleven is.
    self.one("#use-a").click()
    self.wait(lambda: self.side(0, "textarea").get_attribute("value") == sample)
    self.check_console()

  def test_overlong_sentence_is_an_error_until_it_is_mended(self):
    self.write(1, 9 * "red ")
    self.wait(lambda: self.side(1, ".problem").is_displayed())
    self.assertRegex(self.text(1, ".problem"), "received 9 words in row 0; allowed are at most 7")
    self.assertEqual(self.side(1, "textarea").get_attribute("aria-invalid"), "true")
    self.assertEqual(self.text(1, ".reconstruction"), "")
    self.assertIsNone(self.place("b"))
    self.assertIsNone(self.place("between"))
    self.assertFalse(self.side(0, ".problem").is_displayed())
    self.write(1, FIRST)
    self.wait(lambda: self.text(1, ".reconstruction") == FIRST)
    self.assertFalse(self.side(1, ".problem").is_displayed())
    self.wait(lambda: self.one("#interpolation").text == FIRST)
    self.check_console(refusals=1)

  def test_words_are_never_markup(self):
    self.assertIn("<b>", SECOND)
    self.assertEqual(self.text(1, ".reconstruction"), SECOND)
    self.slide(keys.Keys.END)
    self.wait(lambda: self.one("#interpolation").text == SECOND)
    self.assertIn(SECOND, self.side(0, "select").text)
    self.assertEmpty(self.find("main b"))
    self.check_console()

  def test_everything_is_reached_by_the_keyboard(self):
    reached = []
    for _ in range(10):
      action_chains.ActionChains(self.driver).send_keys(keys.Keys.TAB).perform()
      reached.append(self.driver.switch_to.active_element.get_attribute("id"))
    self.assertContainsSubset(
        ["input-a", "example-a", "input-b", "example-b", "weight", "draw"], reached)
    for element in self.find("textarea, select, input, button"):
      self.assertNotEmpty(element.accessible_name, element.get_attribute("id"))

  def test_narrow_window_is_not_scrolled_sideways(self):
    self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 320, "height": 800, "deviceScaleFactor": 1, "mobile": True})
    self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
    self.assertEqual(self.driver.execute_script("return document.body.scrollWidth"), 320)

  def test_server_that_is_gone_is_told(self):
    self.driver.execute_cdp_cmd("Network.enable", {})
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    for offline, message in ((True, "The server does not answer; is it still running?"),
                             (False, "")):
      self.driver.execute_cdp_cmd("Network.emulateNetworkConditions",
                                  network | {"offline": offline})
      self.write(0, SECOND)
      self.wait(lambda: self.text(0, ".problem") == message)


class ImagePageTest(PageTest):

  train = staticmethod(tiny_runs.image)

  def pixels(self, canvas: webelement.WebElement) -> list[int]:
    """Ink (1) or none (0) of each pixel of a picture."""
    return self.driver.execute_script("""
        const {width, height} = arguments[0];
        const data = arguments[0].getContext("2d").getImageData(0, 0, width, height).data;
        return Array.from({length: width * height}, (_, pixel) => data[4 * pixel] < 128 ? 1 : 0);
        """, canvas)

  def clear(self, number: int) -> webelement.WebElement:
    """The empty grid of A or B."""
    self.side(number, "button").click()
    grid = self.side(number, ".grid canvas")
    self.assertEqual(sum(self.pixels(grid)), 0)
    return grid

  def test_pictures_and_map_are_there_at_once(self):
    count = tiny_runs.SIDE**2
    for number in (0, 1):
      self.assertGreater(sum(self.pixels(self.side(number, ".grid canvas"))), 0)
      self.assertLen(self.pixels(self.side(number, ".reconstruction canvas")), count)
    self.wait(lambda: self.find("#interpolation canvas"))
    self.assertLen(self.find("#map-points circle"), 20)
    self.one("#draw").click()
    self.wait(lambda: self.find("#sample canvas"))
    self.one("#use-b").click()
    self.assertEqual(self.pixels(self.side(1, ".grid canvas")),
                     self.pixels(self.one("#sample canvas")))
    self.check_console()

  def test_strokes_of_the_mouse_are_ink_and_again_none(self):
    before = self.text(0, ".likelihood")
    grid = self.clear(0)
    self.wait(lambda: self.text(0, ".likelihood") != before)
    empty = self.text(0, ".likelihood")
    cell = grid.size["width"] / tiny_runs.SIDE
    # From the middle of the grid, along its row to the right.
    for wanted in ([36, 37, 38], []):
      action_chains.ActionChains(self.driver).move_to_element_with_offset(
          grid, int(0.5 * cell), int(0.5 * cell)).click_and_hold().move_by_offset(
          int(2 * cell), 0).release().perform()
      self.assertEqual([pixel for pixel, ink in enumerate(self.pixels(grid)) if ink], wanted)
      self.wait(lambda: (self.text(0, ".likelihood") == empty) == (not wanted))
    self.check_console()

  def test_keyboard_draws(self):
    grid = self.clear(1)
    grid.send_keys(keys.Keys.ARROW_RIGHT, keys.Keys.ARROW_DOWN, " ", keys.Keys.ARROW_LEFT, " ")
    self.assertEqual([pixel for pixel, ink in enumerate(self.pixels(grid)) if ink], [8, 9])
    self.assertEqual(grid.get_attribute("aria-description"), "row 2, column 1: ink")

  def test_picture_files_are_made_to_fit_whatever_is_light_in_them(self):
    side = tiny_runs.SIDE
    for ink, paper in ((0, 255), (230, 40)):
      grid = self.clear(0)
      picture = np.full([4 * side, 4 * side], paper, np.uint8)
      picture[8:16, 8:16] = ink
      path = self.create_tempfile("picture.png").full_path
      PIL.Image.fromarray(picture).save(path)
      self.side(0, "input[type=file]").send_keys(path)
      self.wait(lambda: sum(self.pixels(grid)))
      self.assertEqual([pixel for pixel, value in enumerate(self.pixels(grid)) if value],
                       [side * row + column for row in (2, 3) for column in (2, 3)])
    self.check_console()

  def test_file_that_is_no_picture_is_told(self):
    path = self.create_tempfile("words.png", "no picture").full_path
    self.side(0, "input[type=file]").send_keys(path)
    self.wait(lambda: "words.png is no picture" in self.text(0, ".input .problem"))


if __name__ == "__main__":
  absltest.main()
