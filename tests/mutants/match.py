"""Find a fragment of code in the syntax trees of the package, and replace it.

A pattern is Python, an expression or statements, compared without layout, comments and docstrings. In it a name that
begins with two underscores stands for any one expression or statement, and with a star, ``*__rest``, for any number of
arguments, elements or statements; ``**__rest`` for any number of keyword arguments. In a replacement the same names
are replaced by what they matched. Strings are compared without white space, because some contain code.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).parents[2] / "tsrnn"
#: Fields of a node that do not affect its meaning.
SILENT = {"ctx", "kind", "type_comment", "type_ignores"}
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Holes = dict[str, Any]


class MisfitError(ValueError):
    """A pattern matches at no place, or at more than one place."""


class Place(NamedTuple):
    """A match: items `first` to `last` of the list `field` of `parent`, or the whole field; and matches of holes."""

    parent: ast.AST
    field: str
    first: int | None
    last: int | None
    holes: Holes


# ---------------------------------------------------------------- patterns
def parse(old: str, new: str) -> tuple[Any, Any]:
    """Parse both as expressions if possible, otherwise as lists of statements; `new` = "" removes them."""
    try:
        return tuple(ast.parse(text.strip(), mode="eval").body for text in (old, new))  # type: ignore[return-value]
    except SyntaxError:
        return ast.parse(old).body, ast.parse(new).body


def hole_of(node: Any) -> tuple[str, bool]:
    """Name of the hole (a name like ``__x``) that a pattern node is, or ""; and whether it matches any number."""
    if isinstance(node, ast.Expr):
        node = node.value
    many = isinstance(node, ast.Starred) or (isinstance(node, ast.keyword) and node.arg is None)
    inner = node.value if many else node
    is_hole = isinstance(inner, ast.Name) and inner.id.startswith("__") and not inner.id.endswith("__")
    return (inner.id, many) if is_hole else ("", False)


def matches(pattern: Any, node: Any, holes: Holes) -> Holes | None:
    """`holes` with what they matched if `node` matches `pattern`, otherwise None."""
    name, many = hole_of(pattern)
    if name and not many and isinstance(node, ast.AST):
        return _bind(name, node, holes)
    if isinstance(pattern, list) and isinstance(node, list):
        return _match_items(pattern, node, holes)
    if isinstance(pattern, str) and isinstance(node, str):
        return holes if "".join(pattern.split()) == "".join(node.split()) else None
    if not isinstance(pattern, ast.AST):
        return holes if type(pattern) is type(node) and pattern == node else None
    if type(pattern) is not type(node):
        return None
    found: Holes | None = holes
    for field in pattern._fields:
        if field not in SILENT and found is not None:
            found = matches(getattr(pattern, field), getattr(node, field), found)
    return found


def _match_items(patterns: list, nodes: list, holes: Holes) -> Holes | None:
    if not patterns:
        return None if nodes else holes
    name, many = hole_of(patterns[0])
    if not many:
        found = matches(patterns[0], nodes[0], holes) if nodes else None
        return None if found is None else _match_items(patterns[1:], nodes[1:], found)
    for n in range(len(nodes) + 1):
        found = _bind(name, nodes[:n], holes)
        found = None if found is None else _match_items(patterns[1:], nodes[n:], found)
        if found is not None:
            return found
    return None


def _bind(name: str, node: Any, holes: Holes) -> Holes | None:
    """`holes` with one more; a name that occurs twice must match equal code."""
    if name in holes:
        return holes if _text(holes[name]) == _text(node) else None
    return {**holes, name: node}


def _text(node: Any) -> str:
    return "\n".join(ast.dump(each) for each in node) if isinstance(node, list) else ast.dump(node)


# ---------------------------------------------------------------- places
def scopes(tree: ast.AST, qualified: str) -> list[ast.AST]:
    """Functions and classes whose dotted name is or ends with `qualified`; for "", the module."""
    if not qualified:
        return [tree]
    wanted = qualified.split(".")
    found = []

    def visit(node: ast.AST, names: list[str]) -> None:
        for child in ast.iter_child_nodes(node):
            own = [*names, child.name] if isinstance(child, SCOPES) else names
            if own is not names and own[-len(wanted) :] == wanted:
                found.append(child)
            visit(child, own)

    visit(tree, [])
    return found


def places(tree: ast.AST, qualified: str, pattern: Any) -> list[Place]:
    """All places in these functions that match `pattern`."""
    found: dict[tuple, Place] = {}
    for scope in scopes(tree, qualified):
        for place in _places_in(scope, pattern):
            found.setdefault((id(place.parent), place.field, place.first), place)
    return list(found.values())


def _places_in(scope: ast.AST, pattern: Any) -> Iterator[Place]:
    for parent in ast.walk(scope):
        for field, value in ast.iter_fields(parent):
            if isinstance(pattern, list):
                yield from _runs(parent, field, value, pattern)
                continue
            for i, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                holes = matches(pattern, node, {}) if isinstance(node, ast.expr) else None
                if holes is not None:
                    yield Place(parent, field, i, None if i is None else i + 1, holes)


def _runs(parent: ast.AST, field: str, value: Any, pattern: list) -> Iterator[Place]:
    """Sequences of neighbouring statements that match; the shortest one from each first statement."""
    if not (isinstance(value, list) and value and isinstance(value[0], ast.stmt)):
        return
    for first in range(len(value)):
        for last in range(first + 1, len(value) + 1):
            holes = matches(pattern, value[first:last], {})
            if holes is not None:
                yield Place(parent, field, first, last, holes)
                break


# ---------------------------------------------------------------- replacements
class _Fill(ast.NodeTransformer):
    """Inserts the matches of holes into a replacement."""

    def __init__(self, holes: Holes):
        self.holes = holes

    def visit(self, node: ast.AST) -> Any:
        name, many = hole_of(node)
        if not name:
            return self.generic_visit(node)
        matched = copy.deepcopy(self.holes[name])
        if isinstance(node, ast.Expr) and isinstance(matched, ast.expr):
            return ast.Expr(matched)
        return matched


def replace(place: Place, new: Any) -> None:
    """Replace the code at `place` by `new`."""
    nodes: list[Any] = []
    for node in new if isinstance(new, list) else [new]:
        filled = _Fill(place.holes).visit(copy.deepcopy(node))
        nodes += filled if isinstance(filled, list) else [filled]
    if place.first is None:
        setattr(place.parent, place.field, nodes[0])
    else:
        statements = getattr(place.parent, place.field)
        statements[place.first : place.last] = nodes
        if not statements and place.field == "body":
            statements.append(ast.Pass())


@functools.cache
def sources(package: Path = PACKAGE) -> dict[str, str]:
    """The text of every file of the package, by its path in it."""
    return {
        path.relative_to(package).as_posix(): path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))
    }


def fault(at: str, old: str, new: str, texts: dict[str, str]) -> tuple[str, str]:
    """The file that contains `old`, and its text with `new` in its place.

    ``at`` is ``file::function``; if the function is not in this file, the other files are searched.
    """
    file, _, qualified = at.partition("::")
    pattern, replacement = parse(old, new)
    for files in ([file] if file in texts else [], [name for name in texts if name != file]):
        trees = {name: ast.parse(texts[name]) for name in files}
        found = [(name, place) for name, tree in trees.items() for place in places(tree, qualified, pattern)]
        if len(found) > 1:
            lines = ", ".join(f"{name}:{_line(place)}" for name, place in found)
            raise MisfitError(f"fits {len(found)} times ({lines}), not once: {old!r} in {at}")
        if found:
            name, place = found[0]
            replace(place, replacement)
            return name, ast.unparse(ast.fix_missing_locations(trees[name])) + "\n"
    elsewhere = [name for name, text in texts.items() if places(ast.parse(text), "", pattern)]
    hint = f"; other functions of {', '.join(elsewhere)} have it" if elsewhere else ""
    raise MisfitError(f"fits nowhere: {old!r} in {at}{hint}")


def _line(place: Place) -> int:
    value = getattr(place.parent, place.field)
    return (value if place.first is None else value[place.first]).lineno
