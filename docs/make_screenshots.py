"""Takes the pictures of TensorBoard in docs/images: `bazel run //docs:make_screenshots`."""

import contextlib
import dataclasses
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

import PIL.Image
from selenium import webdriver
from selenium.common import exceptions
from selenium.webdriver.support import wait

from du_vae_tf import command_line
from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import finished_runs

USAGE = """
Takes pictures of the dashboard: curves and settings of some runs, and the projector of one run.
Needs chromium and chromedriver (on Debian: apt-get install chromium chromium-driver).

  bazel run //docs:make_screenshots -- --run_dir=FOLDER ... --projector_run_dir=FOLDER
"""

_GROUP = "Pictures"

SPECS = [
    command_line.Flag(
        name="run_dir", type=list, default=None, group=_GROUP,
        text="Folder of a run whose curves and settings are shown; once for each run."),
    command_line.Flag(
        name="projector_run_dir", type=str, default=None, group=_GROUP,
        text="Folder of the run whose representations are shown; must be given."),
    command_line.Flag(
        name="output_dir", type=str, default="docs/images", group=_GROUP,
        text="Where the pictures go.")]

_PROGRAMS = ("chromium", "chromedriver")
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    # Draws the projector's points without a graphics card.
    "--enable-unsafe-swiftshader")
_WAIT_SECONDS = 120
# Lines and points move to their places.
_SETTLE_SECONDS = 4.0
_COLOURS = 128

# The page is made of elements that hide theirs: looks into them.
FIND = """
const find = (root, selector) => [
    ...root.querySelectorAll(selector),
    ...[...root.querySelectorAll('*')].flatMap(
        element => element.shadowRoot ? find(element.shadowRoot, selector) : [])];
"""


@dataclasses.dataclass(frozen=True)
class View:
  """A page of the dashboard.

  Attributes:
    page: what follows the address.
    size: width and height of the window, pixels.
    frames: frames in frames that hold it.
    ready: script that says whether all of it is there.
    arrange: script that leaves out what the picture is not about.
  """

  page: str
  size: tuple[int, int]
  ready: str
  arrange: str = ""
  frames: int = 0


VIEWS = {
    "curves": View(
        page="?tagFilter=epoch%2F(kl%7Cmi%7Cau%7Celbo_nll)%24&smoothing=0#timeseries",
        size=(1300, 1180),
        ready="return find(document, 'scalar-card line-chart svg path').length > 3",
        arrange="""find(document, 'button[aria-label="Close side pane"]')[0].click()"""),
    "hparams": View(
        page="#hparams", size=(1800, 480),
        ready="""return find(document, 'vaadin-grid-cell-content').some(
            cell => cell.textContent.trim() == 'Test/IW-NLL')""",
        arrange="""
          const pane = find(document, 'tf-hparams-query-pane')[0];
          const alike = pane._hparams.filter(one => !one.info.differs).map(one => one.info.name);
          find(document, 'paper-checkbox.hparam-checkbox').filter(
              box => box.checked && alike.includes(box.textContent.trim())).forEach(
                  box => box.click());
        """),
    "projector": View(
        page="#projector", size=(1300, 860), frames=2,
        ready="""const panel = find(document, 'vz-projector-data-panel')[0];
            return Boolean(panel && (panel.colorOptions || []).length)""",
        arrange="""
          find(document, 'vz-projector-data-panel')[0].selectedColorOptionName = 'label'""")}


@contextlib.contextmanager
def browser() -> Iterator[webdriver.Chrome]:
  """A Chromium without a window and without a past.

  Raises:
    errors.UserError: it is not installed.
  """
  found = {program: shutil.which(program) or "" for program in _PROGRAMS}
  if not all(found.values()):
    raise errors.UserError(
        f"{' and '.join(_PROGRAMS)}: not both are installed (on Debian: apt-get install chromium"
        " chromium-driver).")
  with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    for option in (*_OPTIONS, f"--user-data-dir={profile}"):
      options.add_argument(option)
    driver = webdriver.Chrome(options, webdriver.ChromeService(found["chromedriver"]))
    try:
      yield driver
    finally:
      driver.quit()


@contextlib.contextmanager
def dashboard(paths: Sequence[str]) -> Iterator[str]:
  """The address of a dashboard of runs."""
  command = [sys.executable, "-m", "du_vae_tf.dashboard",
             *command_line.arguments({"run_dir": list(paths)})]
  with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
    try:
      line = process.stdout.readline() if process.stdout else ""
      if not line:
        raise errors.UserError("--run_dir: the dashboard did not start; the line above says why.")
      yield line.split()[1]
    finally:
      process.terminate()


def take(driver: webdriver.Chrome, address: str, view: View) -> bytes:
  """A picture of a view, PNG in few colours.

  Args:
    driver: from `browser`.
    address: of the dashboard.
    view: what is shown.

  Raises:
    errors.UserError: the page does not show it.
  """
  driver.set_window_size(*view.size)
  for _ in range(2):  # A part of the dashboard is offered once it was asked for.
    driver.get("about:blank")  # Another fragment alone loads nothing.
    driver.get(f"{address}{view.page}")
    try:
      wait.WebDriverWait(driver, _WAIT_SECONDS).until(lambda page: _whole(page, view))
    except exceptions.TimeoutException:
      raise errors.UserError(f"{address}{view.page}: shows nothing.") from None
  driver.execute_script(FIND + view.arrange)
  time.sleep(_SETTLE_SECONDS)
  driver.switch_to.default_content()
  with PIL.Image.open(io.BytesIO(driver.get_screenshot_as_png())) as picture:
    content = io.BytesIO()
    picture.convert("RGB").quantize(_COLOURS).save(content, "png", optimize=True)
  return content.getvalue()


def _whole(page: webdriver.Chrome, view: View) -> bool:
  """Whether all of a view is there; goes into its frames."""
  page.switch_to.default_content()
  for _ in range(view.frames):
    frames = page.find_elements("css selector", "iframe")
    if not frames:
      return False
    page.switch_to.frame(frames[0])
  return bool(page.execute_script(FIND + view.ready))


def main(explicit: dict[str, Any]) -> None:
  """Takes the pictures that the flags ask for."""
  paths = finished_runs.folders(explicit)
  values = command_line.values_of(SPECS, explicit)
  if values["projector_run_dir"] is None:
    raise errors.UserError("--projector_run_dir: must be given; the folder of a run.")
  folder = pathlib.Path(values["output_dir"])
  with browser() as driver:
    for shown, names in ((paths, ("curves", "hparams")),
                         ([values["projector_run_dir"]], ("projector",))):
      with dashboard(shown) as address:
        for name in names:
          path = folder / f"tensorboard_{name}.png"
          files.write_bytes_atomically(path, take(driver, address, VIEWS[name]))
          console.say(f"Picture: {path}")


def run() -> None:
  """Starts the program."""
  command_line.run(main, SPECS, USAGE)


if __name__ == "__main__":
  run()
