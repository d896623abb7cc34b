"""Counts the test cases in Bazel's test.xml files; the last line is the sum."""

import pathlib
import sys
import xml.etree.ElementTree

# TensorFlow's TestCase brings this one along and always skips it.
_NOT_A_TEST = "test_session"


def count(path: pathlib.Path) -> tuple[int, int, int]:
  """Passed, failed and skipped cases of one target; a target that broke off counts as failed."""
  try:
    root = xml.etree.ElementTree.parse(path).getroot()
  except (OSError, xml.etree.ElementTree.ParseError):
    return 0, 1, 0
  passed = failed = skipped = 0
  for case in root.iter("testcase"):
    if case.get("name") == _NOT_A_TEST:
      continue
    if case.find("failure") is not None or case.find("error") is not None:
      failed += 1
    elif case.find("skipped") is not None or case.get("status") == "notrun":
      skipped += 1
    else:
      passed += 1
  # An error outside of any case, in the set-up of a class for instance.
  reported = sum(int(suite.get("errors", 0)) + int(suite.get("failures", 0))
                 for suite in root.iter("testsuite"))
  return passed, max(failed, 1 if reported else 0), skipped


def main(folder: str) -> int:
  """Prints the sum over all targets below the folder; 1 if a case failed or none passed."""
  totals = [0, 0, 0]
  for path in sorted(pathlib.Path(folder).glob("**/test.xml")):
    counts = count(path)
    totals = [total + number for total, number in zip(totals, counts, strict=True)]
    if counts[1]:
      sys.stdout.write(f"{path.parent}: {counts[1]} failed\n")
  sys.stdout.write("{} passed, {} failed, {} skipped\n".format(*totals))
  return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
  sys.exit(main(sys.argv[1]))
