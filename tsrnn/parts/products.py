"""The products of a recurrent layer: weights times rows of the operand ``[x; 1; h; inner]``, by kind of weights.

Each layer has a table with one line for each product: first and last row of the operand, first and last gate, offset of
the weights, where the gradient by the operand goes, kind of the weights, and number of blocks. Names as in `recurrent`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np

from ..cells.cell import KINDS, Cell
from .operations import add_outer, add_product, copy_columns, copy_from_columns, inlined, matrix, product, vector, zero

#: Where a product's gradient by its operand goes: nowhere, to that of h (set or added), or of an inner operand.
NOTHING, SET_H, ADD_H, SET_INNER = range(4)
DENSE, DIAGONAL, BLOCK_DIAGONAL = map(KINDS.index, ("dense", "diagonal", "block_diagonal"))
#: Columns of the table of products.
N_COLUMNS = 8
#: Steps whose weight gradient is one product.
CHUNK = 16


# ---------------------------------------------------------------- the table
def product_table(cell: Cell, n_inputs: int, hidden_size: int, offset: int) -> np.ndarray:
    """Return the products of a layer whose first weight lies at `offset` in theta, int64 (n_products, N_COLUMNS)."""
    table = []
    for item, action in zip(cell.products, _actions(cell), strict=True):
        r0, r1 = cell.rows(item.operand, n_inputs, hidden_size)
        p0 = cell.planes.index(item.planes[0])
        p1 = p0 + len(item.planes)
        table.append((r0, r1, p0, p1, offset, action, KINDS.index(item.kind), item.n_blocks))
        offset += prod(item.shape(r1 - r0, hidden_size))
    return np.array(table, np.int64)


def _actions(cell: Cell) -> list[int]:
    """Return where each product's gradient by its operand goes; stages come from the last to the first."""
    actions: list[int] = []
    carries = False
    for stage in reversed(cell.stages):
        carries |= "dh" in stage.gradient_writes
        of_stage = []
        for item in stage.products:
            if item.operand in cell.inner:
                of_stage.append(SET_INNER + cell.inner.index(item.operand))
            elif not item.operand.endswith("h"):
                of_stage.append(NOTHING)
            else:
                of_stage.append(ADD_H if carries else SET_H)
                carries = True
        actions = of_stage + actions
    return actions


# ---------------------------------------------------------------- dense weights
@inlined
def apply_dense(theta, products, k, X, A, t):
    """A[t] of the product's gates = W @ operand at step t."""
    r0, r1, p0, p1, w = products[k, 0], products[k, 1], products[k, 2], products[k, 3], products[k, 4]
    G, N, K, B = A.shape[1], A.shape[2], X.shape[1], X.shape[2]
    rows = (p1 - p0) * (N // B)
    W = matrix(theta, w, rows, r1 - r0)
    product(W, matrix(X, (t * K + r0) * B, r1 - r0, B), matrix(A, (t * G + p0) * N, rows, B))


@inlined
def pass_back_dense(theta_t, products, k, A, D, dQ, t, B):
    """The gradient of h or of an inner operand from W.T @ dA[t]; these are the last H rows of the operand."""
    r0, r1, p0, p1, w = products[k, 0], products[k, 1], products[k, 2], products[k, 3], products[k, 4]
    action, G, N = products[k, 5], A.shape[1], A.shape[2]
    if action != NOTHING:
        H, rows = N // B, (p1 - p0) * (N // B)
        W_t = matrix(theta_t, w + rows * (r1 - r0 - H), H, rows)
        dA = matrix(A, (t * G + p0) * N, rows, B)
        if action == ADD_H:
            add_product(W_t, dA, matrix(D, 0, H, B))
        elif action == SET_H:
            product(W_t, dA, matrix(D, 0, H, B))
        else:
            product(W_t, dA, matrix(dQ, (action - SET_INNER) * N, H, B))


@inlined
def input_gradient(theta_t, products, A, t, dx):
    """dx (I, B) = sum over the products that read x of W_x.T @ dA[t]."""
    I, B = dx.shape
    G, N = A.shape[1], A.shape[2]
    first = True
    for k in range(products.shape[0]):
        if products[k, 0] == 0:
            p0, w = products[k, 2], products[k, 4]
            rows = (products[k, 3] - p0) * (N // B)
            W_t, dA = matrix(theta_t, w, I, rows), matrix(A, (t * G + p0) * N, rows, B)
            if first:
                product(W_t, dA, dx)
            else:
                add_product(W_t, dA, dx)
            first = False


@inlined
def side_by_side(A, X, t0, t1, chunk):
    """Copy gates and operands of steps t0 to t1 into `chunk`, all steps of a row side by side."""
    G, N, K, B = A.shape[1], A.shape[2], X.shape[1], X.shape[2]
    rows, m = G * (N // B), (t1 - t0) * B
    a, x = matrix(chunk, 0, rows, m), matrix(chunk, rows * m, K, m)
    for t in range(t0, t1):
        copy_columns(a, matrix(A, t * G * N, rows, B), (t - t0) * B)
        copy_columns(x, matrix(X, t * K * B, K, B), (t - t0) * B)


@inlined
def add_dense(grad, products, k, chunk, H, rows, m):
    """Add sum over steps of dA[t] @ operand[t].T to the gradient of W: one matrix product for all steps."""
    r0, p0, w = products[k, 0], products[k, 2], products[k, 4]
    columns, n = products[k, 1] - r0, (products[k, 3] - p0) * H
    dW = matrix(grad, w, n, columns)
    add_outer(matrix(chunk, p0 * H * m, n, m), matrix(chunk, (rows + r0) * m, columns, m), dW)


@inlined
def weight_gradient_dense(grad, products, A, X, t0, t1, chunk):
    """Add the weight gradients of steps t0 to t1 of all products to `grad`."""
    side_by_side(A, X, t0, t1, chunk)
    H = A.shape[2] // X.shape[2]
    for k in range(products.shape[0]):
        add_dense(grad, products, k, chunk, H, A.shape[1] * H, (t1 - t0) * X.shape[2])


# ---------------------------------------------------------------- products that read the inputs alone
@inlined
def input_products(theta, products, X, A, t0, t1, chunk):
    """A[t0:t1] of the products that read no state: one matrix product for all of these steps."""
    G, N, K, B = A.shape[1], A.shape[2], X.shape[1], X.shape[2]
    H, m = N // B, (t1 - t0) * B
    for k in range(products.shape[0]):
        if products[k, 0] == 0:
            columns, p0, w = products[k, 1], products[k, 2], products[k, 4]
            rows = (products[k, 3] - p0) * H
            x, out = matrix(chunk, 0, columns, m), matrix(chunk, columns * m, rows, m)
            for t in range(t0, t1):
                copy_columns(x, matrix(X, t * K * B, columns, B), (t - t0) * B)
            product(matrix(theta, w, rows, columns), x, out)
            for t in range(t0, t1):
                copy_from_columns(matrix(A, (t * G + p0) * N, rows, B), out, (t - t0) * B)


@inlined
def no_input_products(theta, products, X, A, t0, t1, chunk):
    """Do nothing: products that read inputs and state are computed step by step."""


# ---------------------------------------------------------------- other weights, which read h alone
def multiply_units(out, w, x):
    """out (H*B,) = w (H,) * x (H*B,), a weight for each unit."""
    B = x.size // w.size
    for u in range(w.size):
        for b in range(B):
            out[u * B + b] = w[u] * x[u * B + b]


def add_units(out, w, x):
    """out (H*B,) += w (H,) * x (H*B,), a weight for each unit."""
    B = x.size // w.size
    for u in range(w.size):
        for b in range(B):
            out[u * B + b] += w[u] * x[u * B + b]


def add_sums(dw, d, x):
    """dw (H,) += sum over the columns of d * x, both (H, m)."""
    m = d.shape[1]
    for u in range(dw.size):
        left, right, total = vector(d, u * m, m), vector(x, u * m, m), dw[u]
        for c in range(m):
            total += left[c] * right[c]
        dw[u] = total


@inlined
def apply_any(theta, products, k, X, A, t):
    """A[t] of the product's gates, by the kind of the product; those that read inputs alone are there already."""
    r0, p0, p1, w, kind, n = (
        products[k, 0], products[k, 2], products[k, 3], products[k, 4], products[k, 6], products[k, 7]
    )  # fmt: skip
    G, N, K, B = A.shape[1], A.shape[2], X.shape[1], X.shape[2]
    H, h = N // B, (t * K + r0) * B
    if kind == DENSE:
        if r0 > 0:
            apply_dense(theta, products, k, X, A, t)
    elif kind == DIAGONAL:
        for p in range(p0, p1):
            multiply_units(vector(A, (t * G + p) * N, N), vector(theta, w + (p - p0) * H, H), vector(X, h, N))
    else:
        size = H // n
        for block in range(n):
            for p in range(p0, p1):
                W = matrix(theta, w + (block * (p1 - p0) + p - p0) * size * size, size, size)
                at = block * size * B
                product(W, matrix(X, h + at, size, B), matrix(A, (t * G + p) * N + at, size, B))


@inlined
def pass_back_any(theta_t, products, k, A, D, dQ, t, B):
    """The gradient of h, by the kind of the product."""
    p0, p1, w, action, kind, n = (
        products[k, 2], products[k, 3], products[k, 4], products[k, 5], products[k, 6], products[k, 7]
    )  # fmt: skip
    G, N = A.shape[1], A.shape[2]
    H = N // B
    if kind == DENSE:
        pass_back_dense(theta_t, products, k, A, D, dQ, t, B)
    else:
        if action == SET_H:
            zero(vector(D, 0, N))
        if kind == DIAGONAL:
            for p in range(p0, p1):
                add_units(vector(D, 0, N), vector(theta_t, w + (p - p0) * H, H), vector(A, (t * G + p) * N, N))
        else:
            size = H // n
            for block in range(n):
                for p in range(p0, p1):
                    W_t = matrix(theta_t, w + (block * (p1 - p0) + p - p0) * size * size, size, size)
                    at = block * size * B
                    add_product(W_t, matrix(A, (t * G + p) * N + at, size, B), matrix(D, at, size, B))


@inlined
def weight_gradient_any(grad, products, A, X, t0, t1, chunk):
    """Add the weight gradients of steps t0 to t1 of all products to `grad`, by their kinds."""
    side_by_side(A, X, t0, t1, chunk)
    H, m = A.shape[2] // X.shape[2], (t1 - t0) * X.shape[2]
    rows = A.shape[1] * H
    for k in range(products.shape[0]):
        r0, p0, p1, w, kind, n = (
            products[k, 0], products[k, 2], products[k, 3], products[k, 4], products[k, 6], products[k, 7]
        )  # fmt: skip
        if kind == DENSE:
            add_dense(grad, products, k, chunk, H, rows, m)
        elif kind == DIAGONAL:
            for p in range(p0, p1):
                d, h = matrix(chunk, p * H * m, H, m), matrix(chunk, (rows + r0) * m, H, m)
                add_sums(vector(grad, w + (p - p0) * H, H), d, h)
        else:
            size = H // n
            for block in range(n):
                for p in range(p0, p1):
                    d = matrix(chunk, (p * H + block * size) * m, size, m)
                    h = matrix(chunk, (rows + r0 + block * size) * m, size, m)
                    at = w + (block * (p1 - p0) + p - p0) * size * size
                    add_outer(d, h, matrix(grad, at, size, size))


class ProductLoops(NamedTuple):
    """How the products of a cell are computed, passed back, and their weights' gradients accumulated."""

    of_inputs: Callable
    apply: Callable
    pass_back: Callable
    weight_gradient: Callable


def loops_of(cell: Cell) -> ProductLoops:
    """Return the functions for the cell's products; those of dense ones that read inputs and state compile sooner."""
    if any(item.operand == "x1h" for item in cell.products):
        return ProductLoops(no_input_products, apply_dense, pass_back_dense, weight_gradient_dense)
    return ProductLoops(input_products, apply_any, pass_back_any, weight_gradient_any)
