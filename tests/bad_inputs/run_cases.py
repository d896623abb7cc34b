"""Folders of runs, jobs and sweeps that are damaged, or of something else."""

import functools
import json
import pathlib
import shutil
from typing import Any

from du_vae_tf import config as config_lib
from du_vae_tf import report
from du_vae_tf.analysis import media
from du_vae_tf.analysis import probe_results
from du_vae_tf.data import array_cache
from du_vae_tf.data import encoding
from du_vae_tf.embedding_jobs import output_folder
from du_vae_tf.models import builders
from du_vae_tf.training import checkpoints
from du_vae_tf.training import optimizers
from du_vae_tf.training import regimes
from du_vae_tf.training import run_folder
from du_vae_tf.training import runs
from tests.bad_inputs import cases

_WORDS = ("<pad>", "<s>", "</s>", "<unk>", "a", "b", "c")
_SIZES = {"vocab_size": len(_WORDS), "max_words": 5}
_DEEP = 200_000 * b"[" + 200_000 * b"]"
_MIB = 2**20
REPORT = report.Report(
    dataset="text", method="vae", split="test", num_examples=2, iw_samples=3, nll=4.0,
    nll_std_error=0.5, ppl=6.0, elbo_nll=5.0, reconstruction=4.0, kl=1.0, mi=0.5, au=1, mpd=2.0,
    ce=1.5, latent_dim=2, seed=7, epochs=1, best_epoch=1, train_seconds=3.0, precision="float32")


@functools.cache
def _config() -> config_lib.RunConfig:
  return config_lib.resolve({
      "dataset": "text", "method": "vae", "latent_dim": 2, "hidden_size": 4, "embedding_size": 3,
      "epochs": 1, "precision": "float32"}, {})


def _state(folder: run_folder.RunFolder) -> checkpoints.Checkpoints:
  model = builders.build_model(_config(), _SIZES)
  make = functools.partial(regimes.REGIMES["text"].optimizer, 1.0)
  return checkpoints.Checkpoints(folder, model, optimizers.Optimizers(make, model))


@functools.cache
def _whole() -> pathlib.Path:
  """A run that was just trained; made once."""
  folder = run_folder.RunFolder(cases.kept_folder())
  folder.save_config(_config(), "digest", _SIZES)
  folder.vocabulary.write_text("".join(word + "\n" for word in _WORDS), encoding="utf-8")
  state = _state(folder)
  state.progress.epoch = state.progress.best_epoch = 1
  state.save_best(1)
  state.progress.step = 3
  state.save()
  REPORT.write(folder.report)
  return folder.path


def whole(path: pathlib.Path) -> None:
  """Writes a run."""
  shutil.copytree(_whole(), path)


def config(**changes: Any) -> bytes:
  """The content of a run's config.json, changed; what is changed to `...` is left out."""
  values = json.loads((_whole() / "config.json").read_text()) | changes
  return json.dumps({name: value for name, value in values.items() if value is not ...}).encode()


def _changed(**changes: Any) -> cases.Writer:
  return lambda path: path.write_bytes(config(**changes))


def load(folder: pathlib.Path) -> object:
  """Reads a run as the commands on finished runs do."""
  run = runs.load(str(folder / "run"))
  return media.of_run(run)


def _resume(folder: pathlib.Path) -> object:
  return _state(run_folder.RunFolder(folder / "run")).resume()


def _run(name: str, message: str, act: cases.Act = load,
         **files: bytes | cases.Writer) -> cases.Case:
  """A run of which something is damaged; `__` stands for a slash in the names."""
  return cases.Case(f"run_{name}", message, act, {
      "run": whole, **{f"run/{path.replace('__', '/').replace('_DOT_', '.')}": content
                       for path, content in files.items()}})


def _configuration(name: str, content: bytes | cases.Writer, message: str) -> cases.Case:
  return cases.Case(f"run_config_{name}", rf"config\.json: .*{message}", load,
                    {"run": whole, "run/config.json": content})


def _file(name: str, pattern: str, damage: cases.Writer, message: str,
          act: cases.Act = load) -> cases.Case:
  """A run of which the files of one name are damaged."""

  def write(path: pathlib.Path) -> None:
    for file in path.parent.glob(pattern):
      damage(file)

  return cases.Case(f"run_{name}", message, act, {"run": whole, "run/-": write})


def _halve(path: pathlib.Path) -> None:
  path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def _garble(path: pathlib.Path) -> None:
  path.write_bytes(bytes(255 - byte for byte in path.read_bytes()))


def _progress(text: str) -> cases.Writer:
  """Leaves one state, whose progress is this text."""

  def write(path: pathlib.Path) -> None:
    folder = run_folder.RunFolder(path.parent)
    state = _state(folder)
    for old in folder.checkpoints.iterdir():
      old.unlink()
    state.progress.step = 9
    state._tracked.serialize = lambda: text
    state.save()

  return write


def _report(name: str, content: bytes | cases.Writer, message: str) -> cases.Case:
  return cases.Case(f"report_{name}", rf"report\.json: not a report \(.*{message}",
                    lambda folder: report.Report.read(folder / "report.json").table(),
                    {"report.json": content})


def _report_with(**changes: Any) -> bytes:
  return json.dumps(json.loads(REPORT.to_json()) | changes).encode()


def _job(content: bytes | cases.Writer, name: str, message: str) -> cases.Case:
  return cases.Case(
      f"job_{name}", rf"job\.json: does not describe a job \(.*{message}",
      lambda folder: output_folder.OutputFolder(folder, "npy", 3).claim({"input": "x"}, {}),
      {"job.json": content})


def _probe(name: str, content: bytes | cases.Writer) -> cases.Case:
  return cases.Case(f"probe_{name}", r"p\.json: not the result of a probe",
                    lambda folder: probe_results.Probe.read(folder / "p.json"),
                    {"p.json": content})


def _cached(name: str, content: bytes | cases.Writer) -> cases.Case:
  return cases.Case(
      f"cache_{name}", r"cached: .*damaged.*delete",
      lambda folder: array_cache.load_or_make(
          folder / "cached", encoding.EncodedSplit, encoding.Counts, dict),
      {"cached/counts.json": content})


_BEST = r"best/epoch-1.*"
_LATEST = r"checkpoints/state-3.*"

CASES = [
    cases.Case("run_missing", "--run_dir=.*run: no run here", load),
    _configuration("empty", b"", "not a configuration"),
    _configuration("half", b'{"dataset": "te', "not a configuration of a run"),
    _configuration("deep", _DEEP, "nested too deeply"),
    _configuration("list", b"[1, 2]", "an object"),
    _configuration("not_utf_8", b"\xff\xfe", "not a configuration"),
    _configuration("100_mib", cases.sparse(100 * _MIB, b"{"), "larger than 1 MiB"),
    _configuration("a_terabyte", cases.sparse(2**40, b"{"), "larger than 1 MiB"),
    _configuration("number_of_6000_digits", b'{"epochs": ' + 6000 * b"9" + b"}", "digits"),
    _configuration("words_for_a_number", _changed(epochs="many"), "epochs"),
    _configuration("fraction_for_a_whole_number", _changed(hidden_size=4.5), "hidden_size"),
    _configuration("truth_for_a_number", _changed(latent_dim=True), "latent_dim"),
    _configuration("number_for_a_truth", _changed(deterministic=3), "deterministic"),
    _configuration("list_for_words", _changed(method=["vae"]), "method"),
    _configuration("object_for_a_path", _changed(train_file={}), "train_file"),
    _configuration("null_for_a_number", _changed(epochs=None), "epochs"),
    _configuration("negative", _changed(latent_dim=-1), "latent_dim=-1"),
    _configuration("huge_network", _changed(hidden_size=10**9), "hidden_size=10+: must be at"),
    _configuration("nan", _changed(learning_rate=float("nan")), "learning_rate=nan"),
    _configuration("unknown_method", _changed(method="gan"), "method=gan"),
    _configuration("method_of_two_lines", _changed(method="a\nb"), "--method=a b: must be one of"),
    _configuration("method_of_5000_words", _changed(method=5000 * "a "), "--method=a a a"),
    _configuration("without_hidden_size", _changed(hidden_size=...), "hidden_size"),
    _configuration("without_digest", _changed(data_digest=...), "data_digest"),
    _configuration("digest_is_a_number", _changed(data_digest=3), "data_digest"),
    _configuration("without_sizes", _changed(sizes=...), "sizes"),
    _configuration("sizes_are_a_list", _changed(sizes=[7]), "sizes"),
    _configuration("sizes_of_images", _changed(sizes={"side": 8}), "vocab_size"),
    _configuration("size_is_negative", _changed(sizes=_SIZES | {"vocab_size": -1}), "vocab_size"),
    _configuration("size_is_words", _changed(sizes=_SIZES | {"vocab_size": "7"}),
                   "sizes: must be an object, each entry a whole number"),
    _configuration("huge_vocabulary", _changed(sizes=_SIZES | {"vocab_size": 10**12}),
                   "vocab_size"),
    cases.Case("run_config_is_a_folder", "no run here", load, {
        "run/config.json": cases.folder}),
    _configuration("other_hidden_size", _changed(hidden_size=5), "|best/epoch-1.*other|fit"),
    _run("vocabulary_missing", r"vocab\.txt: no such file",
         vocab_DOT_txt=lambda path: path.unlink()),
    _run("vocabulary_cut", r"vocab\.txt: has 6 words.* 7", vocab_DOT_txt=lambda path: (
        path.write_text("\n".join(_WORDS[:-1]) + "\n"))),
    _run("vocabulary_of_more", r"vocab\.txt: has 8 words.* 7", vocab_DOT_txt=lambda path: (
        path.write_text("\n".join([*_WORDS, "d"]) + "\n"))),
    _file("best_missing", "best/*", lambda path: path.unlink(), "no best weights"),
    _file("best_data_missing", "best/*.data*", lambda path: path.unlink(), _BEST),
    _file("best_data_cut", "best/*.data*", _halve, _BEST),
    _file("best_data_empty", "best/*.data*", lambda path: path.write_bytes(b""), _BEST),
    _file("best_index_cut", "best/*.index", _halve, _BEST),
    _file("best_index_empty", "best/*.index", lambda path: path.write_bytes(b""), _BEST),
    _file("best_garbled", "best/epoch*", _garble, _BEST),
    _file("state_data_cut", "checkpoints/*.data*", _halve, _LATEST, _resume),
    _file("state_data_missing", "checkpoints/*.data*", lambda path: path.unlink(), _LATEST,
          _resume),
    _file("state_index_cut", "checkpoints/*.index", _halve, _LATEST, _resume),
    _file("state_garbled", "checkpoints/state*", _garble, _LATEST),
    _file("state_index_missing", "checkpoints/*.index", lambda path: path.unlink(),
          "checkpoints", _resume),
    _file("progress_is_no_json", "config.json", _progress("{"), "checkpoints/state-9"),
    _file("progress_is_a_list", "config.json", _progress("[]"), "checkpoints/state-9"),
    _file("progress_has_words", "config.json", _progress('{"epoch": "x"}'),
          "checkpoints/state-9.*epoch"),
    _file("progress_is_negative", "config.json", _progress('{"epoch": -1, "step": -4}'),
          "checkpoints/state-9.*epoch"),
    _file("progress_is_deep", "config.json", _progress(_DEEP.decode()), "checkpoints/state-9"),
    _report("empty", b"", ""),
    _report("list", b"[]", ""),
    _report("deep", _DEEP, "deep"),
    _report("100_mib", cases.sparse(100 * _MIB), "larger than 1 MiB"),
    _report("words", _report_with(nll="low"), "nll"),
    _report("truth", _report_with(au=True), "au"),
    _report("null", _report_with(nll=None), "nll"),
    _report("less", b'{"nll": 3.0}', "missing"),
    _report("more", _report_with(luck=3), "luck"),
    _report("name_of_two_lines", _report_with(**{"lat\nt_dim": 2}),
            r"\"lat\\nt_dim\": is no field"),
    _report("name_of_5000_letters", _report_with(**{5000 * "a": 2}),
            r"a{30,40}\.\.\.: is no field"),
    _report("folder", cases.folder, ""),
    _job(b"", "empty", ""),
    _job(b"[]", "list", ""),
    _job(_DEEP, "deep", "deep"),
    _job(cases.sparse(100 * _MIB), "100_mib", "larger than 1 MiB"),
    _probe("half", b"{"),
    _probe("list", b"[]"),
    _probe("deep", _DEEP),
    _probe("100_mib", cases.sparse(100 * _MIB)),
    _cached("half", b"{"),
    _cached("without_arrays", b'{"train": {"sentences": 1, "words": 1, "unknown": 0, "special": 0,'
                              b' "cut": 0, "blank_lines": 0}}'),
    _cached("other_fields", b'{"train": {"luck": 1}}'),
]
