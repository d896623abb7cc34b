"""Fetches the published raw files: archives, or single files.

The archives lie on Google Drive. The locations are as published; a download from there has not
been tried with this code, which is tested against made-up answers alone.
"""

import contextlib
import dataclasses
import gzip
import hashlib
import http.client
import json
import pathlib
import re
import shutil
import tarfile
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, cast

from du_vae_tf import console
from du_vae_tf import errors
from du_vae_tf import files
from du_vae_tf import json_files

# Opens a URL: returns a context manager with `read(size)`, `geturl()` and `headers`.
Opener = Callable[[str], Any]

_BLOCK = 1 << 20
_TIMEOUT_SECONDS = 60
_LARGEST_PAGE = 1 << 22
# Of a download, and of what an archive unpacks to, wanted or not; the published ones have under
# a tenth of it.
LARGEST_BYTES = 1 << 31
_LARGEST_TEXT = "2 GiB"


class HttpsRedirects(urllib.request.HTTPRedirectHandler):
  """Follows redirections to HTTPS alone; public for tests."""

  def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any,
                       newurl: str) -> urllib.request.Request | None:
    """The request to the new address; see `urllib`."""
    _check_https(newurl)
    return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str) -> Any:
  _check_https(url)
  return urllib.request.build_opener(HttpsRedirects).open(url, timeout=_TIMEOUT_SECONDS)


def fetch_archive(
    url: str,
    folder: pathlib.Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    advice: str,
    sha256: str | None = None,
    opener: Opener = _open,
) -> None:
  """Downloads a `.tar.gz` archive and puts the wanted files into a folder.

  The folder appears complete or not at all. Nothing else in the archive is written, and an
  archive with a member that points outside is refused.

  Args:
    url: where the archive is; HTTPS.
    folder: where the files go; its parent keeps the record of checksums.
    required: names of files, wherever they lie in the archive.
    optional: names of files that are taken if they are there.
    advice: ends every error message: what to do where the download does not work.
    sha256: the known checksum. Without one, that of the first download is recorded beside the
      folder and later downloads must have the same.
    opener: opens a URL.

  Raises:
    errors.UserError: there is no network, the answer is not the archive, or it has changed.
  """
  with _downloaded(url, folder, "archive", advice, sha256, opener) as archive:
    _extract(archive, archive.parent, required, optional)
    archive.unlink()


def fetch_file(
    url: str,
    folder: pathlib.Path,
    name: str,
    *,
    advice: str,
    sha256: str | None = None,
    opener: Opener = _open,
) -> None:
  """Downloads a single file into a folder, which appears complete or not at all.

  Args:
    url: where the file is; HTTPS.
    folder: where it goes; its parent keeps the record of checksums.
    name: of the file in the folder.
    advice: as for `fetch_archive`, and so the rest.
    sha256: the known checksum.
    opener: opens a URL.

  Raises:
    errors.UserError: there is no network, the answer is not the file, or it has changed.
  """
  with _downloaded(url, folder, name, advice, sha256, opener):
    pass


@contextlib.contextmanager
def _downloaded(
    url: str, folder: pathlib.Path, name: str, advice: str, sha256: str | None, opener: Opener
) -> Iterator[pathlib.Path]:
  """What the URL answers, checked, in the folder to be; its checksum is recorded at the end."""
  console.say(f"Downloading {url}")
  record = folder.parent / "checksums.json"
  with files.new_folder(folder) as unfinished:
    try:
      received = _save(url, unfinished / name, opener)
      _check(received, sha256, _records(record).get(url), record)
      yield unfinished / name
    except (OSError, EOFError, http.client.HTTPException, tarfile.TarError, zlib.error,
            _WrongAnswerError) as error:
      raise errors.UserError(f"{url}: download failed: {error}; {advice}") from error
    files.write_bytes_atomically(
        record, json.dumps(_records(record) | {url: received}, indent=2).encode() + b"\n")


class _WrongAnswerError(Exception):
  """What was received is something else."""


def _save(url: str, target: pathlib.Path, opener: Opener) -> str:
  """Writes what the URL answers to a file; returns its SHA-256 in hex."""
  answer_url = url
  for attempt in range(2):
    with opener(answer_url) as answer:
      _check_https(answer.geturl())
      if "text/html" not in answer.headers.get("Content-Type", ""):
        return _copy(answer, target)
      page = answer.read(_LARGEST_PAGE).decode("utf-8", "replace")
    confirmed = _confirmation_url(page)
    if attempt or confirmed is None:
      break
    answer_url = confirmed
  raise _WrongAnswerError("answered with a web page in place of the data")


def _check_https(url: str) -> None:
  if urllib.parse.urlsplit(url).scheme != "https":
    raise _WrongAnswerError(f"led to {url}, which is not HTTPS")


def _copy(answer: Any, target: pathlib.Path) -> str:
  digest = hashlib.sha256()
  size = 0
  with target.open("wb") as file:
    while block := answer.read(_BLOCK):
      digest.update(block)
      size += len(block)
      if size > LARGEST_BYTES:
        raise _WrongAnswerError(f"more came than {_LARGEST_TEXT}")
      file.write(block)
  # A connection that breaks ends such reading without an error.
  announced = answer.headers.get("Content-Length")
  if announced is not None and int(announced) != size:
    raise _WrongAnswerError(f"{size} bytes came of {announced}")
  return digest.hexdigest()


def _confirmation_url(page: str) -> str | None:
  """The address behind "Download anyway" on Google Drive's page for large files, if it is one."""
  action = re.search(r'<form[^>]*action="(https://[\w.-]*\.google\.com/[^"]*)"', page)
  if action is None:
    return None
  fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
  return f"{action[1].replace('&amp;', '&')}?{urllib.parse.urlencode(fields)}"


def _check(
    received: str, sha256: str | None, recorded: str | None, record: pathlib.Path
) -> None:
  expected = sha256 or recorded
  if expected is not None and received != expected:
    raise _WrongAnswerError(
        f"what came has SHA-256 {received}, expected {expected}"
        + ("" if sha256 else f" as recorded in {record}"))


@dataclasses.dataclass
class _Records:
  """What the record of checksums holds: URL -> SHA-256 in hex."""

  sha256: dict[str, str]


def _records(record: pathlib.Path) -> dict[str, str]:
  try:
    records = json_files.read_object(record)
    json_files.check_fields(_Records, {"sha256": records})
    return records
  except FileNotFoundError:
    return {}
  except (OSError, ValueError) as error:
    raise errors.UserError(
        f"{record}: is not the record of checksums that was written there; delete it.") from error


def _extract(
    archive: pathlib.Path, folder: pathlib.Path, required: Sequence[str], optional: Sequence[str]
) -> None:
  # As a stream, so that nothing is unpacked that is not counted.
  with gzip.open(archive) as packed, tarfile.open(
      fileobj=cast(IO[bytes], _Counted(packed)), mode="r|") as tar:
    for member, name in _wanted(tar, {*required, *optional}):
      content = tar.extractfile(member)
      if content is not None:
        with content, (folder / name).open("wb") as file:
          shutil.copyfileobj(content, file)
  missing = [name for name in required if not (folder / name).is_file()]
  if missing:
    raise _WrongAnswerError(f"it lacks {', '.join(missing)}")


class _Counted:
  """A file of which no more than `LARGEST_BYTES` is read."""

  def __init__(self, file: gzip.GzipFile):
    self._file = file
    self._left = LARGEST_BYTES

  def read(self, size: int) -> bytes:
    """The next bytes."""
    content = self._file.read(size)
    self._left -= len(content)
    if self._left < 0:
      raise _WrongAnswerError(f"it unpacks to more than {_LARGEST_TEXT}")
    return content


def _wanted(tar: tarfile.TarFile, names: set[str]) -> Iterator[tuple[tarfile.TarInfo, str]]:
  """The regular files with one of the names; refuses an archive that points outside itself."""
  for member in tar:
    path = pathlib.PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
      raise _WrongAnswerError(f"it has a member outside its folder, {member.name!r}")
    if member.isfile() and path.name in names:
      yield member, path.name
