"""Flags and flagfiles that are refused."""

import os
import pathlib

from du_vae_tf import command_line
from du_vae_tf import serve
from tests.bad_inputs import cases

_SPECS = command_line.config_flags()
_LINE = b"--epochs=3\n"


def _flags(*arguments: str) -> cases.Act:
  """Gives `train` arguments, in which {} stands for the folder."""
  return lambda folder: command_line.resolve(command_line.explicit_values(
      _SPECS, [argument.replace("{}", str(folder)) for argument in arguments]))


def _flag(name: str, argument: str, message: str, *others: str) -> cases.Case:
  return cases.Case(name, message, _flags(argument, *others))


def _flagfile(name: str, content: bytes | cases.Writer, message: str,
              **files: bytes | cases.Writer) -> cases.Case:
  return cases.Case(name, message, _flags("--flagfile={}/a.flags"), {
      "a.flags": content,
      **{f"{other}.flags": value for other, value in files.items()}})


def _including(folder: pathlib.Path) -> bytes:
  return f"--flagfile={folder}\n".encode()


def _itself(path: pathlib.Path) -> None:
  path.write_bytes(_LINE + _including(path))


def _beside(*names: str) -> cases.Writer:
  return lambda path: path.write_bytes(
      b"".join(_including(path.with_name(f"{name}.flags")) for name in names))


def _serve(**values: object) -> cases.Act:
  return lambda _: serve.check(command_line.values_of(serve.SPECS, values))


_DIGITS = 6000 * "9"

CASES = [
    _flag("unknown", "--nonsense=3", "nonsense"),
    _flag("misspelt", "--lerning_rate=1", "lerning_rate.*learning_rate"),
    _flag("no_flag", "train", "unexpected argument 'train'.*--name=value"),
    _flag("after_two_dashes", "--", "unexpected argument 'x'", "x"),
    _flag("empty_number", "--epochs=", "--epochs=: must be a whole number"),
    _flag("fraction", "--epochs=2.5", "--epochs=2.5: must be a whole number"),
    _flag("power", "--epochs=1e3", "--epochs=1e3: must be a whole number"),
    _flag("hexadecimal", "--gamma=0x10", "--gamma=0x10: must be a number"),
    _flag("comma", "--gamma=0,5", "--gamma=0,5: must be a number"),
    _flag("6000_digits", f"--epochs={_DIGITS}", r"--epochs=9{20,300}.*must be a whole number"),
    _flag("6000_letters", f"--dataset={6000 * 'a'}", r"--dataset=a{20,300}.*synthetic"),
    _flag("many_epochs", f"--epochs={10**20}", f"--epochs={10**20}: must be at most"),
    _flag("large_batch", "--batch_size=99999999999", "--batch_size=9+: must be at most"),
    _flag("large_latent", "--latent_dim=1000000000", "--latent_dim=10+: must be at most"),
    _flag("large_hidden", "--hidden_size=1000000000", "--hidden_size=10+: must be at most"),
    _flag("large_embedding", "--embedding_size=1000000000", "--embedding_size=.* at most"),
    _flag("many_samples", f"--iw_samples={10**12}", "--iw_samples=10+: must be at most"),
    _flag("long_sentences", f"--max_length={10**19}", "--max_length=10+: must be at most"),
    _flag("deep_flow", "--flow_depth=9999999", "--flow_depth=9+: must be at most",
          "--method=du_iaf"),
    _flag("wide_flow", "--flow_width=9999999", "--flow_width=9+: must be at most",
          "--method=du_iaf"),
    _flag("many_svi_steps", f"--svi_steps={10**12}", "--svi_steps=10+: must be at most",
          "--method=sa_vae"),
    _flag("refinement_that_stands_still", "--svi_rate=0", "--svi_rate=0.0: must be a finite number",
          "--method=sa_vae"),
    _flag("rate_of_another_method", "--svi_rate=0.1", "--svi_rate has no effect.* sa_vae"),
    _flag("many_examples", f"--max_train_examples={10**20}", "--max_train_examples=.* at most"),
    _flag("large_vocabulary", f"--vocab_size={10**20}", "--vocab_size=10+: must be at most"),
    _flag("negative_seed", "--seed=-3", "--seed=-3: must be at least 0"),
    _flag("no_learning", "--learning_rate=nan", "--learning_rate=nan: must be a finite number"),
    _flag("minutes_without_end", "--checkpoint_minutes=inf", "--checkpoint_minutes=inf"),
    _flag("truth_as_a_word", "--deterministic=perhaps", "--deterministic=perhaps"),
    _flag("value_of_truth_left_out", "--overwrite=", "--overwrite="),
    _flag("method_of_another_case", "--method=DU_VAE", "--method=DU_VAE.*du_vae"),
    _flag("no_file_named", "--flagfile", "--flagfile: .*file"),
    _flag("empty_file_name", "--flagfile=", "--flagfile=: no such file"),
    _flag("missing", "--flagfile={}/none.flags", "--flagfile=.*none.flags: no such file"),
    _flag("folder", "--flagfile={}", "--flagfile=.*: no such file"),
    _flag("device", "--flagfile=/dev/zero", "--flagfile=/dev/zero: no such file"),
    _flagfile("itself", _itself, r"--flagfile=.*a\.flags: .*itself"),
    _flagfile("in_a_circle", _beside("b"), r"--flagfile=.*a\.flags: .*itself", b=_beside("a")),
    _flagfile("included_file_is_missing", _beside("b"), r"--flagfile=.*b\.flags: no such file"),
    _flagfile("included_pipe", _beside("b"), r"--flagfile=.*b\.flags: no such file", b=os.mkfifo),
    _flagfile("included_device", b"--flagfile=/dev/zero\n", "--flagfile=/dev/zero: no such file"),
    _flagfile("ever_more_files", _beside("b", "b"), "more than 100 flagfiles", **{
        name: _beside(*2 * after) for name, after in zip("bcdefgh", "cdefghi", strict=True)},
              i=_LINE),
    _flagfile("2_mib", cases.sparse(2 * 2**20, _LINE), r"a\.flags: is larger than 1 MiB"),
    _flagfile("a_terabyte", cases.sparse(2**40, _LINE), r"a\.flags: is larger than 1 MiB"),
    _flagfile("latin_1", b"--run_dir=caf\xe9\n", r"a\.flags, line 1: byte 0xe9 is not UTF-8"),
    _flagfile("nul", b"--run_dir=a\0b\n", r"a\.flags, line 1: .*NUL"),
    _flagfile("prose", b"epochs = 3\n", "unexpected argument 'epochs = 3'"),
    _flagfile("unknown_flag", b"--nonsense\n", "nonsense"),
    _flagfile("bad_value", b"--epochs=many\n", "--epochs=many: must be a whole number"),
    _flagfile("flagfile_without_a_name", b"--flagfile\n", "--flagfile: .*file"),
    cases.Case("port", "--port=65536: must be from 0 to 65535", _serve(port=65536)),
    cases.Case("request_size", "--max_request_mb=0: must be from 1", _serve(max_request_mb=0)),
    cases.Case("name", "--name=a/b: must be made of letters", _serve(name="a/b")),
    cases.Case("name_with_a_space", "--name=a b: must be made of letters", _serve(name="a b")),
]
