"""The update of the parameters: the sum of the tiles' gradients, clipped, and one step of Adam."""

from __future__ import annotations

import numpy as np

from ..functions.activations import sqrt
from ..functions.optimizers import adam
from .common import GRAD
from .lanes import lane_loop, parameters_of
from .operations import tensor1, tensor2, vector
from .part import GRADIENT, Buffer, Operation, Part

#: First and second moments (2, n_theta), weight decay of each parameter, norms of the gradients: the caller's.
MOMENTS = Buffer("moments", lambda _: (0, 0), shared=True, given=True)
DECAY = Buffer("decay", lambda _: (0,), shared=True, given=True)
NORMS = Buffer("norms", lambda _: (0,), shared=True, given=True)
#: Learning rate, beta1, beta2, epsilon, 1 - beta1**t, 1 - beta2**t, largest norm, and how much the batch counts.
HYPER = Buffer("hyper", lambda _: (8,), GRADIENT, shared=True)
#: Number of tiles, and place of this update's norm in `NORMS`.
COUNTS = Buffer("counts", lambda _: (2,), GRADIENT, dtype="int64", shared=True)

_READS = parameters_of(adam)
_ROWS = {name: name for name in ("theta", "g", "m", "v", "decay")}
adam_lanes = lane_loop("adam_lanes", adam, _READS, ("theta", "m", "v"), _ROWS, ", ".join(_READS))


def add_gradient(out, x):
    """out += x, both (n,)."""
    for n in range(out.size):
        out[n] += x[n]


def shrink(values, factor):
    """values (n,) *= factor."""
    for n in range(values.size):
        values[n] *= factor


def update(tile, step, shape, theta, chance, arrays):
    """Sum the gradients of all tiles into the first, clip the sum by its norm, and change theta and its moments."""
    counts, hyper = tensor1(arrays, COUNTS, 0, arrays), tensor1(arrays, HYPER, 0, theta)
    moments, g = tensor2(arrays, MOMENTS, 0, theta), tensor1(arrays, GRAD, 0, theta)
    decay, norms = tensor1(arrays, DECAY, 0, theta), tensor1(arrays, NORMS, 0, theta)
    n = g.size
    square = 0.0
    for i in range(1, counts[0]):
        add_gradient(g, tensor1(arrays, GRAD, i, theta))
    for k in range(n):
        square += np.float64(g[k]) * np.float64(g[k])
    norm = sqrt(square)
    norms[counts[1]] = norm
    factor = np.float64(hyper[7])
    if norm > hyper[6]:
        factor *= hyper[6] / norm
    if factor != 1:
        shrink(g, factor)
    m, v = vector(moments, 0, n), vector(moments, n, n)
    adam_lanes(theta, g, m, v, decay, hyper[0], hyper[1], hyper[2], hyper[3], hyper[4], hyper[5])


UPDATE = Operation("update", update)
PART = Part((MOMENTS, DECAY, NORMS, HYPER, COUNTS), operations=(UPDATE,))
