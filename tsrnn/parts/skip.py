"""The linear skip: a linear map of each target's last values, added to the location of its forecasts.

location[k] += S x[:, t - lags + 1 .. t],   t the last step before output k
"""

from __future__ import annotations

from .common import DOUT, DX, GRAD, LINEAR_ROWS, OUT, SCRATCH, THETA_T, X
from .operations import add, add_outer, add_product, matrix, product, tensor1, tensor3, vector, zero
from .part import Operation, Parameter, Parameters, Part, Sizes, Weights
from .sizes import NetworkSizes
from .tables import offset

#: (C, block, lags)
SKIP = Weights("skip")


def add_skip(tile, step, shape, theta, chance, arrays):
    """Add the skip to outputs `step.first` to `step.last`; the first reads up to time step `step.start`."""
    x, out = tensor3(arrays, X, tile, theta), tensor3(arrays, OUT, tile, theta)
    rows, linear = tensor1(arrays, LINEAR_ROWS, 0, arrays), tensor1(arrays, SCRATCH, tile, theta)
    O, n, P, T, B, at = shape.output_size, shape.block, shape.lags, x.shape[1], x.shape[2], offset(arrays, SKIP)
    for k in range(step.first, step.last):
        first = step.start + k - step.first - P + 1
        for c in range(shape.n_channels):
            lags = matrix(x, (c * T + first) * B, P, B)
            product(matrix(theta, at + c * n * P, n, P), lags, matrix(linear, c * n * B, n, B))
        for o in range(O):
            if rows[o] >= 0:
                add(vector(out, (k * O + o) * B, B), vector(linear, rows[o] * B, B))


def add_skip_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of S and, where it is wanted, of the inputs that the skip reads."""
    x, dout = tensor3(arrays, X, tile, theta), tensor3(arrays, DOUT, tile, theta)
    dx, grad = tensor3(arrays, DX, tile, theta), tensor1(arrays, GRAD, tile, theta)
    theta_t, scratch = tensor1(arrays, THETA_T, 0, theta), tensor1(arrays, SCRATCH, tile, theta)
    rows = tensor1(arrays, LINEAR_ROWS, 0, arrays)
    O, n, P, T, B, at = shape.output_size, shape.block, shape.lags, x.shape[1], x.shape[2], offset(arrays, SKIP)
    dlinear = vector(scratch, 0, shape.n_channels * n * B)
    for k in range(step.first, step.last):
        first = step.start + k - step.first - P + 1
        zero(dlinear)
        for o in range(O):
            if rows[o] >= 0:
                add(vector(dlinear, rows[o] * B, B), vector(dout, (k * O + o) * B, B))
        for c in range(shape.n_channels):
            w, lags, d = at + c * n * P, (c * T + first) * B, matrix(dlinear, c * n * B, n, B)
            add_outer(d, matrix(x, lags, P, B), matrix(grad, w, n, P))
            if dx.size > 0:
                add_product(matrix(theta_t, w, P, n), d, matrix(dx, lags, P, B))


def scratch(s: Sizes) -> int:
    """Return room for the skip of all targets and steps of one output."""
    return s.shape.n_channels * s.shape.block * s.tile


def parameters(network: NetworkSizes) -> Parameters:
    """Return S, which starts at zero until training sets it to the ridge solution; it does not decay."""
    return {SKIP.name: Parameter((network.n_targets, network.block, network.lags))} if network.lags else {}


ADD_SKIP = Operation("skip", add_skip, add_skip_gradient)
PART = Part((), (SKIP,), (ADD_SKIP,), parameters, scratch)
