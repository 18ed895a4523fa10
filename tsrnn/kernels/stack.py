"""The network over one tile: input rows, stacked layers, head and linear skip, forward and backward, built for a cell.

For one tile of B lanes: x (I, T, B) are the scaled inputs, out (n_outputs, O, B) what the head says after the last
`n_outputs` steps. The head reads the top layer's ``[1; h]``; the skip adds to the location parameters a linear map of the
`lags` inputs up to that step, each channel on its own:

    out[k] = V [1; h_t] + S x[:, t-lags+1 .. t],   t = T - n_outputs + k

In a free run the steps after the first output read the network's own forecasts instead of x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..equations.cell import Cell
from ..equations.random import fold, mix
from .jit import Tile, entry, equation, fingerprint, loop, register, tile
from .lanes import add, add_outer, add_product, copy, product, transpose
from .scan import build_layer

equation(mix), equation(fold)


class StackLoops(NamedTuple):
    """The tile functions of a cell."""

    forward: Tile
    backward: Tile


def build_stack(cell: Cell) -> StackLoops:
    """The forward and the backward tile function of networks of `cell`, compiled when first called."""
    layer = build_layer(cell)
    return StackLoops(_build_forward(cell, layer.scan), _build_backward(cell, layer.bptt))


# ---------------------------------------------------------------- forward
def _build_forward(cell: Cell, scan: Callable) -> Tile:
    def run(shape, theta, blocks, dropout, key, tile, x, starts, last_start, X, A, C, t0, t1):
        """All layers from step t0 to t1, each over all its steps before the next."""
        n_inputs = shape.n_inputs
        for c in range(n_inputs):
            for t in range(t0, t1):
                copy(X[0, t, c], x[c, t])
        for layer in range(shape.num_layers):
            scan(theta, blocks[layer], n_inputs, X[layer], A[layer], C[layer], t0, t1, starts, last_start)
            if layer + 1 < shape.num_layers:
                pass_up(shape.hidden_size, n_inputs, X[layer], X[layer + 1], t0, t1, dropout, key, layer, tile)
            n_inputs = shape.hidden_size

    run = loop(register(run, f"{cell.name}_run"))

    stamp = fingerprint()

    @tile(f"{cell.name}_forward")
    def forward(
        i, shape, theta, blocks, rows, all_state, free, dropout, key, all_x, all_starts, all_X, all_A, all_C, all_out,
        all_scratch,
    ):  # fmt: skip
        stamp  # noqa: B018 - part of the cache's key
        x, starts, X, A, C, out = all_x[i], all_starts[i], all_X[i], all_A[i], all_C[i], all_out[i]
        T, n = shape.n_steps, shape.n_outputs
        last_start = largest(starts)
        set_initial_state(shape, theta, all_state[i], X, C)
        done = 0
        for k in range(n):
            t = T - n + k + 1 if free else T
            if free and k > 0:
                feed_back(rows, out[k - 1], x, done)
            if t > done:
                run(shape, theta, blocks, dropout, key, i, x, starts, last_start, X, A, C, done, t)
                done = t
            head(shape, theta, rows, X, x, k, out[k], all_scratch[i])

    return forward


@loop
def largest(starts):
    """The largest of starts (B,)."""
    result = starts[0]
    for start in starts:
        result = max(result, start)
    return result


@loop
def set_initial_state(shape, theta, state, X, C):
    """State (L, S, N) before the first step: theta's where it is learned, else as given; and the rows of ones."""
    H, B = shape.hidden_size, X.shape[3]
    L, S, N = state.shape
    if shape.state_at >= 0:
        initial = theta[shape.state_at : shape.state_at + L * S * H].reshape(L, S, H)
        for layer in range(L):
            for s in range(S):
                for u in range(H):
                    for b in range(B):
                        state[layer, s, u * B + b] = initial[layer, s, u]
    n_inputs = shape.n_inputs
    for layer in range(L):
        for t in range(X.shape[1]):
            X[layer, t, n_inputs] = 1
        copy(X[layer, 0, n_inputs + 1 : n_inputs + 1 + H].reshape(N), state[layer, 0])
        for s in range(1, S):
            copy(C[layer, 0, s - 1], state[layer, s])
        n_inputs = H


@loop
def pass_up(H, n_inputs, X, X_above, t0, t1, dropout, key, layer, tile):
    """Outputs of one layer become inputs of the next, with inverted dropout."""
    B = X.shape[2]
    for t in range(t0, t1):
        above = X_above[t, :H].reshape(H * B)
        copy(above, X[t + 1, n_inputs + 1 : n_inputs + 1 + H].reshape(H * B))
        if dropout > 0:
            drop(above, dropout, key, layer, t, tile, H, B)


@loop
def drop(values, dropout, key, layer, t, tile, H, B):
    """Multiply values (H*B,) by 0 or 1/(1-dropout), drawn for (key, layer, t, unit, lane) and nothing else."""
    keep = values.dtype.type(1 / (1 - dropout))
    limit = np.uint64(dropout * 4294967296.0)
    step = fold(fold(key, np.uint64(layer)), np.uint64(t))
    for u in range(H):
        unit = fold(step, np.uint64(u))
        for b in range(B):
            if fold(unit, np.uint64(tile * B + b)) < limit:
                values[u * B + b] = 0
            else:
                values[u * B + b] *= keep


@loop
def feed_back(rows, out, x, t):
    """The point forecast of each channel, out (O, B), becomes its input at step `t`; rows[1] says where it stands."""
    for c in range(x.shape[0]):
        copy(x[c, t], out[rows[1, c]])


@loop
def head(shape, theta, rows, X, x, k, out, scratch):
    """out (O, B) after step T - n_outputs + k. rows[0] gives the skip's row that each output adds, or -1."""
    O, H, B = shape.output_size, shape.hidden_size, x.shape[2]
    top = shape.num_layers - 1
    ones = H if top > 0 else shape.n_inputs
    t = shape.n_steps - shape.n_outputs + k
    V = theta[shape.head_at : shape.head_at + O * (1 + H)].reshape(O, 1 + H)
    product(V, X[top, t + 1, ones : ones + 1 + H], out)
    if shape.skip_at >= 0:
        n, P = shape.block, shape.lags
        linear = scratch[: x.shape[0] * n * B].reshape(x.shape[0] * n, B)
        for c in range(x.shape[0]):
            w = shape.skip_at + c * n * P
            product(theta[w : w + n * P].reshape(n, P), x[c, t - P + 1 : t + 1], linear[c * n : c * n + n])
        for o in range(O):
            if rows[0, o] >= 0:
                add(out[o], linear[rows[0, o]])


# ---------------------------------------------------------------- backward
def build_transpose() -> Callable:
    """`transpose_weights`, which comes before `backward`."""
    stamp = fingerprint()

    @entry("transpose_weights")
    def transpose_weights(shape, theta, theta_t, blocks):
        """theta_t holds the weights of each product, of the head and of the skip transposed, at the same offsets."""
        stamp  # noqa: B018
        H = shape.hidden_size
        for layer in range(blocks.shape[0]):
            for k in range(blocks.shape[1]):
                r0, r1, p0, p1, w, _ = blocks[layer, k]
                rows = (p1 - p0) * H
                size = rows * (r1 - r0)
                transpose(theta_t[w : w + size].reshape(r1 - r0, rows), theta[w : w + size].reshape(rows, r1 - r0))
        O, w = shape.output_size, shape.head_at
        size = O * (1 + H)
        transpose(theta_t[w : w + size].reshape(1 + H, O), theta[w : w + size].reshape(O, 1 + H))
        size = shape.block * shape.lags
        for w in range(shape.skip_at, shape.skip_at + size * shape.n_inputs, max(1, size)):
            S_t = theta_t[w : w + size].reshape(shape.lags, shape.block)
            transpose(S_t, theta[w : w + size].reshape(shape.block, shape.lags))

    return transpose_weights


def _build_backward(cell: Cell, bptt: Callable) -> Tile:
    stamp = fingerprint()

    @tile(f"{cell.name}_backward")
    def backward(
        i, shape, theta_t, blocks, rows, dropout, key, all_x, all_starts, all_X, all_A, all_C, all_dout, all_dY,
        all_dstate, all_dx, all_grad, all_scratch,
    ):  # fmt: skip
        """Gradient of tile `i`: grad is overwritten; dstate (L, S, N) enters as the gradient of the final state and
        leaves as that of the initial one; dx (I, T, B) takes the inputs' unless its T is 0."""
        stamp  # noqa: B018
        x, starts, X, A, C, dout = all_x[i], all_starts[i], all_X[i], all_A[i], all_C[i], all_dout[i]
        dY, dstate, dx, grad, scratch = all_dY[i], all_dstate[i], all_dx[i], all_grad[i], all_scratch[i]
        H, B, L = shape.hidden_size, starts.size, shape.num_layers
        grad[:] = 0
        last_start = largest(starts)
        head_gradient(shape, theta_t, rows, X, x, dout, dY, dx, grad, scratch)
        dY_from = shape.n_steps - shape.n_outputs
        for layer in range(L - 1, -1, -1):
            n_inputs = H if layer > 0 else shape.n_inputs
            want_dx = layer > 0 or dx.shape[1] > 0
            bptt(
                theta_t, grad, blocks[layer], n_inputs, X[layer], A[layer], C[layer], dY, dY_from, want_dx,
                dstate[layer], starts, last_start, scratch,
            )  # fmt: skip
            dY_from = 0
            if layer > 0 and dropout > 0:
                for t in range(shape.n_steps):
                    drop(dY[t, : H * B], dropout, key, layer - 1, t, i, H, B)
        if dx.shape[1] > 0:
            for c in range(shape.n_inputs):
                for t in range(shape.n_steps):
                    add(dx[c, t], dY[t, c * B : c * B + B])
        if shape.state_at >= 0:
            sum_lanes(dstate, grad[shape.state_at : shape.state_at + dstate.size // B], B)

    return backward


@loop
def sum_lanes(values, out, B):
    """out[r] = sum of the B lanes of row r; the initial state is one for all lanes."""
    flat = values.reshape(values.size)
    for r in range(out.size):
        total = flat[r * B]
        for b in range(1, B):
            total += flat[r * B + b]
        out[r] = total


@loop
def head_gradient(shape, theta_t, rows, X, x, dout, dY, dx, grad, scratch):
    """Gradients of head and skip added to `grad`; dY (T, >= N) at the scored steps takes V.T @ dout."""
    O, H, B = shape.output_size, shape.hidden_size, x.shape[2]
    top = shape.num_layers - 1
    ones = H if top > 0 else shape.n_inputs
    w = shape.head_at
    V_t = theta_t[w : w + O * (1 + H)].reshape(1 + H, O)
    dV = grad[w : w + O * (1 + H)].reshape(O, 1 + H)
    dx[:] = 0
    for k in range(shape.n_outputs):
        t = shape.n_steps - shape.n_outputs + k
        add_outer(dout[k], X[top, t + 1, ones : ones + 1 + H], dV, scratch)
        product(V_t[1:], dout[k], dY[t, : H * B].reshape(H, B))
        if shape.skip_at >= 0:
            skip_gradient(shape, theta_t, rows, x, t, dout[k], dx, grad, scratch)


@loop
def skip_gradient(shape, theta_t, rows, x, t, dout, dx, grad, scratch):
    """Gradient of the skip at step `t`: its weights', and its inputs' where dx is wanted."""
    n, P, B = shape.block, shape.lags, x.shape[2]
    used = x.shape[0] * n * B
    linear = scratch[:used].reshape(x.shape[0] * n, B)
    part = scratch[used:]
    linear[:] = 0
    for o in range(shape.output_size):
        if rows[0, o] >= 0:
            add(linear[rows[0, o]], dout[o])
    for c in range(x.shape[0]):
        w = shape.skip_at + c * n * P
        dS = grad[w : w + n * P].reshape(n, P)
        add_outer(linear[c * n : c * n + n], x[c, t - P + 1 : t + 1], dS, part)
        if dx.shape[1] > 0:
            S_t = theta_t[w : w + n * P].reshape(P, n)
            add_product(S_t, linear[c * n : c * n + n], dx[c, t - P + 1 : t + 1], part)
