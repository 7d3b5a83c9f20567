"""The structure: floors, public names, what an import costs, what the wheel holds."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import mlstm_fcn

PACKAGE = Path(mlstm_fcn.__file__).parent

# A module imports only from lower floors, or from its own folder; no two modules import each other.
FLOORS = {
    "": 0,  # the package itself: names, loaded lazily
    "_archives": 0,
    "_arrays": 0,
    "_checks": 0,
    "_children": 0,
    "_document": 0,
    "_documented": 0,
    "_files": 0,
    "_optional": 0,
    "_options": 0,
    "_orphans": 0,
    "_randomness": 0,
    "_versions": 0,
    "_warnings": 0,
    "_hdf5": 1,
    "_case_order": 1,
    "_groups": 1,
    "_npy": 1,
    "_pictures": 1,
    "engine": 1,
    "layers": 2,
    "models": 3,
    "datasets": 3,
    "channel_statistics": 3,
    "preprocess": 3,
    "persistence": 3,
    "loaders": 4,
    "memmap": 4,
    "training": 4,
    "fitting": 5,
    "export": 6,
    "_nested": 5,
    "estimators": 7,
    "explain": 7,
    "early": 8,
    "plotting": 8,
    "ablation": 8,
    "benchmark": 8,
    "doctor": 8,
    "trust": 8,
    "report": 9,
    "cli": 10,
    "__main__": 11,
}


def part(module):
    """The name that has a floor: `mlstm_fcn.layers.pooling` is part of `layers`."""
    return module.removeprefix("mlstm_fcn").lstrip(".").partition(".")[0]


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{path}: imports are absolute")
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "mlstm_fcn":
            if node.module == "mlstm_fcn":
                yield from (alias.name if alias.name in FLOORS else "" for alias in node.names)
            else:
                yield part(node.module)
        if isinstance(node, ast.Import):
            yield from (part(alias.name) for alias in node.names if alias.name.startswith("mlstm_fcn"))


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_floors(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for other in imported_parts(path):
        assert other == own or FLOORS[other] < FLOORS[own] or other == "", f"{own} imports {other}"


def test_every_module_has_a_floor():
    assert {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES} == set(FLOORS) - {""}


def module_name(path):
    return ".".join(["mlstm_fcn", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")


def imported_modules(path, known):
    """All modules of the package that a file imports: at its top, in functions, or for types."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name in known)


def circles(edges):
    """Groups of modules that import each other, directly or not (Tarjan's algorithm)."""
    index, low, stack, found = {}, {}, [], []

    def visit(module):
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in edges[module]:
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in edges:
        if module not in index:
            visit(module)
    return found


def test_no_modules_import_each_other_not_even_lazily_or_for_types():
    """A folder's own `__init__` is left out: it only lists names, for users."""
    files = {module_name(path): path for path in MODULES if path.name != "__init__.py"}
    edges = {module: set(imported_modules(path, files)) - {module} for module, path in files.items()}
    assert sum(map(len, edges.values())) > 200
    assert circles(edges) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_nothing_below_the_estimators_takes_an_estimator():
    """Fitting, saving, exporting and describing work on values. Explanations stand above, and take both."""
    for path in MODULES:
        if FLOORS[path.relative_to(PACKAGE).parts[0].removesuffix(".py")] < FLOORS["estimators"]:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    names = {one.arg for one in [*node.args.args, *node.args.kwonlyargs]}
                    assert "estimator" not in names, (path, node.name)


def test_estimators_are_thin():
    lines = [len(path.read_text().splitlines()) for path in (PACKAGE / "estimators").glob("*.py")]
    assert sum(lines) < 900


def test_only_engines_and_converters_name_a_backend():
    for path in MODULES:
        imports = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in _imported(node)
        }
        named = imports & {"tensorflow", "jax", "torch"}
        assert not named or path.parent.name == "engine" or path.name == "_tensorflow.py", path


def test_only_one_module_uses_the_network():
    network = {"requests", "urllib", "urllib3", "http", "socket", "ftplib"}
    users = {
        path.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and network & {name.partition(".")[0] for name in _imported(node)}
    }
    assert users == {"transfer.py"}


def _imported(node):
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout.split()


def loaded_in_order(path, seen):
    """Names that the modules of the package import when they are imported, as far as they are read first."""
    seen.add(path)
    for node in ast.parse(path.read_text()).body:
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            yield name
            inner = PACKAGE.joinpath(*name.split(".")[1:]) if name.startswith("mlstm_fcn.") else PACKAGE / "-"
            for file in (inner / "__init__.py", inner.with_suffix(".py")):
                if file.exists() and file not in seen:
                    yield from loaded_in_order(file, seen)


@pytest.mark.parametrize(
    "path", sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__init__.py")]), ids=lambda path: path.parent.name
)
def test_what_is_imported_first_imports_keras_quietly(path):
    for name in loaded_in_order(path, set()):
        if name == "mlstm_fcn.engine.start":
            return
        assert name.partition(".")[0] not in ("keras", "tensorflow", "jax"), f"{path} imports {name} first"


@pytest.mark.parametrize("module", ["mlstm_fcn", "mlstm_fcn.cli"])
def test_importing_loads_nothing_heavy(module):
    heavy = {"keras", "tensorflow", "sklearn", "sktime", "pandas", "numpy", "rich"}
    loaded = run_python(f"import sys, {module}; print(*sys.modules)")
    assert heavy.isdisjoint(loaded)


def test_estimators_and_data_sets_leave_the_choice_of_backend_open():
    loaded = run_python(
        "import sys; from mlstm_fcn import MLSTMFCNClassifier, datasets;"
        "MLSTMFCNClassifier().get_tags(); datasets.load('UnitTest'); print(*sys.modules)"
    )
    assert {"keras", "tensorflow"}.isdisjoint(loaded)


def test_an_exported_model_is_run_without_keras(onnx):
    code = f"from mlstm_fcn import export; export.load({str(onnx)!r}).outputs([[[1.0] * 100] * 6])"
    loaded = run_python(f"import sys; {code}; print(*sys.modules)")
    assert "onnxruntime" in loaded
    assert {"keras", "tensorflow", "sktime"}.isdisjoint(loaded)


def shown_names(path):
    """What a module defines without underscore, or re-exports as `import x as x`."""
    body = ast.parse(path.read_text()).body
    for_types = [line for block in body if isinstance(block, ast.If) for line in block.body]
    for node in body + for_types:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname for alias in node.names if alias.asname == alias.name)


@pytest.mark.parametrize(
    "folder",
    [
        "ablation",
        "benchmark",
        "datasets",
        "engine",
        "estimators",
        "explain",
        "export",
        "fitting",
        "layers",
        "loaders",
        "models",
        "plotting",
        "report",
        "trust",
    ],
)
def test_all_is_what_a_folder_shows(folder):
    module = import_module(f"mlstm_fcn.{folder}")
    shown = {name for name in shown_names(Path(module.__file__)) if not name.startswith("_")}
    assert sorted(shown) == sorted(module.__all__)


def test_package_lists_its_names_and_says_what_it_has_not():
    assert sorted(dir(mlstm_fcn)) == sorted(mlstm_fcn.__all__)
    assert all(getattr(mlstm_fcn, name) is not None for name in mlstm_fcn.__all__)
    with pytest.raises(AttributeError, match="module 'mlstm_fcn' has no attribute 'MLSTMFCN'"):
        _ = mlstm_fcn.MLSTMFCN


def test_no_file_is_over_250_lines():
    assert {path.name: n for path in MODULES if (n := len(path.read_text().splitlines())) > 250} == {}
