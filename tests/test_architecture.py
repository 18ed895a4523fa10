"""Imports between the folders of the package, and other rules for the sources. `sizes` reports sizes."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import tsrnn

PACKAGE = Path(inspect.getfile(tsrnn)).parent
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
every_file = pytest.mark.parametrize("name", TREES)

#: Which others each folder or module of the package may import.
MAY_IMPORT: dict[str, set[str]] = {
    "messages": set(),
    "checks": {"messages"},
    "exceptions": set(),
    "signals": set(),
    "datasets": set(),
    "functions": set(),
    "cells": {"functions", "checks"},
    "losses": {"functions", "checks"},
    "parts": {"functions", "cells", "losses"},
    "kernels": {"functions", "cells", "losses", "parts", "data", "exceptions"},
    "data": {"functions", "checks"},
    "networks": {"functions", "cells", "losses", "data", "parts", "kernels"},
    "training": {"functions", "cells", "losses", "data", "kernels", "networks", "forecasting", "checks"},
    "forecasting": {"functions", "losses", "data", "networks", "checks"},
    "linear": {"data", "kernels"},
    "frame": {"checks", "messages"},
    "estimators": {
        "functions", "frame", "cells", "losses", "data", "kernels", "networks", "training", "forecasting", "linear",
        "checks", "exceptions",
    },
    "evaluation": {"frame", "checks", "messages", "exceptions"},
    "metrics": {"frame", "evaluation"},
    "plotting": {"frame", "estimators", "datasets", "checks", "messages"},
    "shell": {"signals", "messages"},
    "cli": {
        "cells", "losses", "training", "shell", "plotting", "estimators", "frame", "datasets", "checks", "messages",
        "exceptions",
    },
    "__main__": {"cli", "signals"},
}  # fmt: skip
#: These import public names from `tsrnn`, as users do.
USE_PUBLIC_NAMES = {"cli", "plotting", "__main__"}
#: The only folders and modules that may import these libraries.
ONLY_IMPORTED_IN = {
    "numba": {"kernels"},
    "llvmlite": {"kernels"},
    "threadpoolctl": {"kernels"},
    "pandas": {"frame", "evaluation", "datasets", "plotting", "cli"},
    "narwhals": {"frame"},
    "sklearn": {"estimators", "exceptions", "evaluation"},
    "matplotlib": {"plotting"},
    "click": {"cli", "shell"},
}


def top_level(name: str) -> str:
    """First part of a file's path, without .py: its folder, or the module itself."""
    return name.split("/")[0].removesuffix(".py")


def imports(name: str):
    """Absolute dotted names of all imports in a file, also those inside functions."""
    folder = ["tsrnn", *name.split("/")[:-1]]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.module else base
            yield from (".".join([*module, alias.name]) for alias in node.names)


# ---------------------------------------------------------------- imports
@every_file
def test_imports_run_one_way(name):
    own = top_level(name)
    if own == "__init__":
        return  # it imports its names when they are first used
    allowed = MAY_IMPORT[own] | {own, "__version__"}
    for imported in imports(name):
        parts = imported.split(".")
        if parts[0] == "tsrnn" and len(parts) > 1 and parts[1] not in tsrnn.__all__:
            assert parts[1] in allowed, f"{name} imports {imported}"
        elif parts[0] == "tsrnn":  # a public name
            assert own in USE_PUBLIC_NAMES, f"{name} imports {imported}"


@every_file
def test_libraries_are_imported_only_where_allowed(name):
    for imported in imports(name):
        homes = ONLY_IMPORTED_IN.get(imported.split(".")[0])
        assert homes is None or top_level(name) in homes, f"{name} imports {imported}"


def test_imports_have_no_cycle():
    done: set[str] = set()
    while len(done) < len(MAY_IMPORT):
        ready = {name for name, below in MAY_IMPORT.items() if name not in done and below <= done}
        assert ready, f"a cycle of imports among {set(MAY_IMPORT) - done}"
        done |= ready


def test_every_folder_is_listed():
    assert {top_level(name) for name in TREES} - {"__init__"} <= set(MAY_IMPORT)


@pytest.mark.parametrize("name", ["oracles.py", "oracles_of_metrics.py"])
def test_oracles_do_not_import_the_package(name):
    tree = ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("tsrnn") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert not (node.module or "").startswith("tsrnn")


# ---------------------------------------------------------------- guards
def words(name: str) -> set[str]:
    """Identifiers and strings of a file without docstrings, in lower case, split at underscores."""
    tree = TREES[name]
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
    }
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            found.append(node.value)
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.append(value)
    return {word for text in found for word in re.split(r"[^a-z0-9]+", text.lower())}


@pytest.mark.parametrize("name", [name for name in TREES if top_level(name) == "kernels"])
def test_kernels_name_no_cell_and_no_loss(name):
    from tsrnn.cells.registry import FAMILIES
    from tsrnn.losses.registry import LOSSES

    cells = {family.lower() for family in FAMILIES} | {"elman", "forget", "reset", "candidate"}
    assert not words(name) & (cells | set(LOSSES))


@every_file
def test_no_branch_on_a_strategy(name):
    """No code compares the name of a strategy, because all strategies have the same methods."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
            compared = [node.left, *node.comparators]
            names = [getattr(side, "attr", getattr(side, "id", "")) for side in compared]
            assert not any(re.fullmatch("_?strategy_?", each) for each in names), ast.unparse(node)
        elif isinstance(node, ast.Match):
            assert "strategy" not in ast.unparse(node.subject)


@every_file
def test_nothing_is_printed(name):
    if top_level(name) == "cli":
        return
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{name}:{node.lineno}"


# ---------------------------------------------------------------- constructors
ESTIMATORS = [name for name in tsrnn.__all__ if name.endswith(("Forecaster", "Regressor", "Classifier", "Generator"))]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_constructor_arguments_are_keyword_only(name):
    arguments = inspect.signature(getattr(tsrnn, name)).parameters.values()
    options = [each for each in arguments if each.name not in ("model", "members")]  # those of a meta-estimator
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in options)


def test_estimators_are_found():
    assert len(ESTIMATORS) >= 7
