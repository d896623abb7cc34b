"""The real commands on bad input: one line, status 2, and nothing that was there is lost."""

import os
import pathlib

from absl.testing import absltest
from absl.testing import parameterized

from tests import binaries
from tests.bad_inputs import cases
from tests.bad_inputs import export_cases
from tests.bad_inputs import image_cases
from tests.bad_inputs import run_cases

_TEXT = [f"--{split}_file={split}.txt" for split in ("train", "valid", "test")]
_SENTENCES = {f"{split}.txt": 20 * b"a b c\n" for split in ("train", "valid", "test")}


def _loads_itself(path: pathlib.Path) -> None:
  path.write_text(f"--flagfile={path}\n", encoding="utf-8")


class BadCommandsTest(parameterized.TestCase):

  @parameterized.named_parameters(
      ("flagfile_of_itself", ["train", "--flagfile=a.flags"], {"a.flags": _loads_itself},
       r"^--flagfile=.*a\.flags: includes itself"),
      ("huge_flagfile", ["train", "--flagfile=a.flags"], {"a.flags": cases.sparse(2**40)},
       r"^--flagfile=a\.flags: is larger than 1 MiB"),
      ("huge_number", ["train", f"--hidden_size={10**12}"], {}, "^--hidden_size=.*at most 16384"),
      ("sweep_of_nothing", ["sweep", "--gamma=1"], {}, "^no flag has several values"),
      *((f"{command[0]}_of_data_that_are_not_there", [*command, "--manual_dir=there"], {},
         r"^--manual_dir=there: there/yahoo lacks yahoo\.train\.txt, .* in that folder\.$")
        for command in (["sweep", "--dataset=yahoo", "--gamma=0.4,0.5"],
                        ["reproduce", "--table=1", "--rows=yahoo_vae,omniglot_vae"])),
      ("folder_that_is_a_file", ["reproduce", "--figure=1", "--output_dir=a/b"], {"a": b"kept"},
       r"^a/b/figure_1: a is not a folder; give another path\.$"),
      *((f"{command}_into_a_file", [command, "--run_dir=none", "--output_dir=a/b"], {"a": b"kept"},
         r"^--output_dir=a/b: cannot be written \(Not a directory\); give another folder\.$")
        for command in ("probe", "generate", "visualize")),
      ("no_run", ["evaluate", "--run_dir=none"], {}, "^--run_dir=none: no run here"),
      ("huge_configuration", ["evaluate", "--run_dir=run"],
       {"run": run_cases.whole, "run/config.json": cases.sparse(100 * 2**20)},
       r"^run/config\.json: not a configuration of a run \(it is larger than 1 MiB\)"),
      ("no_export", ["serve", "--model_dir=."], {}, r"^--model_dir=\.: no exported model in"),
      ("export_is_words", ["serve", "--model_dir=.", "--port=0"],
       {"1/saved_model.pb": b"plain words"}, "^1: cannot be loaded as a SavedModel"),
      ("bytes_for_a_name", ["train", "--dataset=text", os.fsdecode(b"--train_file=\xff")], {},
       r"^--train_file=.*is not UTF-8"),
      ("not_utf_8", ["train", "--dataset=text", *_TEXT], _SENTENCES | {"valid.txt": b"\xff\n"},
       r"^valid\.txt, line 1: byte 0xff is not UTF-8"),
      ("pickled_images", ["train", "--dataset=images", "--train_file=a.npy", "--test_file=a.npy"],
       {"a.npy": image_cases.pickled}, r"^a\.npy: cannot be read as \.npy"),
      ("export_that_writes", ["serve", "--model_dir=.", "--port=0"],
       {"1": export_cases.writing}, "^1: the SavedModel does more than compute"))
  def test_refused(self, command, files, message):
    folder = pathlib.Path(self.create_tempdir().full_path)
    case = cases.Case("", "", lambda _: None, files)
    case.prepare(folder)
    before = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    name, *flags = command
    done = binaries.run(name, *flags, cwd=str(folder))
    self.assertEqual(done.returncode, 2, done.stderr)
    line, = done.stderr.splitlines()
    self.assertRegex(line, message)
    self.assertEqual({path: path.stat().st_size for path in before}, before)
    self.assertFalse((folder / "ran").exists())


if __name__ == "__main__":
  absltest.main()
