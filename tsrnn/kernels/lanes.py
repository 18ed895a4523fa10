"""Loops over lanes: the one loop that each equation needs, written for it, and the few vector operations beside them.

An equation takes and returns scalars. `lane_loop` writes the loop around it, with exactly the arrays that the equation
names, each as a one-dimensional row taken before the loop: indexing a plane inside the loop, or carrying rows that the
equation doesn't use, would keep LLVM from vectorising it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .jit import blas, each, equation, loop, meet, register
from .views import matrix, vector


def lane_loop(
    name: str, function: Callable, reads: Sequence[str], writes: Sequence[str], rows: Mapping[str, str], arguments: str
) -> Callable:
    """Write ``for n in range(N): a[n], b[n], ... = function(a[n], b[n], ...)`` and register it as `name`.

    Parameters
    ----------
    function : callable
        The equation.
    reads : sequence of str
        The rows that give its parameters, in order; a name that `rows` lacks is passed on as it is, a scalar.
    writes : sequence of str
        The rows that take what it returns, in order.
    rows : mapping of str to str
        The expression of each row in terms of `arguments`; it may call `vector`.
    arguments : str
        The parameters of the loop.
    """
    used = [name for name in dict.fromkeys([*reads, *writes]) if name in rows]
    lines = [f"def {name}({arguments}):"]
    lines += [f"    {row}_ = {rows[row]}" for row in used]
    lines += [f"    for n in range({used[0]}_.size):"]
    target = ", ".join(f"{row}_[n]" for row in writes)
    source = ", ".join(f"{row}_[n]" if row in rows else row for row in reads)
    lines += [f"        {target} = equation({source})"]
    namespace = {"equation": equation(function), "vector": vector}
    exec(compile("\n".join(lines), f"<lane loop {name}>", "exec"), namespace)
    return equation(register(namespace[name], name))


def parameters(function: Callable) -> list[str]:
    """The names of a function's parameters."""
    return list(inspect.signature(function).parameters)


@loop
def add(out, x):
    """out += x, both (n,)."""
    for n in each(out.size):
        out[n] += x[n]
    meet()


@loop
def copy(out, x):
    """out = x, both (n,): a loop, since compiling an assignment of arrays also compiles its error message."""
    for n in each(out.size):
        out[n] = x[n]
    meet()


@loop
def zero(out):
    """out (n,) = 0."""
    for n in each(out.size):
        out[n] = 0
    meet()


@loop
def fill(values, value):
    """values (n,) = value."""
    for n in each(values.size):
        values[n] = value
    meet()


@loop
def transpose(out, x):
    """out (n, m) = x (m, n).T."""
    for r in each(x.shape[0]):
        for k in range(x.shape[1]):
            out[k, r] = x[r, k]
    meet()


@loop
def copy_columns(out, rows, column):
    """Put `rows` (r, b) into the columns of `out` (r, m) from `column` on."""
    R, b = rows.shape
    m = out.shape[1]
    for r in range(R):
        copy(vector(out, r * m + column, b), vector(rows, r * b, b))


@blas
def product(w, x, out):
    """out = w @ x in blocks of rows small enough (m n k <= 1e6) for OpenBLAS' unpacked small-matrix kernels."""
    rows, k = w.shape
    n = x.shape[1]
    block = max(8, min(rows, 1_000_000 // (k * n)))
    for r in range(0, rows, block):
        m = min(block, rows - r)
        np.dot(matrix(w, r * k, m, k), x, matrix(out, r * n, m, n))


@loop
def add_product(w, x, out, part):
    """out (m, n) += w @ x, by way of the scratch `part`, 1-D and at least as large."""
    buffer = matrix(part, 0, out.shape[0], out.shape[1])
    product(w, x, buffer)
    add(vector(out, 0, out.size), vector(buffer, 0, out.size))


@blas
def outer(a, x, out):
    """out (m, k) = a (m, n) @ x (k, n).T."""
    np.dot(a, x.T, out)


@loop
def add_outer(a, x, out, part):
    """out (m, k) += a (m, n) @ x (k, n).T, by way of the scratch `part`."""
    buffer = matrix(part, 0, out.shape[0], out.shape[1])
    outer(a, x, buffer)
    add(vector(out, 0, out.size), vector(buffer, 0, out.size))
