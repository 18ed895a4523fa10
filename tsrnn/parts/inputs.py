"""The inputs of the lowest layer of an encoder or decoder: the series, or the network's own forecasts."""

from __future__ import annotations

from ..functions.activations import softplus
from .common import DX, DY, OUT, POINT_ROWS, X
from .decay import mask_of, time_of
from .operations import barrier, each, tensor1, tensor2, tensor3, tensor4, vector
from .part import Operation, Part
from .recurrent import DDECODED, OPERANDS


def read(tile, step, shape, theta, chance, arrays):
    """Copy time steps from `step.start` on into slots `step.first` to `step.last` of the operand of `step.layer`."""
    x, operand = tensor3(arrays, X, tile, theta), tensor4(arrays, OPERANDS, tile, theta)
    (I, T, B), K, n = x.shape, operand.shape[2], step.last - step.first
    at = step.layer * operand.shape[1] + step.first
    for row in each(I * n):
        c, t = row // n, row % n
        values, to = vector(x, (c * T + step.start + t) * B, B), vector(operand, ((at + t) * K + c) * B, B)
        for b in range(B):
            to[b] = values[b]
    barrier()


def read_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradient of the layer's inputs, which lies in `DY` or `DDECODED`, to that of the series."""
    dx = tensor3(arrays, DX, tile, theta)
    d = tensor2(arrays, DY if step.layer < shape.num_layers else DDECODED, tile, theta)
    (I, T, B), n = dx.shape, step.last - step.first
    for row in each(I * n):
        c, t = row // n, row % n
        to, values = vector(dx, (c * T + step.start + t) * B, B), vector(d, (step.first + t) * d.shape[1] + c * B, B)
        for b in range(B):
            to[b] += values[b]
    barrier()


def feed_back(tile, step, shape, theta, chance, arrays):
    """Put the point forecast of output `step.first`, for each target, into the inputs of time step `step.start`.

    Where inputs have masks, it counts as observed.
    """
    x, out = tensor3(arrays, X, tile, theta), tensor3(arrays, OUT, tile, theta)
    rows = tensor1(arrays, POINT_ROWS, 0, arrays)
    T, B, O = x.shape[1], x.shape[2], out.shape[1]
    for c in range(shape.n_channels):
        fed, values = vector(x, (c * T + step.start) * B, B), vector(out, (step.first * O + rows[c]) * B, B)
        for b in each(B):
            fed[b] = softplus(values[b]) if shape.link == 1 else values[b]
    for c in range(shape.n_masked):
        m = vector(x, (mask_of(shape, c) * T + step.start) * B, B)
        delta = vector(x, (time_of(shape, c) * T + step.start) * B, B)
        for b in each(B):
            m[b], delta[b] = 1, 0
    barrier()


READ = Operation("inputs", read, read_gradient)
FEED_BACK = Operation("feed_back", feed_back)
PART = Part(operations=(READ, FEED_BACK))
