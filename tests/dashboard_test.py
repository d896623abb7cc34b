"""The dashboard: mistakes, several folders side by side, and the real command over HTTP."""

import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from typing import Any

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import command_line
from du_vae_tf import dashboard
from du_vae_tf import errors
from tests import binaries
from tests.testing import event_runs

WAIT_SECONDS = 120


class FoldersTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    self.enterContext(contextlib.chdir(self.folder))
    pathlib.Path("empty").mkdir()
    for run in ("runs/a", "runs/b", "sweep/a"):
      tensorboard = self.folder / run / "tensorboard"
      tensorboard.mkdir(parents=True)
      (tensorboard / "events.out.tfevents.1").write_bytes(b"")

  @parameterized.parameters(
      ([], "--run_dir: must be given"),
      (["--run_dir=nowhere"], "--run_dir=nowhere: no such folder"),
      (["--run_dir=empty"], r"--run_dir=empty: nothing to show \(no event files\)"),
      (["--run_dir=runs", "--run_dir=empty"], "--run_dir=empty: nothing to show"),
      (["--run_dir=runs", "--run_dir=runs"], "--run_dir=runs: is given twice"),
      (["--run_dir=runs", "--port=0"], "--port=0: must be from 1 to 65535"),
      (["--run_dir=runs", "--port=65536"], "--port=65536: must be from 1 to 65535"),
      (["--run_dir=runs", "--host=192.0.2.1"],  # An address that is nobody's.
       r"--host=192\.0\.2\.1: nothing can be served there, port \d+ \(Cannot assign"),
      (["--run_dir=runs", "--host=no such name"], "--host=no such name: nothing can be served"),
      (["--run_dir=runs", "--port=http"], "--port=http.*a whole number"),
      (["--run_dir=runs", "--hots=x"], "hots.*Did you mean.*host"))
  def test_mistake_is_named_before_anything_is_loaded(self, flags, message):
    with self.assertRaisesRegex(errors.UserError, message):
      dashboard.main(command_line.explicit_values(dashboard.SPECS, flags))

  def test_a_port_in_use_is_refused_or_passed_over(self):
    port = dashboard.free_port("127.0.0.1", None)
    self.assertGreaterEqual(port, 6006)
    with socket.create_server(("127.0.0.1", port)):
      with self.assertRaisesRegex(errors.UserError, f"--port={port}: in use by another program"):
        dashboard.main({"run_dir": ["runs"], "port": port})
      self.assertGreater(dashboard.free_port("127.0.0.1", None), port)

  def links(self, *paths: str) -> dict[str, pathlib.Path]:
    empty = self.folder / "empty"
    self.assertEqual(dashboard.shown_folder(paths, empty), str(empty))
    return {str(path.relative_to(empty)): path.resolve()
            for path in empty.rglob("*") if path.is_symlink()}

  def test_runs_have_the_names_of_their_folders(self):
    self.assertEqual(self.links("runs/a", "runs/b/"), {
        name: self.folder / "runs" / name / "tensorboard" for name in ("a", "b")})

  def test_one_run_has_the_name_of_its_folder(self):
    self.assertEqual(self.links("runs/a"), {"a": self.folder / "runs" / "a" / "tensorboard"})

  def test_runs_of_one_name_are_told_apart_by_the_folders_above(self):
    self.assertEqual(self.links("runs/a", "sweep/a"), {
        name: self.folder / name / "tensorboard" for name in ("runs/a", "sweep/a")})

  def test_a_folder_of_runs_is_shown_itself(self):
    for paths in (["runs"], ["runs/", "runs/a"]):
      self.assertEqual(dashboard.shown_folder(paths, self.folder / "empty"),
                       str(self.folder / "runs"))

  def test_a_folder_in_another_one_is_shown_once_and_nothing_is_written_there(self):
    self.assertEqual(self.links("runs/a", "runs", "sweep"), {
        name: self.folder / name for name in ("runs", "sweep")})
    self.assertCountEqual([path.name for path in pathlib.Path("runs").iterdir()], ["a", "b"])


class CommandTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    for name, images, settings in (
        ("first", False, {"gamma": 0.25}), ("second", True, {"gamma": 0.75})):
      event_runs.write(str(cls.folder / name), images, **settings)

  def start(self, *flags: str) -> subprocess.Popen:
    process = binaries.start("dashboard", *flags, cwd=str(self.folder))
    self.addCleanup(process.kill)
    return process

  def get(self, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        f"{self.address}data/{path}", data=body and json.dumps(body).encode(),
        headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
      content = answer.read()
    return json.loads(content) if "json" in answer.headers["Content-Type"] else content

  def wait_for(self, path: str, wanted: set[str]) -> None:
    """Until the names in an answer are those: files are read in the background."""
    deadline = time.monotonic() + WAIT_SECONDS
    names: set[str] = set()
    while not wanted <= names:
      self.assertLess(time.monotonic(), deadline, f"{path}: {names}")
      answer = self.get(path)
      names = ({name for name, plugin in answer.items() if plugin["enabled"]}
               if isinstance(answer, dict) else set(answer))
      time.sleep(0.1)

  def test_runs_are_served_until_ctrl_c(self):
    process = self.start("--run_dir=first", "--run_dir=second")
    line = process.stdout.readline()
    self.assertRegex(line, r"^TensorBoard: http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)$")
    self.address = line.split()[1]
    self.wait_for("runs", {"first", "second"})
    self.wait_for("plugins_listing", {"scalars", "hparams", "projector", "text", "histograms"})
    self.assertCountEqual(self.get("plugin/projector/runs"),
                          ["first", "second"])
    table = self.get("plugin/hparams/session_groups", {
        "allowedStatuses": ["STATUS_SUCCESS"], "startIndex": 0, "sliceSize": 10})
    rows = {group["name"]: group for group in table["sessionGroups"]}
    self.assertEqual({name: row["hparams"]["gamma"] for name, row in rows.items()},
                     {"first": 0.25, "second": 0.75})
    for row in rows.values():
      metrics = {metric["name"]["tag"]: metric["value"] for metric in row["metricValues"]}
      self.assertEqual((metrics["Test/IW-NLL"], metrics["Test/AU"]), (33.25, 3))
    info = self.get("plugin/projector/info?run=second")
    embedding, = info["embeddings"]
    self.assertEqual(embedding["tensorShape"], [event_runs.EXAMPLES, event_runs.DIMENSIONS])
    query = f"run=second&name={embedding['tensorName'].replace(' ', '%20')}"
    tensor = self.get(f"plugin/projector/tensor?{query}")
    self.assertLen(tensor, 4 * event_runs.EXAMPLES * event_runs.DIMENSIONS)
    self.assertLen(self.get(f"plugin/projector/metadata?{query}").splitlines(),
                   1 + event_runs.EXAMPLES)
    self.assertEqual(self.get(f"plugin/projector/sprite_image?{query}")[1:4], b"PNG")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_SECONDS)
    self.assertEqual((process.returncode, out, err), (0, "", ""))

  def test_help_and_mistakes_are_answered_in_few_lines(self):
    done = binaries.run("dashboard", "--help", cwd=str(self.folder))
    self.assertEqual((done.returncode, done.stderr), (0, ""))
    for text in ("--run_dir", "--port", "6006", "--host", "127.0.0.1"):
      self.assertIn(text, done.stdout)
    done = binaries.run("dashboard", "--run_dir=nowhere", cwd=str(self.folder))
    self.assertEqual(done.returncode, 2)
    self.assertEqual(done.stderr.strip(), "--run_dir=nowhere: no such folder.")


if __name__ == "__main__":
  absltest.main()
