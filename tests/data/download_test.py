"""Downloads, with made-up answers in place of a network."""

import io
import json
import pathlib
import tarfile
import urllib.error
import urllib.request
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import errors
from du_vae_tf.data import download
from tests.data import fake_web

URL = fake_web.URL
CONFIRMED = "https://drive.usercontent.google.com/download?id=made-up&confirm=t&uuid=1-2"
PAGE = b"""<html><form id="download-form" action="https://drive.usercontent.google.com/download"
method="get"><input type="submit" value="Download anyway"/><input type="hidden" name="id"
 value="made-up"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="1-2"></form></html>""".replace(b"\n ", b" ")
CONTENT = {"made_up/a.train.txt": b"train\n", "made_up/deep/a.test.txt": b"test\n",
           "made_up/vocab.txt": b"<unk>\n", "made_up/README": b"nothing\n"}

ARCHIVE = fake_web.archive(CONTENT)


class DownloadTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path) / "downloads" / "made_up"

  def _fetch(self, *answers, **options):
    self.asked = []
    waiting = list(answers)

    def opener(url):
      self.asked.append(url)
      answer = waiting.pop(0)
      if isinstance(answer, Exception):
        raise answer
      return answer

    download.fetch_archive(
        URL, self.folder, ["a.train.txt", "a.test.txt"], ["vocab.txt"],
        advice="say --manual_dir", opener=opener, **options)

  def _assert_nothing_left(self):
    self.assertEmpty(list(self.folder.parent.iterdir()))

  def test_wanted_files_are_found_by_name_and_nothing_else_is_written(self):
    self._fetch(fake_web.Answer(ARCHIVE))
    self.assertEqual(
        {path.name: path.read_bytes() for path in self.folder.iterdir()},
        {"a.train.txt": b"train\n", "a.test.txt": b"test\n", "vocab.txt": b"<unk>\n"})

  def test_the_page_for_large_files_is_confirmed_once(self):
    page = fake_web.Answer(PAGE, "text/html; charset=utf-8")
    self._fetch(page, fake_web.Answer(ARCHIVE))
    self.assertEqual(self.asked, [URL, CONFIRMED])
    self.assertTrue((self.folder / "a.train.txt").exists())

  def test_the_first_checksum_is_recorded_and_another_one_refused_later(self):
    self._fetch(fake_web.Answer(ARCHIVE))
    record = json.loads((self.folder.parent / "checksums.json").read_text())
    self.assertEqual(list(record), [URL])
    self.folder.rename(self.folder.with_name("first"))
    with self.assertRaisesRegex(
        errors.UserError, f"expected {record[URL]} as recorded in .*checksums.json; say --manual"):
      self._fetch(fake_web.Answer(
          fake_web.archive(CONTENT | {"made_up/a.train.txt": b"changed\n"})))
    self.assertFalse(self.folder.exists())
    self.assertEqual(json.loads((self.folder.parent / "checksums.json").read_text()), record)

  def test_a_known_checksum_is_demanded_at_the_first_download(self):
    with self.assertRaisesRegex(errors.UserError, "expected 00ff; say --manual_dir"):
      self._fetch(fake_web.Answer(ARCHIVE), sha256="00ff")
    self._assert_nothing_left()

  @parameterized.named_parameters(
      ("no_network", [urllib.error.URLError("unreachable")], "unreachable"),
      ("time_out", [TimeoutError("timed out")], "timed out"),
      ("a_page", [fake_web.Answer(b"<html>quota</html>", "text/html")], "a web page in place"),
      ("a_page_again", [fake_web.Answer(PAGE, "text/html"), fake_web.Answer(PAGE, "text/html")],
       "a web page in place"),
      ("not_https", [fake_web.Answer(ARCHIVE, url="http://elsewhere/a")], "not HTTPS"),
      ("not_an_archive", [fake_web.Answer(b"plain text")], "Not a gzipped file"),
      ("half_an_archive", [fake_web.Answer(ARCHIVE[:-40])], "download failed"),
      ("a_file_is_missing", [fake_web.Answer(fake_web.archive({"made_up/a.train.txt": b"x"}))],
       "lacks a.test.txt"),
      ("outside", [fake_web.Answer(fake_web.archive(CONTENT | {"../a.train.txt": b"x"}))],
       "outside its folder"),
      ("absolute", [fake_web.Answer(fake_web.archive(CONTENT | {"/elsewhere/a.train.txt": b"x"}))],
       "outside its folder"))
  def test_refused(self, answers, message):
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      self._fetch(*answers)
    self.assertIn(URL, str(raised.exception))
    self.assertEndsWith(str(raised.exception), "say --manual_dir")
    self.assertNotIn("\n", str(raised.exception))
    self._assert_nothing_left()

  def _fetch_file(self, answer, **options):
    download.fetch_file(
        URL, self.folder, "a.mat", advice="say --manual_dir", opener=lambda url: answer, **options)

  def test_a_plain_file_is_kept_as_it_comes(self):
    self._fetch_file(fake_web.Answer(b"any bytes", "application/octet-stream"))
    self.assertEqual(
        {path.name: path.read_bytes() for path in self.folder.iterdir()}, {"a.mat": b"any bytes"})
    self.folder.rename(self.folder.with_name("first"))
    with self.assertRaisesRegex(errors.UserError, "as recorded in .*checksums.json; say --manual"):
      self._fetch_file(fake_web.Answer(b"other bytes"))
    self.assertFalse(self.folder.exists())

  @parameterized.named_parameters(
      ("a_page", fake_web.Answer(b"<html>", "text/html"), {}, "a web page in place"),
      ("not_https", fake_web.Answer(b"a", url="http://elsewhere/a"), {}, "not HTTPS"),
      ("another", fake_web.Answer(b"a"), {"sha256": "00ff"}, "expected 00ff"),
      ("cut_short", fake_web.Answer(b"any", announced=9), {}, "3 bytes came of 9"))
  def test_refused_as_a_plain_file(self, answer, options, message):
    with self.assertRaisesRegex(errors.UserError, message) as raised:
      self._fetch_file(answer, **options)
    self.assertEndsWith(str(raised.exception), "say --manual_dir")
    self._assert_nothing_left()

  @parameterized.parameters(
      "http://elsewhere.com/a", "ftp://elsewhere.com/a", "file:///etc/passwd")
  def test_redirections_are_followed_to_https_alone(self, target):
    handler = download.HttpsRedirects()
    request = urllib.request.Request(URL)
    for url, is_followed in (("https://elsewhere.com/a", True), (target, False)):
      with self.subTest(url):
        if is_followed:
          followed = handler.redirect_request(request, None, 302, "Found", {}, url)
          self.assertEqual(followed.full_url, url)
        else:
          with self.assertRaisesRegex(Exception, f"led to {url}, which is not HTTPS"):
            handler.redirect_request(request, None, 302, "Found", {}, url)

  def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused(self):
    bomb = fake_web.archive({"made_up/other": bytes(50_000)} | CONTENT)
    self.assertLess(len(bomb), 20_000)
    with mock.patch.object(download, "LARGEST_BYTES", 20_000):
      with self.assertRaisesRegex(errors.UserError, "unpacks to more than 2 GiB; say --manual_dir"):
        self._fetch(fake_web.Answer(bomb))
      self._assert_nothing_left()
      self._fetch(fake_web.Answer(ARCHIVE))

  def test_a_download_without_end_is_given_up(self):
    with mock.patch.object(download, "LARGEST_BYTES", len(ARCHIVE) - 1):
      with self.assertRaisesRegex(errors.UserError, "more came than 2 GiB; say --manual_dir"):
        self._fetch(fake_web.Answer(ARCHIVE))
    self._assert_nothing_left()

  @parameterized.parameters(b"[1]", b"{", b'{"a": 3}', b"\xff")
  def test_a_record_that_is_none_is_refused(self, content):
    self.folder.parent.mkdir(parents=True)
    (self.folder.parent / "checksums.json").write_bytes(content)
    with self.assertRaisesRegex(errors.UserError, "checksums.json: is not the record"):
      self._fetch(fake_web.Answer(ARCHIVE))

  def test_links_are_not_followed(self):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
      link = tarfile.TarInfo("a.train.txt")
      link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
      tar.addfile(link)
    with self.assertRaisesRegex(errors.UserError, "lacks a.train.txt"):
      self._fetch(fake_web.Answer(made.getvalue()))


if __name__ == "__main__":
  absltest.main()
