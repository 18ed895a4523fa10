"""One layer over time: the scan and its gradient (backpropagation through time), built for a cell.

Shapes, for one tile of B lanes, T steps, I inputs, H units, N = H*B, P planes, S states, J inner operands:

    X   (T+1, K, B)    stacked operand [x; 1; h; inner], K = I + 1 + H + J H; h of step t lies at t+1
    A   (T, P, N)      gate planes: pre-activations, then activations, then their gradients
    C   (T+1, S-1, N)  the states beside h
    D   (S, N)         gradients of the states; Q (J, N) those of the inner operands

`blocks` is a table with one line for each product: first row, last row (of the operand), first plane, last plane, offset
of its weights, and what its input gradient does (`NOTHING`, `SET_H`, `ADD_H`, or `SET_INNER` + operand).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from ..equations.cell import Cell, Stage
from .jit import equation, loop, register
from .lanes import add, add_outer, add_product, copy, copy_columns, lane_loop, parameters, product
from .layout import ADD_H, CHUNK, NOTHING, SET_H, SET_INNER


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
_FORWARD = "A, h_before, h_after, C_before, C_after, Q"
_GRADIENT = "A, h_before, h_after, C_before, C_after, Q, D, dQ"


def _rows(cell: Cell) -> dict[str, str]:
    """Where an equation finds what it names, in terms of the arguments above."""
    rows = {plane: f"A[{p}]" for p, plane in enumerate(cell.planes)}
    rows |= {"h": "h_after", "h_prev": "h_before", "dh": "D[0]"}
    for s, state in enumerate(cell.states[1:]):
        rows |= {state: f"C_after[{s}]", f"{state}_prev": f"C_before[{s}]", f"d{state}": f"D[{s + 1}]"}
    for j, inner in enumerate(cell.inner):
        rows |= {inner: f"Q[{j}]", f"d{inner}": f"dQ[{j}]"}
    return rows


def _build_stage(cell: Cell, stage: Stage, name: str, first: int, last: int) -> Callable:
    reads = parameters(stage.forward)
    lanes = lane_loop(f"{name}_lanes", stage.forward, reads, stage.writes, _rows(cell), _FORWARD)

    def forward(theta, blocks, X, A, h_before, h_after, C_before, C_after, Q):
        B, H = X.shape[1], A.shape[1] // X.shape[1]
        for k in range(first, last):
            r0, r1, p0, p1, w = blocks[k, 0], blocks[k, 1], blocks[k, 2], blocks[k, 3], blocks[k, 4]
            rows = (p1 - p0) * H
            W = theta[w : w + rows * (r1 - r0)].reshape(rows, r1 - r0)
            product(W, X[r0:r1], A[p0:p1].reshape(rows, B))
        lanes(A, h_before, h_after, C_before, C_after, Q)

    return equation(register(forward, f"{name}_forward"))


def _build_stage_gradient(cell: Cell, stage: Stage, name: str, first: int, last: int) -> Callable:
    reads = parameters(stage.gradient)
    lanes = lane_loop(f"{name}_gradient_lanes", stage.gradient, reads, stage.gradient_writes, _rows(cell), _GRADIENT)

    def gradient(theta_t, blocks, X, A, h_before, h_after, C_before, C_after, Q, D, dQ, t, starts, masked, part):
        B, H = X.shape[1], A.shape[1] // X.shape[1]
        lanes(A, h_before, h_after, C_before, C_after, Q, D, dQ)
        if masked:
            zero_masked(A, starts, t)
        for k in range(first, last):
            r0, r1, p0, p1, w = blocks[k, 0], blocks[k, 1], blocks[k, 2], blocks[k, 3], blocks[k, 4]
            action = blocks[k, 5]
            if action == NOTHING:
                continue
            rows = (p1 - p0) * H
            dA = A[p0:p1].reshape(rows, B)
            W_t = theta_t[w : w + rows * (r1 - r0)].reshape(r1 - r0, rows)[r1 - r0 - H :]
            if action == SET_H:
                product(W_t, dA, D[0].reshape(H, B))
            elif action == ADD_H:
                add_product(W_t, dA, D[0].reshape(H, B), part)
            else:
                product(W_t, dA, dQ[action - SET_INNER].reshape(H, B))

    return equation(register(gradient, f"{name}_gradient"))


def _then(one: Callable, other: Callable) -> Callable:
    def both(theta, blocks, X, A, h_before, h_after, C_before, C_after, Q):
        one(theta, blocks, X, A, h_before, h_after, C_before, C_after, Q)
        other(theta, blocks, X, A, h_before, h_after, C_before, C_after, Q)

    return loop(register(both, f"{one.__name__}_then_{other.__name__}"))


def _then_gradient(one: Callable, other: Callable) -> Callable:
    def both(theta_t, blocks, X, A, h_before, h_after, C_before, C_after, Q, D, dQ, t, starts, masked, part):
        one(theta_t, blocks, X, A, h_before, h_after, C_before, C_after, Q, D, dQ, t, starts, masked, part)
        other(theta_t, blocks, X, A, h_before, h_after, C_before, C_after, Q, D, dQ, t, starts, masked, part)

    return loop(register(both, f"{one.__name__}_then_{other.__name__}"))


# ---------------------------------------------------------------- lanes that start late
@loop
def keep_masked(new, old, starts, t):
    """Lanes (N = H*B) that start after step `t` keep their state: new = old."""
    B = starts.size
    for u in range(new.size // B):
        for b in range(B):
            if t < starts[b]:
                new[u * B + b] = old[u * B + b]


@loop
def zero_masked(A, starts, t):
    """Lanes that start after step `t` have no gates: their gradients in all planes of A (P, N) are zero."""
    B = starts.size
    for p in range(A.shape[0]):
        a = A[p]
        for u in range(a.size // B):
            for b in range(B):
                if t < starts[b]:
                    a[u * B + b] = 0


# ---------------------------------------------------------------- loops over time
def _build_scan(cell: Cell, step: Callable) -> Callable:
    n_inner = len(cell.inner)

    def scan(theta, blocks, n_inputs, X, A, C, t0, t1, starts, last_start):
        """Steps t0 to t1 of one layer; the inputs lie in X, the state before t0 in X[t0] and C[t0]."""
        N, B = A.shape[2], X.shape[2]
        i, j = n_inputs + 1, n_inputs + 1 + N // B
        for t in range(t0, t1):
            h_before, h_after = X[t, i:j].reshape(N), X[t + 1, i:j].reshape(N)
            Q = X[t, j : j + n_inner * (j - i)].reshape(n_inner, N)
            step(theta, blocks, X[t], A[t], h_before, h_after, C[t], C[t + 1], Q)
            if t < last_start:
                keep_masked(h_after, h_before, starts, t)
                for s in range(C.shape[1]):
                    keep_masked(C[t + 1, s], C[t, s], starts, t)

    return loop(register(scan, f"{cell.name}_scan"))


def _build_bptt(cell: Cell, step_gradient: Callable) -> Callable:
    n_inner = len(cell.inner)

    def bptt(theta_t, grad, blocks, n_inputs, X, A, C, dY, dY_from, want_dx, D, starts, last_start, scratch):
        """Gradient of one layer, added to `grad`.

        dY (T, N) holds the gradient of the outputs from step `dY_from` on and, if `want_dx` and the layer below is as
        wide, takes that of the inputs (n_inputs*B at each step). D (S, N) starts as the gradient of the final state
        and ends as that of the initial one.
        """
        T, P, N = A.shape
        B = X.shape[2]
        i, j = n_inputs + 1, n_inputs + 1 + N // B
        part, hold, dQ, a_buffer, x_buffer = split(scratch, A, X, D.shape[0], n_inner)
        t1 = T
        while t1 > 0:
            t0 = max(0, t1 - CHUNK)
            for t in range(t1 - 1, t0 - 1, -1):
                if t >= dY_from:
                    add(D[0], dY[t, :N])
                masked = t < last_start
                if masked:
                    copy(hold.reshape(hold.size), D.reshape(D.size))
                h_before, h_after = X[t, i:j].reshape(N), X[t + 1, i:j].reshape(N)
                Q = X[t, j : j + n_inner * (j - i)].reshape(n_inner, N)
                step_gradient(
                    theta_t, blocks, X[t], A[t], h_before, h_after, C[t], C[t + 1], Q, D, dQ, t, starts, masked, part
                )
                if masked:
                    for s in range(D.shape[0]):
                        keep_masked(D[s], hold[s], starts, t)
                if want_dx:
                    input_gradient(theta_t, blocks, A[t], dY[t, : n_inputs * B].reshape(n_inputs, B), part)
            weight_gradient(grad, blocks, A, X, t0, t1, a_buffer, x_buffer, part)
            t1 = t0

    return loop(register(bptt, f"{cell.name}_bptt"))


@loop
def split(scratch, A, X, n_states, n_inner):
    """Cut the 1-D `scratch` (see `scratch_size`) into part, hold (S, N), dQ and the two row buffers."""
    T, P, N = A.shape
    K, B = X.shape[1], X.shape[2]
    m = CHUNK * B
    H = N // B
    n_part = max(P * H * K, K * B)
    part = scratch[:n_part]
    n = n_part
    hold = scratch[n : n + n_states * N].reshape(n_states, N)
    n += n_states * N
    dQ = scratch[n : n + n_inner * N].reshape(n_inner, N)
    n += n_inner * N
    a_buffer = scratch[n : n + P * H * m]
    n += P * H * m
    return part, hold, dQ, a_buffer, scratch[n : n + K * m]


@loop
def input_gradient(theta_t, blocks, A, dx, part):
    """dx (I, B) = sum over the products that read x of W_x.T @ dA."""
    I, B = dx.shape
    H = A.shape[1] // B
    first = True
    for k in range(blocks.shape[0]):
        r0, r1, p0, p1, w, _ = blocks[k]
        if r0 == 0:
            rows = (p1 - p0) * H
            W_t = theta_t[w : w + rows * (r1 - r0)].reshape(r1 - r0, rows)[:I]
            if first:
                product(W_t, A[p0:p1].reshape(rows, B), dx)
            else:
                add_product(W_t, A[p0:p1].reshape(rows, B), dx, part)
            first = False


@loop
def weight_gradient(grad, blocks, A, X, t0, t1, a_buffer, x_buffer, part):
    """Add sum over t0 <= t < t1 of dA[t] @ X[t].T of every product to `grad`: one matrix product for all steps."""
    P, N, K, B = A.shape[1], A.shape[2], X.shape[1], X.shape[2]
    H, m = N // B, (t1 - t0) * B
    a, x = a_buffer[: P * H * m].reshape(P * H, m), x_buffer[: K * m].reshape(K, m)
    for t in range(t0, t1):
        copy_columns(a, A[t].reshape(P * H, B), (t - t0) * B)
        copy_columns(x, X[t], (t - t0) * B)
    for k in range(blocks.shape[0]):
        r0, r1, p0, p1, w, _ = blocks[k]
        rows = (p1 - p0) * H
        dW = grad[w : w + rows * (r1 - r0)].reshape(rows, r1 - r0)
        add_outer(a[p0 * H : p1 * H], x[r0:r1], dW, part)
