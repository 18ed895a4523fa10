"""The vocabulary of operations: views of arrays, loops that a backend may deal out to threads, sums and products.

As they stand these functions run on NumPy, without a compiler. A backend puts its own in their place when it compiles
an operation: the CPU intrinsics, its BLAS and vectorised loops, a GPU the work of a team of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..functions.activations import ONE
from ..functions.random import fold, share_of_words

F = TypeVar("F", bound=Callable)


def inlined(function: F) -> F:
    """Mark a function that becomes part of its compiled caller before types are inferred: it has one caller."""
    function.is_inlined = True  # type: ignore[attr-defined]
    return function


# ---------------------------------------------------------------- views
def tensor1(arrays: Any, buffer: Any, tile: Any, like: Any) -> Any:
    """Return a buffer of a tile, flattened, of the precision of the array or number `like`."""
    return arrays[buffer][tile].reshape(-1)


def tensor2(arrays: Any, buffer: Any, tile: Any, like: Any) -> Any:
    """Return a buffer of a tile with two dimensions."""
    return arrays[buffer][tile]


def tensor3(arrays: Any, buffer: Any, tile: Any, like: Any) -> Any:
    """Return a buffer of a tile with three dimensions."""
    return arrays[buffer][tile]


def tensor4(arrays: Any, buffer: Any, tile: Any, like: Any) -> Any:
    """Return a buffer of a tile with four dimensions."""
    return arrays[buffer][tile]


def vector(base, offset, n):
    """Return elements offset to offset + n of the C-contiguous array `base`, (n,)."""
    return base.reshape(-1)[offset : offset + n]


def matrix(base, offset, rows, columns):
    """Return rows * columns elements of `base` from `offset` on, (rows, columns)."""
    return base.reshape(-1)[offset : offset + rows * columns].reshape(rows, columns)


# ---------------------------------------------------------------- threads
def each(n):
    """Return those of the numbers 0 to n - 1 that this thread works on: all, where one thread runs a tile."""
    return range(n)


def barrier():
    """Wait until all threads of the tile have come here; what one has written, another may read only afterwards."""


# ---------------------------------------------------------------- loops
def add(out, x):
    """out += x, both (n,)."""
    for n in each(out.size):
        out[n] += x[n]
    barrier()


def copy(out, x):
    """out = x, both (n,): a loop, since compiling an assignment of arrays also compiles its error message."""
    for n in each(out.size):
        out[n] = x[n]
    barrier()


def zero(out):
    """out (n,) = 0."""
    for n in each(out.size):
        out[n] = 0
    barrier()


def fill(out, value):
    """out (n,) = value."""
    for n in each(out.size):
        out[n] = value
    barrier()


def transpose(out, x):
    """out (n, m) = x (m, n).T."""
    for r in each(x.shape[0]):
        for k in range(x.shape[1]):
            out[k, r] = x[r, k]
    barrier()


def copy_columns(out, rows, column):
    """Copy `rows` (r, b) into the columns of `out` (r, m) from `column` on."""
    R, b = rows.shape
    m = out.shape[1]
    for r in range(R):
        copy(vector(out, r * m + column, b), vector(rows, r * b, b))


def copy_from_columns(out, rows, column):
    """Copy the columns of `rows` (r, m) from `column` on into `out` (r, b)."""
    R, b = out.shape
    m = rows.shape[1]
    for r in range(R):
        copy(vector(out, r * b, b), vector(rows, r * m + column, b))


def sum_lanes(values, out, B):
    """out[r] = sum over the B windows of values[r], for a parameter that all windows share."""
    for r in each(out.size):
        row = vector(values, r * B, B)
        total = row[0]
        for b in range(1, B):
            total += row[b]
        out[r] = total
    barrier()


def largest(values):
    """Return the largest of values (n,)."""
    result = values[0]
    for value in values:
        result = max(result, value)
    return result


def drop(values, dropout, key, layer, t, tile, B):
    """Multiply values (H*B,) by 0 or 1 / (1 - dropout), drawn for (key, layer, t, unit, window) and nothing else."""
    keep, limit = ONE / (ONE - dropout), share_of_words(dropout)
    step = fold(fold(key, np.uint64(layer)), np.uint64(t))
    for u in each(values.size // B):
        unit = fold(step, np.uint64(u))
        for b in range(B):
            if fold(unit, np.uint64(tile * B + b)) < limit:
                values[u * B + b] = 0
            else:
                values[u * B + b] *= keep
    barrier()


# ---------------------------------------------------------------- matrix products
def product(w, x, out):
    """out (m, n) = w (m, k) @ x (k, n)."""
    np.dot(w, x, out)


def add_product(w, x, out):
    """out (m, n) += w (m, k) @ x (k, n)."""
    out += np.dot(w, x)


def add_outer(a, x, out):
    """out (m, k) += a (m, n) @ x (k, n).T."""
    out += np.dot(a, x.T)
