"""The count of test cases that continuous integration prints."""

import json
import pathlib
from typing import Any

from absl.testing import absltest

from bazel import count_tests

_CASES = """
    <testcase name="a" classname="T" status="run"/>
    <testcase name="b" classname="T" status="run"/>
    <testcase name="c" classname="T" status="notrun"/>
    <testcase name="test_session" classname="T" status="notrun"/>
    <testcase name="d" classname="T" status="run"><failure/></testcase>
"""


class CountTestsTest(absltest.TestCase):

  def xml(self, cases: str, errors: int = 0) -> pathlib.Path:
    text = f'<testsuites><testsuite errors="{errors}">{cases}</testsuite></testsuites>'
    return pathlib.Path(self.create_tempfile(content=text).full_path)

  def events(self, *events: dict[str, Any]) -> pathlib.Path:
    text = "\n".join(json.dumps(event) for event in events)
    return pathlib.Path(self.create_tempfile(content=text).full_path)

  def test_every_kind_of_case_is_counted(self):
    self.assertEqual(count_tests.count(self.xml(_CASES)), (2, 1, 1))

  def test_error_outside_of_any_case_fails(self):
    passing = '<testcase name="a" classname="T"/>'
    self.assertEqual(count_tests.count(self.xml(passing, errors=1)), (1, 1, 0))

  def test_target_without_cases_fails(self):
    by_bazel = '<testcase name="tests/a_test" status="run"/>'
    for path in (self.xml(""), self.xml(by_bazel), self.xml("<"), pathlib.Path("missing")):
      self.assertEqual(count_tests.count(path), (0, 1, 0))

  def test_last_attempt_and_targets_that_did_not_build(self):
    def result(name: str) -> dict[str, Any]:
      return {"id": {"testResult": {"label": "//a:t", "shard": 1}},
              "testResult": {"testActionOutput": [
                  {"name": "test.log", "uri": "file:///log"},
                  {"name": "test.xml", "uri": f"file:///with%20space/{name}"}]}}

    path = self.events(
        {"id": {"started": {}}},
        {"id": {"targetCompleted": {"label": "//a:t"}}, "completed": {"success": True}},
        {"id": {"targetCompleted": {"label": "//a:tagged"}}, "completed": {"success": True}},
        {"id": {"targetCompleted": {"label": "//a:broken"}}, "completed": {}},
        {"id": {"targetConfigured": {"label": "//a:bad"}},
         "aborted": {"reason": "ANALYSIS_FAILURE"}},
        {"id": {"targetConfigured": {"label": "//a:other_system"}},
         "aborted": {"reason": "SKIPPED"}},
        result("1.xml"), result("2.xml"))
    self.assertEqual(count_tests.read_events(path), {
        ("//a:t", 1): pathlib.Path("/with space/2.xml"),
        ("//a:broken", 1): None,
        ("//a:bad", 1): None})

  def test_status_and_last_line(self):
    path = self.xml('<testcase name="a" classname="T"/>')
    event = {"id": {"testResult": {"label": "//a:t"}},
             "testResult": {"testActionOutput": [{"name": "test.xml", "uri": path.as_uri()}]}}
    self.assertEqual(count_tests.main(str(self.events(event))), 0)
    self.assertEqual(count_tests.main(str(self.events({"id": {"started": {}}}))), 1)


if __name__ == "__main__":
  absltest.main()
