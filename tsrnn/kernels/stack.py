"""The network over one tile: input rows, stacked layers, head and linear skip, forward and backward, built for a cell.

For one tile of B lanes: x (I, T, B) are the scaled inputs, out (n_outputs, O, B) what the head says after the last
`n_outputs` steps. The head reads the top layer's ``[1; h]``; the skip adds to the location parameters a linear map of
the `lags` inputs up to that step, each target on its own, and of its seasonal inputs of the block's first step and of
the forecast step itself; and where covariates of the steps ahead are known, each step of the block adds a linear map of
those up to it (D is lower triangular by steps, and packed):

    out[k] = V [1; h_t] + S x[:C, t-lags+1 .. t] + U season[k] + D ahead[k],   t = T - n_outputs + k

In a free run the steps after the first output read the network's own forecasts instead of x; covariates stay. A forward
pass may compute some of the outputs now and the next ones later: all states stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..cells.cell import Cell
from ..functions.activations import ONE, softplus
from ..functions.random import fold, mix, share_of_words
from . import layout as at
from .jit import Tile, each, equation, fingerprint, inlined, loop, meet, tile
from .lanes import add, add_outer, add_product, copy, product, transpose, zero
from .scan import build_layer
from .views import matrix, tensor1, tensor2, tensor3, tensor4, vector

equation(mix), equation(fold), equation(share_of_words)


class StackLoops(NamedTuple):
    """The tile functions of a cell."""

    forward: Tile
    backward: Tile


def build_stack(cell: Cell) -> StackLoops:
    """The forward and the backward tile function of networks of `cell`, compiled when first called."""
    layer = build_layer(cell)
    stamp = fingerprint(*(f for stage in cell.stages for f in (stage.forward, stage.gradient)))
    return StackLoops(
        tile(f"{cell.name}_forward")(forward_of(layer.scan, stamp)),
        tile(f"{cell.name}_backward")(backward_of(layer.bptt, stamp)),
    )


# ---------------------------------------------------------------- forward
def forward_of(scan: Callable, stamp: str) -> Callable:
    """The forward pass of a network whose layers `scan`, not yet compiled."""

    def forward(i, shape, theta, free, dropout, key, book):
        """Inputs to outputs of tile `i`: all steps of a layer before the next, but in a free run step by step.

        Outputs k0 to k1 of the book's span; k0 = 0 starts afresh, others go on where output k0 - 1 was computed.
        """
        stamp  # noqa: B018 - part of the cache's key
        blocks = tensor3(book, at.BLOCKS, 0, book)
        rows = tensor2(book, at.ROWS, 0, book)
        starts = tensor1(book, at.STARTS, i, book)
        x = tensor3(book, at.X_IN, i, theta)
        X = tensor4(book, at.X, i, theta)
        A = tensor4(book, at.A, i, theta)
        C = tensor4(book, at.C, i, theta)
        ahead = tensor3(book, at.AHEAD, i, theta)
        out = tensor3(book, at.OUT, i, theta)
        scratch = tensor1(book, at.SCRATCH, i, theta)
        T, n, H = shape.n_steps, shape.n_outputs, shape.hidden_size
        span = tensor1(book, at.SPAN, i, book)
        k0, k1 = span[0], span[1]
        last_start = largest(starts)
        t0 = T - n + k0 if k0 > 0 else 0
        if k0 == 0:
            set_initial_state(shape, theta, tensor3(book, at.STATE, i, theta), X, C, shape.n_inputs)
        for k in range(k0, k1):
            t1 = T - n + (k if free else k1 - 1) + 1
            if free and k > 0:
                feed_back(shape, rows, out[k - 1], x, t0)
            if t1 > t0:
                for layer in range(shape.num_layers):
                    n_inputs = H if layer > 0 else shape.n_inputs
                    if layer > 0:
                        below = H if layer > 1 else shape.n_inputs
                        pass_up(X, layer, below, H, t0, t1, dropout, key, i)
                    else:
                        copy_inputs(X, x, t0, t1)
                    scan(theta, blocks[layer], n_inputs, X[layer], A[layer], C[layer], t0, t1, starts, last_start)
                t0 = t1
            t = T - n + k
            V, operand = matrix(theta, shape.head_at, shape.output_size, 1 + H), top_operand(shape, X, t)
            product(V, matrix(X, operand, 1 + H, X.shape[3]), out[k])
            add_linear(shape, theta, rows, x, ahead, t, k, out[k], scratch)

    return forward


@loop
def largest(starts):
    """The largest of starts (B,)."""
    result = starts[0]
    for start in starts:
        result = max(result, start)
    return result


@inlined
def set_initial_state(shape, theta, state, X, C, n_inputs):
    """State (L, S, N) before the first step: theta's where it is learned, else as given; `n_inputs` of layer 0."""
    H, T1, K, B = shape.hidden_size, X.shape[1], X.shape[2], X.shape[3]
    L, S, N = state.shape
    if shape.state_at >= 0:
        flat = vector(state, 0, state.size)
        for r in each(L * S * H):
            for b in range(B):
                flat[r * B + b] = theta[shape.state_at + r]
        meet()
    for layer in range(L):
        copy(vector(X, (layer * T1 * K + n_inputs + 1) * B, N), vector(state, layer * S * N, N))
        copy(vector(C, layer * T1 * (S - 1) * N, (S - 1) * N), vector(state, (layer * S + 1) * N, (S - 1) * N))
        n_inputs = H


@inlined
def copy_inputs(X, x, t0, t1):
    """The inputs x (I, T, B) of steps t0 to t1 become rows of the lowest layer's operand."""
    (I, T, B), K, n = x.shape, X.shape[2], t1 - t0
    for row in each(I * n):
        c, t = row // n, t0 + row % n
        values, to = vector(x, (c * T + t) * B, B), vector(X, (t * K + c) * B, B)
        for b in range(B):
            to[b] = values[b]
    meet()


@inlined
def pass_up(X, layer, below, H, t0, t1, dropout, key, tile):
    """Outputs of the layer below, which has `below` inputs, become inputs of `layer`, with dropout."""
    T1, K, B, N = X.shape[1], X.shape[2], X.shape[3], H * X.shape[3]
    for t in range(t0, t1):
        above = vector(X, (layer * T1 + t) * K * B, N)
        copy(above, vector(X, (((layer - 1) * T1 + t + 1) * K + below + 1) * B, N))
        if dropout > 0:
            drop(above, dropout, key, layer - 1, t, tile, B)


@loop
def drop(values, dropout, key, layer, t, tile, B):
    """Multiply values (H*B,) by 0 or 1/(1-dropout), drawn for (key, layer, t, unit, lane) and nothing else."""
    keep, limit = ONE / (ONE - dropout), share_of_words(dropout)
    step = fold(fold(key, np.uint64(layer)), np.uint64(t))
    for u in each(values.size // B):
        unit = fold(step, np.uint64(u))
        for b in range(B):
            if fold(unit, np.uint64(tile * B + b)) < limit:
                values[u * B + b] = 0
            else:
                values[u * B + b] *= keep
    meet()


@inlined
def feed_back(shape, rows, out, x, t):
    """The point forecast of each channel, out (O, B), becomes its input at step `t`; rows[1] says where it stands."""
    T, B = x.shape[1], x.shape[2]
    for c in range(shape.n_channels):
        fed, values = vector(x, (c * T + t) * B, B), vector(out, rows[1, c] * B, B)
        for b in each(B):
            fed[b] = softplus(values[b]) if shape.link == 1 else values[b]
    meet()


@loop
def top_operand(shape, X, t):
    """Where in X ``[1; h]`` of the top layer after step `t` begins, (1 + H, B)."""
    layer = shape.num_layers - 1
    ones = shape.hidden_size if layer > 0 else shape.n_inputs
    return ((layer * X.shape[1] + t + 1) * X.shape[2] + ones) * X.shape[3]


@inlined
def add_linear(shape, theta, rows, x, ahead, t, k, out, scratch):
    """Skip and covariates of output k, after step t, into out (O, B). rows[0] gives the skip's row for each, or -1."""
    O, T, B = shape.output_size, x.shape[1], x.shape[2]
    if shape.skip_at >= 0:
        n, P = shape.block, shape.lags
        for c in range(shape.n_channels):
            S = matrix(theta, shape.skip_at + c * n * P, n, P)
            product(S, matrix(x, (c * T + t - P + 1) * B, P, B), matrix(scratch, c * n * B, n, B))
            if shape.season_at >= 0:
                add_season(shape, theta, ahead, c, k, vector(scratch, c * n * B, n * B), B)
        for o in range(O):
            if rows[0, o] >= 0:
                add(vector(out, o * B, B), vector(scratch, rows[0, o] * B, B))
    if shape.ahead_at >= 0:
        n, F = O // shape.block, shape.n_ahead
        for j in range(shape.block):
            D = matrix(theta, shape.ahead_at + n * F * j * (j + 1) // 2, n, (j + 1) * F)
            known = matrix(ahead, covariate_row(shape, k) * B, (j + 1) * F, B)
            add_product(D, known, matrix(out, j * n * B, n, B), scratch)


@loop
def covariate_row(shape, k):
    """The row of ahead, flat over the outputs, at which the covariates of output k begin."""
    return k * shape.block * (shape.n_ahead + shape.n_channels * shape.n_seasonal)


@loop
def season_row(shape, c, k, j):
    """The row of ahead, flat over the outputs, at which the seasonal inputs of target c in step j of output k begin."""
    inputs = shape.n_channels * shape.n_seasonal
    return covariate_row(shape, k) + shape.block * shape.n_ahead + j * inputs + c * shape.n_seasonal


@inlined
def add_season(shape, theta, ahead, c, k, linear, B):
    """Add to linear (block * B,) the seasonal inputs of target c: of the first step of output k and of each its own."""
    n, S = shape.block, shape.n_seasonal
    for j in each(n):
        to = vector(linear, j * B, B)
        for q in range(S):
            w = shape.season_at + (2 * c * n + j) * S + q
            of_first, of_own = theta[w], theta[w + n * S]
            first = vector(ahead, (season_row(shape, c, k, 0) + q) * B, B)
            own = vector(ahead, (season_row(shape, c, k, j) + q) * B, B)
            for b in range(B):
                to[b] += of_first * first[b] + of_own * own[b]
    meet()


@inlined
def season_gradient(shape, ahead, c, k, dlinear, grad, B):
    """Gradient of `add_season`: that of its weights is added to grad."""
    n, S = shape.block, shape.n_seasonal
    for j in each(n):
        d = vector(dlinear, j * B, B)
        for q in range(S):
            w = shape.season_at + (2 * c * n + j) * S + q
            first = vector(ahead, (season_row(shape, c, k, 0) + q) * B, B)
            own = vector(ahead, (season_row(shape, c, k, j) + q) * B, B)
            of_first, of_own = grad[w], grad[w + n * S]
            for b in range(B):
                of_first += d[b] * first[b]
                of_own += d[b] * own[b]
            grad[w], grad[w + n * S] = of_first, of_own
    meet()


# ---------------------------------------------------------------- backward
def build_transpose() -> Tile:
    """The function that prepares `backward`, once for all tiles."""
    return tile("transpose_weights")(transpose_of(fingerprint()))


def transpose_of(stamp: str) -> Callable:
    """The same, not yet compiled."""

    def transpose_weights(i, shape, theta, free, dropout, key, book):
        """theta_t holds each matrix of theta transposed, at the same offset."""
        stamp  # noqa: B018
        matrices = tensor2(book, at.MATRICES, 0, book)
        theta_t = tensor1(book, at.THETA_T, 0, theta)
        for m in range(matrices.shape[0]):
            w, rows, columns = matrices[m, 0], matrices[m, 1], matrices[m, 2]
            transpose(matrix(theta_t, w, columns, rows), matrix(theta, w, rows, columns))

    return transpose_weights


def backward_of(bptt: Callable, stamp: str) -> Callable:
    """The backward pass of a network whose layers have the gradient `bptt`, not yet compiled."""

    def backward(i, shape, theta, free, dropout, key, book):
        """Gradient of tile `i`, which overwrites grad.

        dstate (L, S, N) takes the gradient of the initial state, and dx (I, T, B) that of the inputs unless its T is 0.
        """
        stamp  # noqa: B018
        blocks = tensor3(book, at.BLOCKS, 0, book)
        rows = tensor2(book, at.ROWS, 0, book)
        starts = tensor1(book, at.STARTS, i, book)
        x = tensor3(book, at.X_IN, i, theta)
        X = tensor4(book, at.X, i, theta)
        A = tensor4(book, at.A, i, theta)
        C = tensor4(book, at.C, i, theta)
        ahead = tensor3(book, at.AHEAD, i, theta)
        dout = tensor3(book, at.DOUT, i, theta)
        scratch = tensor1(book, at.SCRATCH, i, theta)
        dY = tensor2(book, at.DY, i, theta)
        dstate = tensor3(book, at.DSTATE, i, theta)
        dx = tensor3(book, at.DX, i, theta)
        theta_t = tensor1(book, at.THETA_T, 0, theta)
        grad = tensor1(book, at.GRAD, i, theta)
        H, B = shape.hidden_size, starts.size
        zero(grad)
        zero(vector(dstate, 0, dstate.size))  # no loss reads the final state
        last_start = largest(starts)
        zero(vector(dx, 0, dx.size))
        head_gradient(shape, theta_t, rows, X, x, ahead, dout, dY, dx, grad, scratch)
        dY_from = shape.n_steps - shape.n_outputs
        for layer in range(shape.num_layers - 1, -1, -1):
            n_inputs = H if layer > 0 else shape.n_inputs
            want_dx = layer > 0 or dx.size > 0
            bptt(
                theta_t, grad, blocks[layer], n_inputs, X[layer], A[layer], C[layer], dY, dY_from, want_dx,
                dstate[layer], 0, shape.n_steps, starts, last_start, scratch,
            )  # fmt: skip
            dY_from = 0
            if layer > 0 and dropout > 0:
                drop_gradient(dY, dropout, key, layer - 1, 0, shape.n_steps, i, H, B)
        if dx.size > 0:
            add_input_gradient(dx, dY)
        if shape.state_at >= 0:
            sum_lanes(dstate, vector(grad, shape.state_at, dstate.size // B), B)

    return backward


@inlined
def drop_gradient(dY, dropout, key, layer, t0, t1, tile, H, B):
    """The masks of the forward pass on the gradient of steps t0 to t1."""
    for t in range(t0, t1):
        drop(vector(dY, t * dY.shape[1], H * B), dropout, key, layer, t, tile, B)


@inlined
def add_input_gradient(dx, dY):
    """dx (I, T, B) += what the lowest layer left in dY (T, >= I*B)."""
    (I, T, B), n = dx.shape, dY.shape[0]
    for row in each(I * n):
        c, t = row // n, row % n
        to, values = vector(dx, (c * T + t) * B, B), vector(dY, t * dY.shape[1] + c * B, B)
        for b in range(B):
            to[b] += values[b]
    meet()


@inlined
def sum_lanes(values, out, B):
    """out[r] = sum of the B lanes of row r; the initial state is one for all lanes."""
    for r in each(out.size):
        row = vector(values, r * B, B)
        total = row[0]
        for b in range(1, B):
            total += row[b]
        out[r] = total
    meet()


@inlined
def head_gradient(shape, theta_t, rows, X, x, ahead, dout, dY, dx, grad, scratch):
    """Gradients of head, skip and covariates added to `grad`; dY (T, >= N) at the scored steps takes V.T @ dout."""
    O, H, B, width = shape.output_size, shape.hidden_size, x.shape[2], dY.shape[1]
    V_t, dV = matrix(theta_t, shape.head_at + O, H, O), matrix(grad, shape.head_at, O, 1 + H)
    for k in range(shape.n_outputs):
        t = shape.n_steps - shape.n_outputs + k
        d = matrix(dout, k * O * B, O, B)
        add_outer(d, matrix(X, top_operand(shape, X, t), 1 + H, B), dV, scratch)
        product(V_t, d, matrix(dY, t * width, H, B))
        linear_gradient(shape, theta_t, rows, x, ahead, t, k, d, dx, grad, scratch)


@inlined
def linear_gradient(shape, theta_t, rows, x, ahead, t, k, dout, dx, grad, scratch):
    """Gradient of `add_linear`: the weights', and the inputs' where dx is wanted."""
    B = x.shape[2]
    if shape.skip_at >= 0:
        skip_gradient(shape, theta_t, rows, x, ahead, t, k, dout, dx, grad, scratch)
    if shape.ahead_at >= 0:
        n, F = shape.output_size // shape.block, shape.n_ahead
        for j in range(shape.block):
            dD = matrix(grad, shape.ahead_at + n * F * j * (j + 1) // 2, n, (j + 1) * F)
            known = matrix(ahead, covariate_row(shape, k) * B, (j + 1) * F, B)
            add_outer(matrix(dout, j * n * B, n, B), known, dD, scratch)


@inlined
def skip_gradient(shape, theta_t, rows, x, ahead, t, k, dout, dx, grad, scratch):
    """Gradient of the skip of output k, after step `t`: its weights', and its lags' where dx is wanted."""
    n, P, T, B = shape.block, shape.lags, x.shape[1], x.shape[2]
    used = shape.n_channels * n * B
    linear, part = vector(scratch, 0, used), vector(scratch, used, scratch.size - used)
    zero(linear)
    for o in range(shape.output_size):
        if rows[0, o] >= 0:
            add(vector(linear, rows[0, o] * B, B), vector(dout, o * B, B))
    for c in range(shape.n_channels):
        w, lags = shape.skip_at + c * n * P, (c * T + t - P + 1) * B
        d = matrix(linear, c * n * B, n, B)
        add_outer(d, matrix(x, lags, P, B), matrix(grad, w, n, P), part)
        if shape.season_at >= 0:
            season_gradient(shape, ahead, c, k, vector(linear, c * n * B, n * B), grad, B)
        if dx.size > 0:
            add_product(matrix(theta_t, w, P, n), d, matrix(dx, lags, P, B), part)
