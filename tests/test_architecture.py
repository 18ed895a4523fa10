"""The rooms of the package and who may import whom, read from the sources. Their sizes: `sizes`."""

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

#: What each room may import of the others. The first part of a file's path is its room.
ROOMS: dict[str, set[str]] = {
    "messages": set(),
    "checks": {"messages"},
    "exceptions": set(),
    "signals": set(),
    "datasets": set(),
    "functions": set(),
    "cells": {"functions", "checks"},
    "losses": {"functions", "checks"},
    "parts": {"functions", "cells", "losses"},
    "kernels": {"functions", "cells", "losses", "parts", "exceptions"},
    "data": {"functions"},
    "networks": {"cells", "losses", "data", "parts", "kernels"},
    "training": {"functions", "losses", "data", "networks", "forecasting", "checks"},
    "forecasting": {"functions", "losses", "data", "networks", "checks"},
    "linear": {"data", "kernels"},
    "frame": {"checks", "messages"},
    "estimators": {
        "frame", "cells", "losses", "data", "kernels", "networks", "training", "forecasting", "linear", "checks",
        "exceptions",
    },
    "plotting": {"frame", "estimators", "datasets", "checks", "messages"},
    "shell": {"signals", "messages"},
    "cli": {"cells", "shell", "plotting", "estimators", "frame", "datasets", "checks", "messages", "exceptions"},
    "__main__": {"cli", "signals"},
}  # fmt: skip
#: These use the package as anybody else would.
ABOVE = {"cli", "plotting", "__main__"}
#: Where alone these may be imported.
HOMES = {
    "numba": {"kernels"},
    "llvmlite": {"kernels"},
    "threadpoolctl": {"kernels"},
    "pandas": {"frame", "datasets", "plotting", "cli"},
    "narwhals": {"frame"},
    "sklearn": {"estimators", "exceptions"},
    "matplotlib": {"plotting"},
    "click": {"cli", "shell"},
}


def room(name: str) -> str:
    """The room of a file."""
    return name.split("/")[0].removesuffix(".py")


def imports(name: str):
    """Absolute dotted names of all that a file imports, wherever it does."""
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
    own = room(name)
    if own == "__init__":
        return  # its names are imported when they are first used
    allowed = ROOMS[own] | {own, "__version__"}
    for imported in imports(name):
        parts = imported.split(".")
        if parts[0] == "tsrnn" and len(parts) > 1 and parts[1] not in tsrnn.__all__:
            assert parts[1] in allowed, f"{name} imports {imported}"
        elif parts[0] == "tsrnn":  # a public name
            assert own in ABOVE, f"{name} imports {imported}"


@every_file
def test_each_library_has_its_home(name):
    for imported in imports(name):
        homes = HOMES.get(imported.split(".")[0])
        assert homes is None or room(name) in homes, f"{name} imports {imported}"


def test_rooms_have_no_circle():
    done: set[str] = set()
    while len(done) < len(ROOMS):
        ready = {name for name, below in ROOMS.items() if name not in done and below <= done}
        assert ready, f"a circle among {set(ROOMS) - done}"
        done |= ready


def test_every_room_is_known():
    assert {room(name) for name in TREES} - {"__init__"} <= set(ROOMS)


def test_oracles_stand_on_their_own():
    tree = ast.parse((Path(__file__).parent / "oracles.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("tsrnn") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert not (node.module or "").startswith("tsrnn")


# ---------------------------------------------------------------- guards
def words(name: str) -> set[str]:
    """Identifiers and strings of a file, docstrings aside, in small letters and cut at underscores."""
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


@pytest.mark.parametrize("name", [name for name in TREES if room(name) == "kernels"])
def test_kernels_name_no_cell_and_no_loss(name):
    from tsrnn.cells.registry import FAMILIES
    from tsrnn.losses.registry import LOSSES

    cells = {family.lower() for family in FAMILIES} | {"elman", "forget", "reset", "candidate"}
    assert not words(name) & (cells | set(LOSSES))


@every_file
def test_no_branch_on_a_strategy(name):
    """A strategy is one file with the functions that all have: nobody needs to ask for its name."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
            compared = [node.left, *node.comparators]
            names = [getattr(side, "attr", getattr(side, "id", "")) for side in compared]
            assert not any(re.fullmatch("_?strategy_?", each) for each in names), ast.unparse(node)
        elif isinstance(node, ast.Match):
            assert "strategy" not in ast.unparse(node.subject)


@every_file
def test_nothing_is_printed(name):
    if room(name) == "cli":
        return
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{name}:{node.lineno}"


# ---------------------------------------------------------------- constructors
ESTIMATORS = [name for name in tsrnn.__all__ if name.endswith(("Forecaster", "Regressor"))]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_constructors_take_keywords_alone(name):
    arguments = inspect.signature(getattr(tsrnn, name)).parameters.values()
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in arguments)


def test_there_are_estimators():
    assert len(ESTIMATORS) >= 7
