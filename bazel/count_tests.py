"""Counts the test cases of one `bazel test`, from its event file and the test.xml files it names.

The event file (`--build_event_json_file`) tells which targets belong to this run: bazel-testlogs
also keeps what earlier runs left, and lacks a target that could not be built.
"""

import json
import pathlib
import sys
import urllib.parse
import xml.etree.ElementTree

# TensorFlow's TestCase brings this one along and always skips it.
_NOT_A_TEST = "test_session"


def read_events(path: pathlib.Path) -> dict[tuple[str, int], pathlib.Path | None]:
  """The last test.xml of every target and shard; None where there is none for want of a result."""
  results: dict[tuple[str, int], pathlib.Path | None] = {}
  for line in path.read_text(encoding="utf-8").splitlines():
    event = json.loads(line)
    for kind, key in event["id"].items():
      if kind == "testResult" and kind in event:
        uris = {output["name"]: output["uri"] for output in event[kind].get("testActionOutput", [])}
        file = urllib.parse.unquote(urllib.parse.urlparse(uris.get("test.xml", "")).path)
        results[key["label"], key.get("shard", 1)] = pathlib.Path(file)
      elif kind in ("targetConfigured", "targetCompleted") and (
          event.get("aborted", {}).get("reason", "SKIPPED") != "SKIPPED"
          or kind == "targetCompleted" and not event.get("completed", {}).get("success")):
        results.setdefault((key["label"], 1), None)
  return results


def count(path: pathlib.Path) -> tuple[int, int, int]:
  """Passed, failed and skipped cases of one target; one without any counts as failed."""
  try:
    root = xml.etree.ElementTree.parse(path).getroot()
  except (OSError, xml.etree.ElementTree.ParseError):
    return 0, 1, 0
  passed = failed = skipped = 0
  for case in root.iter("testcase"):
    if case.get("name") == _NOT_A_TEST:
      continue
    # Bazel writes a case without a class for a target that wrote none.
    if (case.find("failure") is not None or case.find("error") is not None
        or case.get("classname") is None):
      failed += 1
    elif case.find("skipped") is not None or case.get("status") == "notrun":
      skipped += 1
    else:
      passed += 1
  # An error outside of any case, in the set-up of a class for instance.
  reported = sum(int(suite.get("errors", 0)) + int(suite.get("failures", 0))
                 for suite in root.iter("testsuite"))
  empty = not passed + failed + skipped
  return passed, max(failed, 1 if reported or empty else 0), skipped


def main(events: str) -> int:
  """Prints failing targets and the sum over all; 1 if a case failed or none passed."""
  totals = [0, 0, 0]
  for (label, _), path in sorted(read_events(pathlib.Path(events)).items()):
    counts = count(path) if path else (0, 1, 0)
    totals = [total + number for total, number in zip(totals, counts, strict=True)]
    if counts[1]:
      sys.stdout.write(f"{label}: {counts[1]} failed\n")
  sys.stdout.write("{} passed, {} failed, {} skipped\n".format(*totals))
  return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
  sys.exit(main(sys.argv[1]))
