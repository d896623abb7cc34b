"""Answers of a web server, made up for tests."""

import io
import tarfile

URL = "https://docs.google.com/uc?export=download&id=made-up"


def archive(members: dict[str, bytes]) -> bytes:
  """A `.tar.gz` of files."""
  made = io.BytesIO()
  with tarfile.open(fileobj=made, mode="w:gz") as tar:
    for name, content in members.items():
      info = tarfile.TarInfo(name)
      info.size = len(content)
      tar.addfile(info, io.BytesIO(content))
  return made.getvalue()


class Answer(io.BytesIO):
  """What a web server answers."""

  def __init__(
      self, content: bytes, kind: str = "application/gzip", url: str = URL,
      announced: int | None = None):
    super().__init__(content)
    self.headers = {"Content-Type": kind}
    if announced is not None:
      self.headers["Content-Length"] = str(announced)
    self._url = url

  def geturl(self) -> str:
    return self._url
