"""Report of the largest files, functions and constructors of the package; it is no test.

``python -m tests.sizes [number of each]``; a star marks sizes above `COMFORTABLE`.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import tsrnn

PACKAGE = Path(inspect.getfile(tsrnn)).parent
COMFORTABLE = {"lines of a file": 400, "lines of a function": 50, "arguments of a constructor": 22}
Size = tuple[int, str]


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function's body, without signature, docstring and nested functions, which are counted on their own."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    lines = set(range(body[0].lineno, function.end_lineno + 1))
    for node in ast.walk(function):
        if node is not function and isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            lines -= set(range(first, node.end_lineno + 1))
    return len(lines)


def files() -> Iterable[Size]:
    """Number of lines and name of each file."""
    for path in PACKAGE.rglob("*.py"):
        yield len(path.read_text(encoding="utf-8").splitlines()), path.relative_to(PACKAGE).as_posix()


def functions() -> Iterable[Size]:
    """Number of lines of the body, and place, of each function."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield body_lines(node), f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno} {node.name}"


def constructors() -> Iterable[Size]:
    """Number of arguments and name of each public class."""
    for name in tsrnn.__all__:
        if inspect.isclass(getattr(tsrnn, name)):
            yield len(inspect.signature(getattr(tsrnn, name)).parameters), name


PARTS: dict[str, Callable[[], Iterable[Size]]] = dict(zip(COMFORTABLE, (files, functions, constructors), strict=True))


def main(n_each: int) -> None:
    """Print the largest `n_each` of each kind, and all above `COMFORTABLE`."""
    for what, sizes in PARTS.items():
        ranked = sorted(sizes(), reverse=True)
        large = [size for size, _ in ranked if size > COMFORTABLE[what]]
        print(f"{what}: {len(large)} of {len(ranked)} above {COMFORTABLE[what]}")
        for size, name in ranked[: max(n_each, len(large))]:
            print(f"  {size:5}{'*' if size > COMFORTABLE[what] else ' '} {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
