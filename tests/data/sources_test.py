"""Where raw files are looked for, and what names their content."""

import pathlib
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from du_vae_tf import config as config_lib
from du_vae_tf import datasets
from du_vae_tf import errors
from du_vae_tf.data import sources
from tests.data import fake_web
from tests.data import own_files
from tests.data import own_images

LINES = {split: [f"{split} words"] * 16 for split in datasets.SPLITS}


class SourcesTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)

  def _config(self, **values):
    return config_lib.resolve(
        {"method": "vae", "data_dir": str(self.folder / "cache")} | values, {})

  def _locate(self, **values):
    config = self._config(**values)
    return sources.locate(config, sources.cache_dir(config))

  def _write_manual(self, name="yahoo", lines=LINES):
    (self.folder / name).mkdir(exist_ok=True)
    for split, rows in lines.items():
      path = self.folder / name / f"{name}.{split}.txt"
      path.write_text("".join(row + "\n" for row in rows))

  @parameterized.parameters("yahoo", "yelp", "short_yelp")
  def test_files_at_hand_are_found(self, name):
    self._write_manual(name)
    source = self._locate(dataset=name, manual_dir=str(self.folder))
    self.assertEqual(
        [path.name for path in source.files.values()],
        [f"{name}.train.txt", f"{name}.valid.txt", f"{name}.test.txt"])

  def test_runs_are_refused_if_the_data_of_none_are_there(self):
    self._write_manual("yelp")
    there, first, second = (
        self._config(dataset=name, manual_dir=str(self.folder))
        for name in ("yelp", "yahoo", "omniglot"))
    with self.assertRaisesRegex(errors.UserError, r"yahoo lacks yahoo\.train\.txt"):
      sources.check_some([first, second])
    for config in (there, self._config(dataset="synthetic"), self._config(dataset="yahoo"),
                   self._config(dataset="images", tfds_name="mnist")):
      sources.check_some([first, config, second])
    with self.assertRaisesRegex(errors.UserError, "--valid_file"):
      sources.check_some([self._config(dataset="text", train_file="a", test_file="b")])

  def test_the_digest_names_content_and_not_place(self):
    first = self._config(**self._own("one", LINES))
    second = self._config(**self._own("two", LINES))
    changed = self._config(**self._own("three", LINES | {"test": ["other"] * 16}))
    swapped = self._config(**self._own(
        "four", LINES | {"test": LINES["valid"], "valid": LINES["test"]}))
    digests = [sources.locate(config, self.folder).digest
               for config in (first, second, changed, swapped)]
    self.assertEqual(digests[0], digests[1])
    self.assertLen(set(digests), 3)

  def _own(self, name, lines):
    (self.folder / name).mkdir()
    files = own_files.write(str(self.folder / name), lines)
    return {"dataset": "text"} | {f"{split}_file": str(path) for split, path in files.items()}

  def test_a_vocabulary_beside_the_files_counts_as_content(self):
    self._write_manual()
    without = self._locate(dataset="yahoo", manual_dir=str(self.folder))
    (self.folder / "yahoo" / "vocab.txt").write_text("<unk>\nwords\n")
    source = self._locate(dataset="yahoo", manual_dir=str(self.folder))
    self.assertEqual(source.vocabulary_file, self.folder / "yahoo" / "vocab.txt")
    self.assertEqual(source.raw_digest, without.raw_digest)
    self.assertNotEqual(source.digest, without.digest)
    self.assertIsNone(without.vocabulary_file)

  def test_missing_files_at_hand_are_named_with_the_flag(self):
    self._write_manual()
    (self.folder / "yahoo" / "yahoo.valid.txt").unlink()
    with self.assertRaisesRegex(
        errors.UserError, r"--manual_dir=.*: .*/yahoo lacks yahoo\.valid\.txt; expected yahoo\.tr"):
      self._locate(dataset="yahoo", manual_dir=str(self.folder))
    with self.assertRaisesRegex(errors.UserError, r"/yelp lacks yelp\.train\.txt"):
      self._locate(dataset="yelp", manual_dir=str(self.folder))

  def test_a_folder_in_place_of_a_file_is_refused(self):
    self._write_manual()
    (self.folder / "yahoo" / "yahoo.test.txt").unlink()
    (self.folder / "yahoo" / "yahoo.test.txt").mkdir()
    with self.assertRaisesRegex(errors.UserError, r"yahoo\.test\.txt: is not a file"):
      self._locate(dataset="yahoo", manual_dir=str(self.folder))

  def test_own_files_must_all_be_named(self):
    with self.assertRaisesRegex(errors.UserError, "needs --train_file, --valid_file, --test_file:"):
      self._locate(dataset="text")
    with self.assertRaisesRegex(errors.UserError, "needs --test_file:"):
      self._locate(dataset="text", train_file="a", valid_file="b")

  def test_a_missing_own_file_is_named_with_its_flag(self):
    with self.assertRaisesRegex(errors.UserError, r"--train_file=none\.txt: no such file"):
      self._locate(dataset="text", train_file="none.txt", valid_file="b", test_file="c")

  def test_the_synthetic_set_has_no_files(self):
    source = self._locate(dataset="synthetic")
    self.assertEmpty(source.files)
    self.assertEqual(source.digest, self._locate(dataset="synthetic").digest)

  def test_omniglot_at_hand_is_one_file(self):
    path = own_images.write_chardata(str(self.folder))
    source = self._locate(dataset="omniglot", manual_dir=str(self.folder))
    self.assertEqual(source.files, {"all": path})
    own_images.write_chardata(str(self.folder), seed=6)
    changed = self._locate(dataset="omniglot", manual_dir=str(self.folder))
    self.assertNotEqual(source.digest, changed.digest)
    path.unlink()
    with self.assertRaisesRegex(
        errors.UserError, r"/omniglot lacks chardata\.mat; expected chardata\.mat in that folder"):
      self._locate(dataset="omniglot", manual_dir=str(self.folder))

  def test_omniglot_is_downloaded_as_a_plain_file(self):
    config = self._config(dataset="omniglot")
    cache = sources.cache_dir(config)
    opener = mock.Mock(side_effect=OSError("no network"))
    with self.assertRaisesRegex(
        errors.UserError, r"https://raw\.githubusercontent\.com/yburda/.*OMNIGLOT/chardata\.mat"
        r".*no network.*put chardata\.mat into a folder named omniglot and say --manual_dir="):
      sources.locate(config, cache, opener)
    opener = mock.Mock(side_effect=lambda url: fake_web.Answer(b"MATLAB", "text/plain"))
    first = sources.locate(config, cache, opener)
    self.assertEqual(sources.locate(config, cache, opener), first)
    self.assertEqual(opener.call_count, 1)
    self.assertEqual(first.files["all"].read_bytes(), b"MATLAB")

  def test_own_images_need_training_and_test(self):
    files = own_images.write_arrays(str(self.folder))
    source = self._locate(dataset="images", **files)
    self.assertEqual([*source.files], ["train", "valid", "test"])
    del files["valid_file"]
    self.assertEqual([*self._locate(dataset="images", **files).files], ["train", "test"])
    with self.assertRaisesRegex(
        errors.UserError, r"--dataset=images needs --train_file, --test_file: .*or --tfds_name\.$"):
      self._locate(dataset="images")
    with self.assertRaisesRegex(errors.UserError, "needs --test_file: images as .npy, .npz or"):
      self._locate(dataset="images", train_file=files["train_file"])

  def test_a_vocabulary_beside_images_has_no_effect(self):
    files = own_images.write_arrays(str(self.folder))
    without = self._locate(dataset="images", **files)
    (self.folder / "vocab.txt").write_text("a\n")
    self.assertEqual(self._locate(dataset="images", **files), without)

  def test_a_data_set_by_name_excludes_files(self):
    with self.assertRaisesRegex(
        errors.UserError, "--tfds_name=mnist: excludes --test_file=x.npz; give one of them"):
      self._locate(dataset="images", tfds_name="mnist", test_file="x.npz")

  def test_a_download_happens_once_and_says_what_to_do_when_it_fails(self):
    config = self._config(dataset="yelp")
    cache = sources.cache_dir(config)
    opener = mock.Mock(side_effect=OSError("no network"))
    with self.assertRaisesRegex(
        errors.UserError, r"1FT49oLNV8syhmGXEgiK6XTjEfMNqqEJJ: .*no network.*yelp\.train\.txt, "
        r"yelp\.valid\.txt, yelp\.test\.txt into a folder named yelp and say --manual_dir="):
      sources.locate(config, cache, opener)
    content = fake_web.archive(
        {f"yelp_data/yelp.{split}.txt": b"1\ta\n" * 16 for split in datasets.SPLITS})
    opener = mock.Mock(side_effect=lambda url: fake_web.Answer(content))
    first = sources.locate(config, cache, opener)
    second = sources.locate(config, cache, opener)
    self.assertEqual(opener.call_count, 1)
    self.assertEqual(first, second)
    self.assertEqual(first.files["train"].read_bytes(), b"1\ta\n" * 16)

  def test_the_cache_folder_defaults_to_that_of_the_user(self):
    with mock.patch.dict("os.environ", {"XDG_CACHE_HOME": str(self.folder / "x")}):
      self.assertEqual(
          sources.cache_dir(self._config(data_dir=None)), self.folder / "x" / "du_vae_tf")
    with mock.patch.dict("os.environ", {"XDG_CACHE_HOME": "", "HOME": str(self.folder)}):
      self.assertEqual(
          sources.cache_dir(self._config(data_dir=None)), self.folder / ".cache" / "du_vae_tf")

  def test_a_cache_folder_that_cannot_be_made_is_refused(self):
    (self.folder / "file").write_text("")
    with self.assertRaisesRegex(errors.UserError, r"--data_dir=.*/file/x: no folder"):
      sources.cache_dir(self._config(data_dir=str(self.folder / "file" / "x")))


class TableTest(absltest.TestCase):

  def test_flags_that_name_sources_belong_to_some_data_set(self):
    self.assertEqual(
        datasets.SOURCE_FLAGS,
        {"manual_dir", "train_file", "valid_file", "test_file", "tfds_name"})
    self.assertEmpty(datasets.DATASETS["synthetic"].flags)

  def test_published_files_are_fetched_over_https(self):
    urls = [row.url for row in datasets.DATASETS.values() if row.url]
    self.assertLen(urls, 4)
    for url in urls:
      self.assertStartsWith(url, "https://")


if __name__ == "__main__":
  absltest.main()
