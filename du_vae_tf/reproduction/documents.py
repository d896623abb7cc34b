"""The document of an exhibit, as Markdown and as one HTML file with its pictures inside."""

import base64
import importlib.metadata
import pathlib
import platform
import re
from collections.abc import Sequence

import markdown

from du_vae_tf import files
from du_vae_tf import machine
from du_vae_tf.reproduction import contents
from du_vae_tf.reproduction import exhibits
from du_vae_tf.reproduction import running
from du_vae_tf.reproduction import sections

_PACKAGES = ("tensorflow", "tensorflow-probability", "keras")
_STYLE = ("body{font-family:sans-serif;margin:2em;max-width:100em}"
          "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3em .6em;"
          "text-align:left;vertical-align:top}img{max-width:100%}code{white-space:pre-wrap}")
_PICTURE = re.compile(r'src="([^":]+\.png)"')


def write(name: str, exhibit: exhibits.Exhibit, outcomes: Sequence[running.Outcome],
          total: int, scale: str, command: str, root: pathlib.Path) -> list[pathlib.Path]:
  """Writes both forms.

  Args:
    name: of the exhibit, e.g. "Table 2".
    exhibit: what is shown.
    outcomes: so far.
    total: number of runs in all.
    scale: `paper` or `small`.
    command: what made it.
    root: folder of the documents; pictures lie in a folder below.

  Returns:
    The files.
  """
  stem = root / slug(name)
  text = _text(name, exhibit, outcomes, total, scale, command, root)
  page = markdown.markdown(text, extensions=["tables"])
  page = _PICTURE.sub(lambda match: f'src="{_data(root / match[1])}"', page)
  paths = [stem.with_suffix(".md"), stem.with_suffix(".html")]
  files.write_text_atomically(paths[0], text)
  files.write_text_atomically(paths[1], (
      f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
      f"<style>{_STYLE}</style></head><body>\n{page}\n</body></html>\n"))
  return paths


def slug(name: str) -> str:
  """The name of the exhibit as a file's, e.g. "table_2"."""
  return name.lower().replace(" ", "_")


def _text(name: str, exhibit: exhibits.Exhibit, outcomes: Sequence[running.Outcome], total: int,
          scale: str, command: str, root: pathlib.Path) -> str:
  changed = any(outcome.job.is_changed for outcome in outcomes)
  reduced = (" Runs differ from the paper's in what their commands change: where sizes, data or"
             " epochs are cut, the numbers do not compare with the published ones." if changed
             else "")
  parts = [f"# {name}: {exhibit.title}\n",
           f"{len(outcomes)} of {total} runs, `--scale={scale}`.{reduced}\n",
           f"```\n{command}\n```\n"]
  content = contents.of(exhibit.kind, outcomes, root / slug(name))
  if content:
    parts.append(content)
  if any(outcome.report is not None for outcome in outcomes):
    parts.append("## Likelihoods\n\nTest split, nats per example, at the best epoch; MPD and CE are"
                 " those of equations 3 and 5. Several seeds: mean and standard deviation.\n")
    parts.append(sections.likelihoods(outcomes))
  parts.append(f"## Runs\n\n{sections.runs(outcomes)}\n{_machine()}\n")
  return "\n".join(parts)


def _machine() -> str:
  """What the document was made on."""
  versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
  return f"Machine: {machine.processor()}; Python {platform.python_version()}, {versions}."


def _data(path: pathlib.Path) -> str:
  return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
