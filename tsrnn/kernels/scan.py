"""One layer over time: the scan and its gradient (backpropagation through time), built for a cell.

Shapes, for one tile of B lanes, T steps, I inputs, H units, N = H*B, P planes, S states, J inner operands:

    X   (T+1, K, B)    stacked operand [x; 1; h; inner], K >= I + 1 + H + J H; h of step t lies at t+1, from row i = I+1
    A   (T, P, N)      gate planes: pre-activations, then activations, then their gradients
    C   (T+1, S-1, N)  the states beside h
    D   (S, N)         gradients of the states; dQ (J, N) those of the inner operands

`blocks` is a table with one line for each product: first row, last row (of the operand), first plane, last plane,
offset of its weights, and what its input gradient does (`NOTHING`, `SET_H`, `ADD_H`, or `SET_INNER` + operand).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from ..cells.cell import Cell, Stage
from .jit import inlined, loop, register
from .lanes import add, add_outer, add_product, copy, copy_columns, lane_loop, parameters, product
from .layout import ADD_H, CHUNK, NOTHING, SET_H, SET_INNER
from .views import matrix, vector


class LayerLoops(NamedTuple):
    """What a cell's layer is made of."""

    scan: Callable
    bptt: Callable


def build_layer(cell: Cell) -> LayerLoops:
    """The two loops over time of a layer of `cell`."""
    forwards, gradients, first = [], [], 0
    for index, stage in enumerate(cell.stages):
        last = first + len(stage.products)
        forwards.append(_build_stage(cell, stage, f"{cell.name}_{index}", first, last))
        gradients.append(_build_stage_gradient(cell, stage, f"{cell.name}_{index}", first, last))
        first = last
    step = functools.reduce(_then, forwards)
    step_gradient = functools.reduce(_then_gradient, reversed(gradients))
    return LayerLoops(_build_scan(cell, step), _build_bptt(cell, step_gradient))


# ---------------------------------------------------------------- stages
def _rows(cell: Cell) -> dict[str, str]:
    """Where an equation finds what it names at step `t`, in terms of the arguments of its lane loop."""
    P, S = len(cell.planes), len(cell.states)
    n = "A.shape[2]"
    rows = {plane: f"vector(A, (t * {P} + {p}) * {n}, {n})" for p, plane in enumerate(cell.planes)}
    rows["h_prev"] = f"vector(X, (t * X.shape[1] + i) * X.shape[2], {n})"
    rows["h"] = f"vector(X, ((t + 1) * X.shape[1] + i) * X.shape[2], {n})"
    for s, state in enumerate(cell.states):
        rows[f"d{state}"] = f"vector(D, {s} * {n}, {n})"
        if s > 0:
            rows[f"{state}_prev"] = f"vector(C, (t * {S - 1} + {s - 1}) * {n}, {n})"
            rows[state] = f"vector(C, ((t + 1) * {S - 1} + {s - 1}) * {n}, {n})"
    for j, inner in enumerate(cell.inner):
        rows[inner] = f"vector(X, (t * X.shape[1] + i) * X.shape[2] + {j + 1} * {n}, {n})"
        rows[f"d{inner}"] = f"vector(dQ, {j} * {n}, {n})"
    return rows


def _build_stage(cell: Cell, stage: Stage, name: str, first: int, last: int) -> Callable:
    reads = parameters(stage.forward)
    lanes = lane_loop(f"{name}_lanes", stage.forward, reads, stage.writes, _rows(cell), "X, A, C, t, i")

    def forward(theta, blocks, X, A, C, t, i):
        P, N, K, B = A.shape[1], A.shape[2], X.shape[1], X.shape[2]
        for k in range(first, last):
            r0, r1, p0, p1, w = blocks[k, 0], blocks[k, 1], blocks[k, 2], blocks[k, 3], blocks[k, 4]
            rows = (p1 - p0) * (N // B)
            W = matrix(theta, w, rows, r1 - r0)
            product(W, matrix(X, (t * K + r0) * B, r1 - r0, B), matrix(A, (t * P + p0) * N, rows, B))
        lanes(X, A, C, t, i)

    return inlined(register(forward, f"{name}_forward"))


def _build_stage_gradient(cell: Cell, stage: Stage, name: str, first: int, last: int) -> Callable:
    reads = parameters(stage.gradient)
    arguments = "X, A, C, D, dQ, t, i"
    lanes = lane_loop(f"{name}_gradient_lanes", stage.gradient, reads, stage.gradient_writes, _rows(cell), arguments)

    def gradient(theta_t, blocks, X, A, C, D, dQ, t, i, starts, masked, part):
        P, N, B = A.shape[1], A.shape[2], X.shape[2]
        H = N // B
        lanes(X, A, C, D, dQ, t, i)
        if masked:
            zero_masked(matrix(A, t * P * N, P, N), starts, t)
        for k in range(first, last):
            r0, r1, p0, p1, w = blocks[k, 0], blocks[k, 1], blocks[k, 2], blocks[k, 3], blocks[k, 4]
            action = blocks[k, 5]
            if action != NOTHING:  # the last H rows of the operand are h or an inner operand
                rows = (p1 - p0) * H
                W_t = matrix(theta_t, w + rows * (r1 - r0 - H), H, rows)
                dA = matrix(A, (t * P + p0) * N, rows, B)
                if action == ADD_H:
                    add_product(W_t, dA, matrix(D, 0, H, B), part)
                elif action == SET_H:
                    product(W_t, dA, matrix(D, 0, H, B))
                else:
                    product(W_t, dA, matrix(dQ, (action - SET_INNER) * N, H, B))

    return inlined(register(gradient, f"{name}_gradient"))


def _then(one: Callable, other: Callable) -> Callable:
    def both(theta, blocks, X, A, C, t, i):
        one(theta, blocks, X, A, C, t, i)
        other(theta, blocks, X, A, C, t, i)

    return inlined(register(both, f"{one.__name__}_then_{other.__name__}"))


def _then_gradient(one: Callable, other: Callable) -> Callable:
    def both(theta_t, blocks, X, A, C, D, dQ, t, i, starts, masked, part):
        one(theta_t, blocks, X, A, C, D, dQ, t, i, starts, masked, part)
        other(theta_t, blocks, X, A, C, D, dQ, t, i, starts, masked, part)

    return inlined(register(both, f"{one.__name__}_then_{other.__name__}"))


# ---------------------------------------------------------------- lanes that start late
@loop
def keep_masked(new, old, starts, t):
    """Lanes (N = H*B) that start after step `t` keep their state: new = old."""
    B = starts.size
    for u in range(new.size // B):
        for b in range(B):
            if t < starts[b]:
                new[u * B + b] = old[u * B + b]


@inlined
def zero_masked(A, starts, t):
    """Lanes that start after step `t` have no gates: their gradients in all planes of A (P, N) are zero."""
    B = starts.size
    for p in range(A.shape[0]):
        for u in range(A.shape[1] // B):
            for b in range(B):
                if t < starts[b]:
                    A[p, u * B + b] = 0


# ---------------------------------------------------------------- loops over time
def _build_scan(cell: Cell, step: Callable) -> Callable:
    def scan(theta, blocks, n_inputs, X, A, C, t0, t1, starts, last_start):
        """Steps t0 to t1 of one layer; the inputs lie in X, the state before t0 in X[t0] and C[t0]."""
        N, K, B, others = A.shape[2], X.shape[1], X.shape[2], C.shape[1]
        i = n_inputs + 1
        for t in range(t0, t1):
            step(theta, blocks, X, A, C, t, i)
            if t < last_start:
                keep_masked(vector(X, ((t + 1) * K + i) * B, N), vector(X, (t * K + i) * B, N), starts, t)
                for s in range(others):
                    keep_masked(vector(C, ((t + 1) * others + s) * N, N), vector(C, (t * others + s) * N, N), starts, t)

    return inlined(register(scan, f"{cell.name}_scan"))


def _build_bptt(cell: Cell, step_gradient: Callable) -> Callable:
    n_states, n_inner = len(cell.states), len(cell.inner)

    def bptt(
        theta_t, grad, blocks, n_inputs, X, A, C, dY, dY_from, want_dx, D, t0, t1, starts, last_start, scratch
    ):  # fmt: skip
        """Gradient of one layer over steps t0 to t1, added to `grad`; of its T steps the last come first.

        dY (T, >= N) holds the gradient of the outputs from step `dY_from` on and, if `want_dx`, takes that of the
        inputs (n_inputs*B at each step). D (S, N) starts as the gradient of the state before step t1 and ends as that
        of the one before t0. `scratch` is shared out as `layout.scratch_size` counts it.
        """
        T, N, width = dY.shape[0], A.shape[2], dY.shape[1]
        hold = vector(scratch, 0, n_states * N)
        dQ = vector(scratch, n_states * N, n_inner * N)
        rest = (n_states + n_inner) * N
        part = vector(scratch, rest, scratch.size - rest)
        for back in range(t1 - t0):
            t = t1 - 1 - back
            if t >= dY_from:
                add(vector(D, 0, N), vector(dY, t * width, N))
            masked = t < last_start
            if masked:
                copy(hold, vector(D, 0, n_states * N))
            step_gradient(theta_t, blocks, X, A, C, D, dQ, t, n_inputs + 1, starts, masked, part)
            if masked:
                for s in range(n_states):
                    keep_masked(vector(D, s * N, N), vector(hold, s * N, N), starts, t)
            if want_dx:
                input_gradient(theta_t, blocks, A, t, matrix(dY, t * width, n_inputs, X.shape[2]), part)
            if t % CHUNK == 0:
                weight_gradient(grad, blocks, A, X, t, min(t + CHUNK, T), part)

    return inlined(register(bptt, f"{cell.name}_bptt"))


@inlined
def input_gradient(theta_t, blocks, A, t, dx, part):
    """dx (I, B) = sum over the products that read x of W_x.T @ dA[t]."""
    I, B = dx.shape
    P, N = A.shape[1], A.shape[2]
    first = True
    for k in range(blocks.shape[0]):
        if blocks[k, 0] == 0:
            p0, w = blocks[k, 2], blocks[k, 4]
            rows = (blocks[k, 3] - p0) * (N // B)
            W_t, dA = matrix(theta_t, w, I, rows), matrix(A, (t * P + p0) * N, rows, B)
            if first:
                product(W_t, dA, dx)
            else:
                add_product(W_t, dA, dx, part)
            first = False


@inlined
def weight_gradient(grad, blocks, A, X, t0, t1, scratch):
    """Add sum over t0 <= t < t1 of dA[t] @ X[t].T of every product to `grad`: one matrix product for all steps."""
    P, N, K, B = A.shape[1], A.shape[2], X.shape[1], X.shape[2]
    H, m = N // B, (t1 - t0) * B
    a, x = matrix(scratch, 0, P * H, m), matrix(scratch, P * H * m, K, m)
    used = (P * H + K) * m
    part = vector(scratch, used, scratch.size - used)
    for t in range(t0, t1):
        copy_columns(a, matrix(A, t * P * N, P * H, B), (t - t0) * B)
        copy_columns(x, matrix(X, t * K * B, K, B), (t - t0) * B)
    for k in range(blocks.shape[0]):
        r0, p0, w = blocks[k, 0], blocks[k, 2], blocks[k, 4]
        columns, rows = blocks[k, 1] - r0, (blocks[k, 3] - p0) * H
        add_outer(matrix(a, p0 * H * m, rows, m), matrix(x, r0 * m, columns, m), matrix(grad, w, rows, columns), part)
