"""The functions that the fuzzer runs: they take their seeds, and refuse what is damaged."""

import pathlib

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from benchmarks import fuzz_readers
from benchmarks import fuzz_targets

TARGETS = fuzz_targets.TARGETS
_DAMAGES = 60


class FuzzTargetsTest(parameterized.TestCase):

  def folder(self) -> pathlib.Path:
    return pathlib.Path(self.create_tempdir().full_path)

  def test_each_can_be_chosen(self):
    flag, = [flag for flag in fuzz_readers.FLAGS if flag.name == "target"]
    self.assertEqual(list(flag.choices), list(TARGETS))

  @parameterized.parameters(*TARGETS)
  def test_some_seed_is_taken(self, name):
    target, folder = TARGETS[name], self.folder()
    self.assertTrue(any([target.run(seed, folder) for seed in target.seeds]))

  @parameterized.parameters(*TARGETS)
  def test_what_is_damaged_is_taken_or_refused(self, name):
    target, folder = TARGETS[name], self.folder()
    generator = np.random.default_rng(3)
    taken = []
    for number in range(_DAMAGES):
      content = bytearray(target.seeds[number % len(target.seeds)])
      place = int(generator.integers(len(content)))
      content[place] = generator.integers(256)
      if number % 3 == 0:
        del content[place:]
      taken.append(target.run(bytes(content), folder))
    self.assertIn(False, taken)

  def test_whatever_else_is_raised_goes_on(self):
    def read(content: bytes, folder: pathlib.Path) -> None:
      raise KeyError(content)

    with self.assertRaises(KeyError):
      fuzz_targets.Target("bad", read, []).run(b"x", self.folder())


if __name__ == "__main__":
  absltest.main()
