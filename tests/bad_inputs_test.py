"""Hostile and mistaken inputs: each is refused in one clear line, and nothing there is lost."""

import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.server import refusals
from tests.bad_inputs import cases
from tests.bad_inputs import export_cases
from tests.bad_inputs import flag_cases
from tests.bad_inputs import image_cases
from tests.bad_inputs import request_cases
from tests.bad_inputs import run_cases
from tests.bad_inputs import text_cases

CASES = [case for module in (
    flag_cases, text_cases, image_cases, run_cases, export_cases, request_cases)
         for case in module.CASES]
# Longer, and a terminal does not show it as a line.
_LONGEST = 1000
_LARGE = 2**20


def tearDownModule():
  request_cases.SERVER.close()


def content(folder: pathlib.Path) -> dict[str, bytes | int]:
  """Files and what is in them; of large ones their size."""
  return {str(path.relative_to(folder)):
          path.read_bytes() if path.stat().st_size < _LARGE else path.stat().st_size
          for path in folder.rglob("*") if path.is_file()}


class BadInputsTest(parameterized.TestCase):

  def test_table(self):
    names = [case.name for case in CASES]
    self.assertGreaterEqual(len(names), 250)
    self.assertLen(set(names), len(names))

  @parameterized.named_parameters((case.name, case) for case in CASES)
  def test_refused(self, case: cases.Case):
    folder = pathlib.Path(self.create_tempdir().full_path)
    case.prepare(folder)
    before = content(folder)
    with self.assertRaises((errors.UserError, refusals.Refusal)) as caught:
      case.act(folder)
    message = str(caught.exception)
    self.assertRegex(message, case.message)
    self.assertNotIn("\n", message)
    self.assertLess(len(message.replace(str(folder), "")), _LONGEST)
    self.assertNotIn("Traceback", message)
    after = content(folder)
    self.assertEqual({name: after.get(name) for name in before}, before)


if __name__ == "__main__":
  absltest.main()
