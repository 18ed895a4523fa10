"""`tests.mutants.match`: code is replaced by means of the syntax tree, and must match exactly once."""

from __future__ import annotations

import ast

import pytest

from .mutants.match import MisfitError, fault

SOURCE = """
import numpy as np

def build(n):
    def loop(x):
        # the first one counts twice
        total = 2 * x[0]
        for k in range(1, n):
            total += x[k]
        pause()
        return total
    return loop

class Filter:
    def update(self, x, *, gain=1.0):
        text = f"new_{x} = old_{x} if late else 0"
        self.state = self.state + gain * (x - self.state)
        return build(len(x), text, again=gain, last="peek(x, t + 1)")
"""
TEXTS = {"a.py": SOURCE, "b/c.py": "def other(x):\n    return x[0]\n"}

#: name: place, code, replacement, and (text in SOURCE, text after the change).
CASES = {
    "an expression": ("a.py::loop", "2 * x[0]", "x[0]", ("2 * x[0]", "x[0]")),
    "a part of one": ("a.py::Filter.update", "x - self.state", "x", ("(x - self.state)", "x")),
    "by the end of its name": ("a.py::build.loop", "range(1, n)", "range(2, n)", ("range(1, n)", "range(2, n)")),
    "in all of the file": ("a.py::", "range(1, n)", "range(2, n)", ("range(1, n)", "range(2, n)")),
    "a statement removed": ("a.py::loop", "pause()", "", ("        pause()\n", "")),
    "all statements of a body": ("a.py::loop", "total += x[k]", "", ("total += x[k]", "pass")),
    "statements that follow": (
        "a.py::loop",
        "pause()\nreturn total",
        "return 0",
        ("pause()\n        return total", "return 0"),
    ),
    "a body kept": ("a.py::loop", "for k in __all: *__body", "if n: *__body", ("for k in range(1, n):", "if n:")),
    "arguments kept": ("a.py::update", "build(*__a, **__k)", "f(*__a, **__k)", ("build(len(x)", "f(len(x)")),
    "one argument of several": (
        "a.py::update",
        "build(*__a, text, **__k)",
        "build(*__a, 0, **__k)",
        (", text, ", ", 0, "),
    ),
    "a template": (
        "a.py::update",
        'f"new_{x} = old_{x}  if late else 0"',
        '""',
        ('f"new_{x} = old_{x} if late else 0"', "''"),
    ),
    "code in a string": ("a.py::update", "'peek(x,t+1)'", "'peek(x, t)'", ("peek(x, t + 1)", "peek(x, t)")),
    "a default": ("a.py::update", "1.0", "2.0", ("1.0", "2.0")),
}

LAYOUT = {
    "2 * x[0]": "(2 *\n            x[ 0 ])  # twice",
    "        pause()\n": "        # wait\n\n        pause( )\n",
    "for k in range(1, n):\n": "for k in range(\n            1, n,\n        ):  # the others\n",
    "total += x[k]": "(total) += (x[k])",
    "len(x), text, again": "len(x),\n            text,  # what\n            again",
    "gain * (x - self.state)": "(gain) * ((x) - (self.state))",
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_put_in(case):
    at, old, new, (text, instead) = CASES[case]
    assert SOURCE.count(text) == 1
    file, made = fault(at, old, new, TEXTS)
    assert file == "a.py"
    assert ast.dump(ast.parse(made)) == ast.dump(ast.parse(SOURCE.replace(text, instead)))


@pytest.mark.parametrize("case", CASES)
def test_layout_and_comments_do_not_matter(case):
    """Neither does the place of the function, in the file or in another file."""
    at, old, new, _ = CASES[case]
    expected = fault(at, old, new, TEXTS)[1]
    laid_out = SOURCE
    for text, otherwise in LAYOUT.items():
        assert laid_out.count(text) == 1
        laid_out = laid_out.replace(text, otherwise)
    assert ast.dump(ast.parse(fault(at, old, new, {"a.py": laid_out})[1])) == ast.dump(ast.parse(expected))
    moved = {"a.py": "", "b/c.py": TEXTS["b/c.py"], "d.py": SOURCE}
    assert fault(at, old, new, moved) == ("d.py", expected)


@pytest.mark.parametrize(
    ("at", "old", "message"),
    [
        ("a.py::loop", "3 * x[0]", r"fits nowhere: '3 \* x\[0\]' in a.py::loop$"),
        ("a.py::build", "x - self.state", r"fits nowhere: .* in a.py::build; other functions of a.py have it"),
        ("a.py::update", "self.state", r"fits 3 times \(a.py:17, a.py:17, a.py:17\), not once"),
        ("gone.py::", "x[0]", r"fits 2 times \(a.py:7, b/c.py:2\), not once"),
        ("a.py::loop", "1.0", "fits nowhere"),
        ("a.py::update", "gain * (__x - __x)", "fits nowhere"),  # the same name in a pattern stands for the same code
    ],
)
def test_a_misfit_is_an_error(at, old, message):
    with pytest.raises(MisfitError, match=message):
        fault(at, old, "0", TEXTS)


def test_numbers_of_another_type_are_others():
    for old in ("1", "True"):
        with pytest.raises(MisfitError, match="fits nowhere"):
            fault("a.py::update", f"f({old})", "0", {"a.py": "def update():\n    return f(1.0)\n"})
