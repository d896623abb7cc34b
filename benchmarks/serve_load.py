"""How a served model bears many requests: `bazel run //benchmarks:serve_load -- --run_dir=...`."""

import concurrent.futures
import contextlib
import http.client
import itertools
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import measuring
from du_vae_tf import command_line
from du_vae_tf import errors
from du_vae_tf import machine

USAGE = """
Starts the real command `serve` on the newest export of a run, on a free port of this machine, sends
it predict requests of one row each, several at a time, and prints how long the answers took.

  bazel run //benchmarks:serve_load -- --run_dir=FOLDER [--flag=value ...]
"""

FLAGS = [
    measuring.flag("run_dir", None, str, "Folder of the run; must be given."),
    measuring.flag("signature", "reconstruct", str, "What is asked for.",
                   ("encode", "reconstruct", "interpolate", "generate", "log_likelihood")),
    measuring.flag("requests", 1000, int, "In all."),
    measuring.flag("parallel", 8, int, "Requests at a time, each on a connection of its own."),
    measuring.json_flag()]

_REQUEST_TIMEOUT = 60.0


class Client:
  """Sends requests to a model on this machine, one after the other in each thread.

  Args:
    port: of the server.
  """

  def __init__(self, port: int):
    self._port = port
    self._local = threading.local()

  def get(self, path: str) -> Any:
    """The content at a path."""
    return json.loads(self._send("GET", path, None)[1])

  def predict(self, body: bytes) -> tuple[float, int | str]:
    """Seconds until the answer was read, and its HTTP status or the name of an error."""
    begin = time.monotonic()
    status: int | str
    try:
      status, _ = self._send("POST", "/v1/models/model:predict", body)
    except (OSError, http.client.HTTPException) as error:
      status = type(error).__name__
      self._local.connection.close()
    return time.monotonic() - begin, status

  def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
    if not hasattr(self._local, "connection"):
      self._local.connection = http.client.HTTPConnection(
          "127.0.0.1", self._port, timeout=_REQUEST_TIMEOUT)
    self._local.connection.request(method, path, body)
    response = self._local.connection.getresponse()
    return response.status, response.read()


@contextlib.contextmanager
def serving(run_dir: str) -> Iterator[Client]:
  """The server of a run, ready.

  Raises:
    errors.UserError: it ended before.
  """
  with subprocess.Popen(
      [sys.executable, "-m", "du_vae_tf.serve", f"--run_dir={run_dir}", "--port=0"],
      stdout=subprocess.PIPE, text=True) as process:
    try:
      assert process.stdout is not None
      ready = next((line for line in process.stdout if line.startswith("Page: ")), "")
      port = re.search(r":(\d+)/", ready)
      if port is None:
        raise errors.UserError(f"--run_dir={run_dir}: serve did not get ready; see above.")
      yield Client(int(port[1]))
    finally:
      process.terminate()


def bodies(client: Client, signature: str) -> Iterator[bytes]:
  """Requests of one row, made of the examples that came with the model in turn.

  Raises:
    errors.UserError: it came without.
  """
  facts = client.get("/model.json")["latent_map"]
  if facts is None:
    raise errors.UserError("--run_dir: its export has no latent_map.json; export it again.")
  metadata = client.get("/v1/models/model/metadata")["metadata"]["signature_def"]["signature_def"]
  examples = facts["examples"]
  if facts["modality"] == "image":
    examples = [[[[pixel] for pixel in row] for row in image] for image in examples]
  for number in itertools.count():
    example, other = (examples[index % len(examples)] for index in (number, number + 1))
    values = {"text": example, "image": example, "start": example, "end": other, "weight": 0.5,
              "seed": number}
    row = {name: values[name] for name in metadata[signature]["inputs"]}
    yield json.dumps({"signature_name": signature, "instances": [row]}).encode()


def measure(sizes: Mapping[str, Any]) -> dict[str, Any]:
  """Latencies in milliseconds, requests a second, and how many requests failed.

  Raises:
    errors.UserError: the server does not get ready.
  """
  with serving(sizes["run_dir"]) as client, concurrent.futures.ThreadPoolExecutor(
      sizes["parallel"]) as threads:
    requests = list(itertools.islice(bodies(client, sizes["signature"]), sizes["requests"]))
    client.predict(requests[0])
    begin = time.monotonic()
    answers = list(threads.map(client.predict, requests))
    seconds = time.monotonic() - begin
  milliseconds = sorted(1000.0 * latency for latency, _ in answers)
  percentiles = statistics.quantiles(milliseconds, n=100, method="inclusive")
  return {
      "requests_per_second": len(answers) / seconds, "median_ms": percentiles[49],
      "percentile_95_ms": percentiles[94], "percentile_99_ms": percentiles[98],
      "max_ms": milliseconds[-1], "errors": sum(status != 200 for _, status in answers)}


def main(explicit: dict[str, Any]) -> None:
  """Measures what the flags describe."""
  sizes, = measuring.split(explicit, FLAGS)
  if sizes["run_dir"] is None:
    raise errors.UserError("--run_dir: must be given; the folder of a finished run.")
  for name, least in (("requests", 2), ("parallel", 1)):
    if sizes[name] < least:
      raise errors.UserError(f"--{name}={sizes[name]}: must be at least {least}.")
  json_out = sizes.pop(measuring.JSON_FLAG)
  measuring.show(sizes | measure(sizes) | {"processor": machine.processor()}, json_out)


def run() -> None:
  """Starts the program."""
  command_line.run(main, FLAGS, USAGE)


if __name__ == "__main__":
  run()
