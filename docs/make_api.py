"""Writes docs/api.md from the docstrings of the library: `bazel run //docs:make_api`.

Without Bazel: `python -m docs.make_api` in the root of the source tree.
"""

import ast
import inspect
import os
import pathlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import du_vae_tf
from du_vae_tf import files

_HEAD = """# Python API

What `import du_vae_tf` gives; made from the docstrings by `bazel run //docs:make_api`. A user's
mistake raises `UserError`, with one line that says what would be right; settings are called as the
[flags of the commands](../README.md). [quick_start](../notebooks/quick_start.ipynb) and
[latent_space](../notebooks/latent_space.ipynb) show it at work.
"""

# What Keras calls, and no user.
_HOOKS = frozenset({"call", "make_train_function", "save_own_variables", "load_own_variables"})

# Signatures break between arguments only.
_WIDTH = 80
_BOUND = "\N{NO-BREAK SPACE}"
_INDENTED = "\n    "

_SECTION = re.compile(r"(Args|Attributes|Raises|Returns):( .*)?")
_ITEM = re.compile(r"  (\*{0,2}\w+(?:, \w+)*): (.*)")


def page() -> str:
  """The whole page."""
  objects = {name: getattr(du_vae_tf, name) for name in sorted(
      du_vae_tf.__all__, key=lambda name: (not name.startswith("load"), name))}
  classes = [value for value in objects.values() if inspect.isclass(value)]
  shared = list(dict.fromkeys(
      base for one in classes for base in _own_bases(one)
      if sum(issubclass(other, base) for other in classes) > 1 and base not in classes))
  parts = [_HEAD]
  for value in [*objects.values(), *shared]:
    parts += _class(value, shared) if inspect.isclass(value) else _function(value, "## ")
  return "\n".join(parts)


def _own_bases(one: type) -> list[type]:
  """The bases of a class that are of this project."""
  return [base for base in one.__mro__[1:] if base.__module__.startswith("du_vae_tf")]


def _class(one: type, shared: Sequence[type]) -> Iterator[str]:
  yield f"## class `{one.__name__}`\n"
  yield from _markdown(inspect.getdoc(one) or "")
  own = [one, *(base for base in _own_bases(one) if base not in shared)]
  inherited = [base.__name__ for base in _own_bases(one) if base in shared and base is not one]
  if inherited:
    yield "Has the methods of " + ", ".join(
        f"[`{name}`](#class-{name.lower()})" for name in inherited) + ".\n"
  methods = {name: value for base in reversed(own) for name, value in vars(base).items()
             if inspect.isfunction(value) and not name.startswith("_") and name not in _HOOKS}
  for method in methods.values():
    yield from _function(method, "### ")


def _function(function: Callable[..., Any], heading: str) -> Iterator[str]:
  yield f"{heading}`{function.__name__}`\n"
  yield f"```python\n{_signature(function)}\n```\n"
  yield from _markdown(inspect.getdoc(function) or "")


def _signature(function: Callable[..., Any]) -> str:
  """As it stands in the source, without the names of the project's modules."""
  definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
  assert isinstance(definition, ast.FunctionDef) and definition.returns is not None
  modules = [name for name, value in vars(inspect.getmodule(function)).items()
             if inspect.ismodule(value) and value.__name__.startswith("du_vae_tf")]
  arguments = re.sub(r"^self(, )?", "", ast.unparse(definition.args))
  arguments = re.sub(r"(?<=[\w\]])=(?=[\w'])", " = ", arguments)
  # A comma between brackets separates no arguments.
  lines = textwrap.wrap(re.sub(r", (?![^\[]*\])", ",\n", arguments).replace(" ", _BOUND), _WIDTH)
  text = f"{definition.name}({_INDENTED.join(lines)}) -> {ast.unparse(definition.returns)}"
  text = text.replace(_BOUND, " ")
  return re.sub(rf"\b(?:{'|'.join(modules)})\.", "", text) if modules else text


def _markdown(docstring: str) -> Iterator[str]:
  """Paragraphs, code and lists of a docstring."""
  for block in re.split(r"\n\n", docstring):
    lines = block.split("\n")
    head = _SECTION.fullmatch(lines[0])
    if head is None:
      is_code = all(line.startswith("    ") for line in lines)
      yield f"```python\n{textwrap.dedent(block)}\n```\n" if is_code else f"{block}\n"
    elif head[2]:
      yield f"*{head[1]}*:{head[2]} " + " ".join(line.strip() for line in lines[1:]) + "\n"
    else:
      yield f"*{head[1]}*:\n"
      yield _section(lines[1:])


def _section(lines: Sequence[str]) -> str:
  """The items of a section as a list; one that has none as it is."""
  text = ""
  for line in lines:
    item = _ITEM.fullmatch(line)
    text += f"* `{item[1]}`: {item[2]}\n" if item else f"  {line.strip()}\n"
  return text if text.startswith("*") else textwrap.dedent(text)


def main() -> None:
  """Writes the page into the source tree."""
  path = pathlib.Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), "docs", "api.md")
  files.write_text_atomically(path, page())
  sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
  main()
