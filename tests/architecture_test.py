"""The code's own imports: their direction, and that Bazel's targets declare them."""

import ast
import pathlib
import textwrap
from collections.abc import Iterator

from absl.testing import absltest
from absl.testing import parameterized

# Under Bazel this file is a link into the source tree, which the test reads.
ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("bazel", "benchmarks", "docs", "du_vae_tf", "tests")

# From the bottom up: a package imports from itself and from what stands in its row.
_BASE = frozenset({
    "config", "console", "datasets", "errors", "fidelity", "files", "folder_lock", "json_files",
    "markdown_table", "methods", "networks", "report", "seeds", "startup"})
ALLOWED: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "console": frozenset(),
    "startup": frozenset(),
    "seeds": frozenset(),
    "datasets": frozenset(),
    "methods": frozenset(),
    "networks": frozenset(),
    "files": frozenset({"errors"}),
    "exhaustion": frozenset({"errors"}),
    "folder_lock": frozenset({"errors"}),
    "json_files": frozenset(),
    "machine": frozenset(),
    "markdown_table": frozenset(),
    "parent_process": frozenset(),
    "fidelity": frozenset({"methods"}),
    "config": frozenset({"datasets", "errors", "fidelity", "methods", "networks"}),
    "report": frozenset({"errors", "files", "json_files"}),
    "versions": frozenset({"errors"}),
    "layers": frozenset({"seeds"}),
    "posteriors": frozenset({"layers"}),
    "models": frozenset({"layers", "posteriors", "config", "methods", "networks", "seeds"}),
    "objectives": frozenset(),
    "estimators": frozenset({"models", "seeds"}),
    "data": frozenset({
        "config", "console", "datasets", "errors", "files", "json_files", "seeds"}),
    "training": _BASE | {"models", "objectives", "estimators", "data"},
    "analysis": _BASE | {"models", "estimators", "data", "training"},
    "serving": _BASE | {"models", "data", "training"},
    "embedding_jobs": _BASE | {"models", "estimators", "data", "training", "serving"},
    # It works from an exported model alone.
    "server": frozenset({"console", "errors", "json_files"}),
}
# The rest are entry points and what they share; nothing below imports them.
ENTRY_POINTS = frozenset({
    "__init__", "command_line", "dashboard", "embed", "evaluate", "export", "finished_runs",
    "flagfiles", "generate", "grids", "library", "pipeline", "probe", "programs", "reproduce",
    "reproduction", "serve", "sweep", "sweeping", "train", "visualize"})


def imported_modules(path: pathlib.Path) -> Iterator[str]:
  """Dotted names of what a file imports, wherever in it; a relative one begins with a dot."""
  for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
    if isinstance(node, ast.ImportFrom):
      for alias in node.names:
        yield f"{'.' * node.level}{node.module or ''}.{alias.name}"
    elif isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)


def is_ours(module: str) -> bool:
  """Whether a name is of this project; relative imports are, and no target can declare them."""
  return module.split(".")[0] in ("", *FOLDERS)


def files(root: pathlib.Path, pattern: str) -> list[pathlib.Path]:
  """Files of that name in the folders that hold code."""
  return sorted(path for folder in FOLDERS for path in root.glob(f"{folder}/**/{pattern}"))


def upward_imports(root: pathlib.Path) -> list[str]:
  """Imports that the table does not allow, as `file imports module`."""
  found = []
  for path in sorted(root.glob("du_vae_tf/**/*.py")):
    package = path.relative_to(root).with_suffix("").parts[1]
    if package in ENTRY_POINTS:
      continue
    for module in filter(is_ours, imported_modules(path)):
      top, _, rest = module.partition(".")
      if top != "du_vae_tf" or rest.split(".")[0] not in ALLOWED[package] | {package}:
        found.append(f"{path.relative_to(root)} imports {module}")
  return found


def targets(build_file: pathlib.Path) -> Iterator[tuple[str, list[str], list[str]]]:
  """Name, sources and dependencies of the Python targets of a BUILD file."""
  for node in ast.parse(build_file.read_text(encoding="utf-8")).body:
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not getattr(call.func, "id", "").startswith("du_py_"):
      continue
    values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords
              if keyword.arg in ("name", "srcs", "deps")}
    yield values["name"], values["srcs"], values.get("deps", [])


def label(package: str, target: str) -> str:
  """The full label of a target named in a package's BUILD file."""
  if target.startswith(":"):
    return f"//{package}{target}"
  return target if ":" in target else f"{target}:{target.rsplit('/', 1)[-1]}"


def undeclared_imports(root: pathlib.Path) -> list[str]:
  """Imports without a declared dependency, and files without a target."""
  found, covered = [], set()
  for build_file in files(root, "BUILD"):
    package = str(build_file.parent.relative_to(root))
    for _, sources, dependencies in targets(build_file):
      declared = {label(package, dependency) for dependency in dependencies}
      for source in sources:
        path = build_file.parent / source
        covered.add(path)
        for module in filter(is_ours, imported_modules(path)):
          # The package itself, `import du_vae_tf`, is a target of its name.
          *parents, name = ["du_vae_tf", module] if "." not in module else module.split(".")
          wanted = f"//{'/'.join(parents)}:{name}"
          if wanted not in declared:
            found.append(f"{path.relative_to(root)} imports {module} without {wanted}")
  return found + [f"{path.relative_to(root)} belongs to no target"
                  for path in files(root, "*.py") if path not in covered]


class ArchitectureTest(absltest.TestCase):

  def test_imports_point_down(self):
    self.assertEqual(upward_imports(ROOT), [])

  def test_targets_declare_what_they_import(self):
    self.assertEqual(undeclared_imports(ROOT), [])

  def test_the_code_is_really_there(self):
    self.assertGreater(len(list(ROOT.glob("du_vae_tf/**/*.py"))), 30)
    self.assertGreater(len(files(ROOT, "BUILD")), 10)

  def test_every_package_and_entry_point_is_in_the_table(self):
    names = {path.relative_to(ROOT).with_suffix("").parts[1]
             for path in ROOT.glob("du_vae_tf/**/*.py")}
    self.assertEqual(names, ALLOWED.keys() | ENTRY_POINTS)


class PlantedFaultTest(parameterized.TestCase):

  def plant(self, name: str, code: str, build: str) -> pathlib.Path:
    root = pathlib.Path(self.create_tempdir().full_path)
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_text(code)
    (path.parent / "BUILD").write_text(textwrap.dedent(build))
    return root

  @parameterized.parameters(
      "from du_vae_tf.training import loop", "import du_vae_tf.models.vae",
      "def f():\n  from du_vae_tf import command_line", "from tests import binaries",
      "import du_vae_tf", "from ..training import loop")
  def test_upward_import_is_found(self, code):
    root = self.plant("du_vae_tf/layers/x.py", code, "")
    self.assertLen(upward_imports(root), 1)

  def test_undeclared_dependency_is_found(self):
    build = """
        du_py_library(name = "x", srcs = ["x.py"], deps = ["//du_vae_tf:errors"])
    """
    root = self.plant("du_vae_tf/layers/x.py",
                      "from du_vae_tf import errors\nfrom du_vae_tf import seeds\n", build)
    self.assertEqual(undeclared_imports(root), [
        "du_vae_tf/layers/x.py imports du_vae_tf.seeds without //du_vae_tf:seeds"])

  def test_file_without_a_target_is_found(self):
    root = self.plant("du_vae_tf/layers/x.py", "", "")
    self.assertEqual(undeclared_imports(root), ["du_vae_tf/layers/x.py belongs to no target"])


if __name__ == "__main__":
  absltest.main()
