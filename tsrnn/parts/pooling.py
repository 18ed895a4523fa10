"""Pooling over time: the head reads the mean or the maximum of the top layer's outputs over a window's own steps.

    mean    p = sum_t h_t / n,  t = s, ..., T - 1,  n = T - s
    max     p = max_t h_t, for each unit by itself; the gradient goes to the first step that has it

Of two directions (`directions`) p holds the units of both, each over its own outputs, in the order of its steps.

A window that starts at step s > 0 has no outputs before. Without pooling the head reads the last output (`head`).
"""

from __future__ import annotations

from .common import DOUT, DY, GRAD, OUT, STARTS, THETA_T, WIDTHS
from .head import HEAD
from .operations import add_outer, barrier, each, matrix, product, tensor1, tensor2, tensor3, tensor4, vector
from .part import GRADIENT, Buffer, Operation, Part, Sizes
from .recurrent import DBACKWARD, OPERANDS
from .shape import LAST, MAX, MEAN, n_encoded
from .tables import offset


def _units(s: Sizes, of: tuple[int, ...] = (MEAN, MAX)) -> int:
    return s.shape.directions * s.shape.hidden_size if s.shape.pooling in of else 0


def _read(s: Sizes) -> int:
    """Return how many units are read from here; of the last outputs of one direction none."""
    return _units(s, (LAST, MEAN, MAX)) if s.shape.directions == 2 else _units(s)


def _rows(s: Sizes) -> int:
    """Return how many vectors are read from here: one for each output, or by attention each step of an encoder."""
    if s.shape.decoder_layers:
        return n_encoded(s.shape) if s.shape.attention and s.shape.directions == 2 else 0
    return s.shape.n_outputs if _read(s) else 0


#: [1; p] of each output (of an encoder of two directions: of each of its steps), the gradient of p, and of a maximum
#: the step that has it.
POOLED = Buffer("pooled", lambda s: (_rows(s), 1 + _read(s), s.tile))
DPOOLED = Buffer("dpooled", lambda s: (_rows(s), _read(s), s.tile), GRADIENT, is_added_to=True)
HIGHEST = Buffer("highest", lambda s: (_units(s, (MAX,)), s.tile), dtype="int64")


def pool(tile, step, shape, theta, chance, arrays):
    """Fill `POOLED` from the outputs of layer `step.layer`, and of the backward one after it."""
    X, pooled = tensor4(arrays, OPERANDS, tile, theta), tensor1(arrays, POOLED, tile, theta)
    starts, highest = tensor1(arrays, STARTS, tile, arrays), tensor1(arrays, HIGHEST, tile, arrays)
    widths, T, T1, K, B = tensor1(arrays, WIDTHS, 0, arrays), shape.n_steps, X.shape[1], X.shape[2], X.shape[3]
    for u in each(shape.directions * shape.hidden_size):
        p, layer, unit = vector(pooled, (1 + u) * B, B), step.layer + u // shape.hidden_size, u % shape.hidden_size
        for b in range(B):
            p[b] = 0
        for t in range(T):
            h = vector(X, ((layer * T1 + t + 1) * K + widths[layer] + 1 + unit) * B, B)
            if shape.pooling == MAX:
                for b in range(B):
                    if t == starts[b] or (t > starts[b] and h[b] > p[b]):
                        p[b], highest[u * B + b] = h[b], t
            else:
                for b in range(B):
                    if t >= starts[b]:
                        p[b] += h[b]
        if shape.pooling == MEAN:
            for b in range(B):
                p[b] /= T - starts[b]
    for b in each(B):
        pooled[b] = 1
    barrier()


def pool_gradient(tile, step, shape, theta, chance, arrays):
    """Share the gradient of p out to the outputs of the layer, in `DY` or `DBACKWARD`; steps before the first get 0."""
    dY, dpooled = tensor2(arrays, DY, tile, theta), tensor1(arrays, DPOOLED, tile, theta)
    dback, H = tensor2(arrays, DBACKWARD, tile, theta), shape.hidden_size
    starts, highest = tensor1(arrays, STARTS, tile, arrays), tensor1(arrays, HIGHEST, tile, arrays)
    T, B = shape.n_steps, starts.size
    for u in each(shape.directions * H):
        d = vector(dpooled, u * B, B)
        if shape.pooling == MEAN:
            for b in range(B):
                d[b] /= T - starts[b]
        for t in range(T):
            to = vector(dback if u >= H else dY, t * dY.shape[1] + u % H * B, B)
            for b in range(B):
                is_read = highest[u * B + b] == t if shape.pooling == MAX else t >= starts[b]
                to[b] = d[b] if is_read else 0
    barrier()


def head(tile, step, shape, theta, chance, arrays):
    """Each output: V [1; p]."""
    pooled, out = tensor3(arrays, POOLED, tile, theta), tensor3(arrays, OUT, tile, theta)
    n, width, B = pooled.shape
    O, at = shape.output_size, offset(arrays, HEAD)
    for k in range(n):
        product(matrix(theta, at, O, width), matrix(pooled, k * width * B, width, B), matrix(out, k * O * B, O, B))


def head_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradient of V, and compute that of p."""
    pooled, dpooled = tensor3(arrays, POOLED, tile, theta), tensor3(arrays, DPOOLED, tile, theta)
    dout, grad = tensor3(arrays, DOUT, tile, theta), tensor1(arrays, GRAD, tile, theta)
    theta_t = tensor1(arrays, THETA_T, 0, theta)
    n, units, B = dpooled.shape
    O, at = shape.output_size, offset(arrays, HEAD)
    for k in range(n):
        d, p = matrix(dout, k * O * B, O, B), matrix(pooled, k * (1 + units) * B, 1 + units, B)
        add_outer(d, p, matrix(grad, at, O, 1 + units))
        product(matrix(theta_t, at + O, units, O), d, matrix(dpooled, k * units * B, units, B))


POOL = Operation("pool", pool, pool_gradient)
OUTPUT = Operation("pooled_head", head, head_gradient)
PART = Part((POOLED, DPOOLED, HIGHEST), operations=(POOL, OUTPUT))
