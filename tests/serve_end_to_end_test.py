"""The real command on exported runs: requests, refusals, its end, mistakes."""

import json
import pathlib
import shlex
import shutil
import signal
import socket
import tempfile

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from tests import binaries
from tests.server import commands
from tests.server import tiny_runs


class ServeTextTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
    run_dir = tiny_runs.text(cls.folder)
    # The export alone is served: the run is gone.
    cls.export = pathlib.Path(cls.folder) / "elsewhere"
    shutil.move(run_dir / "export", cls.export)
    shutil.rmtree(run_dir)
    cls.served = cls.enterClassContext(
        commands.serving("--model_dir=elsewhere", "--name=tiny", cwd=cls.folder))
    cls.map = json.loads(
        (cls.export / "1" / "assets.extra" / "latent_map.json").read_text(encoding="utf-8"))

  def predict(self, signature: str, **inputs) -> dict:
    status, content = self.served.client.predict(
        {"signature_name": signature, "inputs": inputs}, "tiny")
    self.assertEqual(status, 200, content)
    return content["outputs"]

  def test_example_that_is_printed_works(self):
    command = shlex.split(self.served.said.splitlines()[-1])
    self.assertEqual(command[:2], ["curl", "-d"])
    self.assertEqual(command[3], f"{self.served.address}v1/models/tiny:predict")
    status, content = self.served.client.predict(command[2].encode(), "tiny")
    self.assertEqual(status, 200)
    self.assertEqual([row["text"] for row in content["predictions"]], [tiny_runs.SENTENCES[0]])

  def test_sentences_are_reconstructed_whatever_is_beside_them(self):
    together = self.predict("reconstruct", text=tiny_runs.SENTENCES)["text"]
    self.assertEqual(together, list(tiny_runs.SENTENCES))
    for sentence in tiny_runs.SENTENCES:
      self.assertEqual(self.predict("reconstruct", text=[sentence])["text"], [sentence])

  def test_way_between_two_sentences_leads_from_one_to_the_other(self):
    start, end = tiny_runs.SENTENCES
    answers = self.predict("interpolate", start=5 * [start], end=5 * [end],
                           weight=[0, 0.25, 0.5, 0.75, 1])["text"]
    self.assertEqual((answers[0], answers[-1]), (start, end))

  def test_every_signature_answers(self):
    encoded = self.predict("encode", text=[tiny_runs.SENTENCES[0]])
    self.assertEqual(np.shape(encoded["representation"]), (1, len(self.map["mean"])))
    self.assertEqual(self.predict("decode", z=encoded["center"])["text"], [tiny_runs.SENTENCES[0]])
    self.assertLess(self.predict("log_likelihood", text=["red"], seed=[1])[0], 0.0)
    self.assertLen(self.predict("generate", seed=[1, 2])["text"], 2)
    self.assertLen(self.predict("beam_search", text=["red"])["text"][0], 5)

  @parameterized.parameters(
      ({"instances": [9 * "red "]}, r"`text`: received 9 words in row 0; .*at most 7"),
      ({"instances": 257 * ["red"]}, r"`text`: received 257 row.*at most 256"),
      ({"instances": ["red", 1]}, r"instances\[1\]: must be a string"),
      ({"signature_name": "interpolate", "inputs": {"start": ["a"], "end": ["a"], "weight": [2]}},
       "`weight`: received 2 in row 0"))
  def test_bad_request_is_refused_in_plain_words(self, request, message):
    status, content = self.served.client.predict(request, "tiny")
    self.assertEqual(status, 400)
    self.assertRegex(content["error"], message)
    self.assertNotRegex(content["error"], "node|Assert|Op:")

  def test_page_and_what_it_needs_are_there(self):
    for path, kind in (("/", "text/html"), ("/main.js", "javascript"), ("/style.css", "text/css"),
                       ("/icon.svg", "image/svg")):
      response = self.served.client.request("GET", path)
      self.assertEqual(response.status, 200, path)
      self.assertIn(kind, response.getheader("content-type"))
      self.assertIn("default-src 'none'", response.getheader("content-security-policy"))
    self.assertEqual(self.served.client.json("GET", "/model.json"), (
        200, {"name": "tiny", "version": 1, "latent_map": self.map}))

  def test_taken_port_is_one_line_with_status_2(self):
    done = binaries.run("serve", "--model_dir=elsewhere", f"--port={self.served.client.port}",
                        cwd=self.folder)
    self.assertEqual(done.returncode, 2)
    self.assertRegex(done.stderr, r"\A--port=\d+: is taken by another program; [^\n]*\n\Z")

  @parameterized.parameters(signal.SIGINT, signal.SIGTERM)
  def test_server_that_loads_ends_quietly(self, number):
    with binaries.start("serve", "--model_dir=elsewhere", "--port=0", cwd=self.folder) as process:
      self.assertStartsWith(process.stdout.readline(), "Loading ")
      process.send_signal(number)
      out, err = process.communicate(timeout=60)
    self.assertEqual((process.returncode, out, err), (0, "", ""))

  def test_export_without_a_map_is_served_all_the_same(self):
    shutil.copytree(self.export, pathlib.Path(self.folder) / "bare")
    shutil.rmtree(pathlib.Path(self.folder) / "bare" / "1" / "assets.extra")
    with commands.serving("--model_dir=bare", cwd=self.folder) as served:
      self.assertIn("/v1/models/model/metadata", served.said)
      self.assertEqual(served.client.predict({"instances": ["red"]})[0], 200)
      self.assertIsNone(served.client.json("GET", "/model.json")[1]["latent_map"])
      self.assertEqual(served.end(signal.SIGTERM), (0, "", ""))


class ServeImageTest(absltest.TestCase):

  def test_run_is_served_until_it_is_interrupted(self):
    with tempfile.TemporaryDirectory() as folder:
      run_dir = tiny_runs.image(folder)
      with commands.serving(f"--run_dir={run_dir.name}", cwd=folder) as served:
        example = served.client.json("GET", "/model.json")[1]["latent_map"]["examples"][0]
        image = np.reshape(example, [tiny_runs.SIDE, tiny_runs.SIDE, 1]).tolist()
        status, content = served.client.predict({
            "signature_name": "reconstruct",
            "instances": [{"image": image, "seed": 1}, {"image": image, "seed": 2}]})
        self.assertEqual(status, 200, content)
        self.assertCountEqual(content["predictions"][0], ["image", "probabilities"])
        self.assertEqual(np.shape(content["predictions"][0]["image"]),
                         (tiny_runs.SIDE, tiny_runs.SIDE, 1))
        status, content = served.client.predict({
            "signature_name": "encode", "instances": [image[1:]]})
        self.assertEqual(status, 400)
        self.assertIn("must have shape [rows, 8, 8, 1]; received shape [1, 7, 8, 1]",
                      content["error"])
        # A request that never becomes whole does not hold up the end.
        with socket.create_connection(("127.0.0.1", served.client.port)) as connection:
          connection.sendall(b"POST /v1/models/model:predict HTTP/1.1\r\nHost: localhost\r\n"
                             b"Content-Length: 50\r\n\r\n{")
          self.assertEqual(served.end(signal.SIGINT), (0, "", ""))


class MistakeTest(parameterized.TestCase):

  @parameterized.parameters(
      ([], "--run_dir, --model_dir: one of them"),
      (["--run_dir=empty", "--model_dir=empty"], "--run_dir, --model_dir: one of them"),
      (["--run_dir=nowhere"], "--run_dir=nowhere: no folder nowhere/export"),
      (["--model_dir=nowhere"], "--model_dir=nowhere: no folder"),
      (["--model_dir=empty"], "--model_dir=empty: no exported model"),
      (["--model_dir=damaged"], "damaged/1: cannot be loaded as a SavedModel"),
      (["--model_dir=damaged", "--name=a/b"], "--name=a/b: must be made of letters"),
      (["--model_dir=damaged", "--port=65536"], "--port=65536: must be from 0 to 65535"),
      (["--model_dir=damaged", "--port=x"], "--port=x"),
      (["--model_dir=damaged", "--max_request_mb=0"], "--max_request_mb=0: must be from 1"),
      (["--model_dir=damaged", "--host=192.0.2.1"], "--host=192.0.2.1: is not an address of this"),
      (["--model_dir=damaged", "--host=.."], r"--host=\.\.: no such host"))
  def test_mistake_is_one_line_with_status_2(self, flags, message):
    folder = pathlib.Path(self.create_tempdir().full_path)
    (folder / "empty").mkdir()
    (folder / "damaged" / "1").mkdir(parents=True)
    (folder / "damaged" / "1" / "saved_model.pb").write_bytes(b"nonsense")
    done = binaries.run("serve", *flags, *([] if "--port" in str(flags) else ["--port=0"]),
                        cwd=str(folder))
    self.assertEqual(done.returncode, 2, done.stderr)
    lines = done.stderr.strip().splitlines()
    self.assertLen(lines, 1, done.stderr)
    self.assertRegex(lines[0], message)

  def test_help_is_whole(self):
    done = binaries.run("serve", "--help", cwd=self.create_tempdir().full_path)
    self.assertEqual((done.returncode, done.stderr), (0, ""))
    for name in ("run_dir", "model_dir", "name", "host", "port", "max_request_mb"):
      self.assertIn(f"--{name}", done.stdout)


if __name__ == "__main__":
  absltest.main()
