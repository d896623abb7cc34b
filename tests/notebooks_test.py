"""The notebooks run from the first cell to the last, and draw what they promise."""

import json
import os
import pathlib
import sys
from unittest import mock

import nbclient
import nbformat
from absl.testing import absltest
from absl.testing import parameterized

from tests import binaries

NOTEBOOKS = binaries.REPOSITORY / "notebooks"


class NotebooksTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    # The running interpreter as a kernel, and no file of Jupyter's outside of the test.
    kernel = self.folder / "kernels" / "here"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps({
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "here", "language": "python"}))
    self.enter_context(mock.patch.dict(os.environ, {
        "PYTHONPATH": str(binaries.REPOSITORY), "HOME": str(self.folder),
        "JUPYTER_PATH": str(self.folder), "JUPYTER_DATA_DIR": str(self.folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": str(self.folder / "ipython")}))

  @parameterized.parameters(("quick_start", 1), ("latent_space", 2))
  def test_notebook_runs(self, name, pictures):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, kernel_name="here", timeout=600,
        resources={"metadata": {"path": str(self.folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code"
               for output in cell.outputs]
    drawn = [output for output in outputs if "image/png" in output.get("data", {})]
    self.assertLen(drawn, pictures)
    said = "".join(output.get("text", "") for output in outputs)
    self.assertNotIn("Warning", said)
    if name == "quick_start":
      self.assertEqual(outputs[-1].data["text/plain"], "True")
    else:
      self.assertIn("du_vae: 2 of 2 units active", said)

  def test_notebooks_are_kept_without_outputs(self):
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    self.assertEqual([path.stem for path in paths], ["latent_space", "quick_start"])
    for path in paths:
      for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
          self.assertEqual((cell.outputs, cell.execution_count), ([], None), path)


if __name__ == "__main__":
  absltest.main()
