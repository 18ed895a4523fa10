"""Seasonal inputs of the linear forecast: means of earlier seasons, of each target on its own.

Step j of an output adds a linear map of the seasonal inputs of the output's first step and one of those of step j:

    location[k, j] += U_0[j] season[k, 0] + U_1[j] season[k, j]
"""

from __future__ import annotations

from .common import AHEAD, DOUT, GRAD, LINEAR_ROWS, OUT
from .operations import barrier, each, inlined, tensor1, tensor3, vector
from .part import Operation, Parameter, Parameters, Part, Weights
from .sizes import NetworkSizes
from .tables import offset

#: (C, 2, block, S)
SEASON = Weights("season")


@inlined
def season_row(shape, c, j):
    """Return the row of `AHEAD` at which the seasonal inputs of target c in step j of an output begin."""
    inputs = shape.n_channels * shape.n_seasonal
    return (shape.block + 1) * shape.n_covariates + j * inputs + c * shape.n_seasonal


def add_season(tile, step, shape, theta, chance, arrays):
    """Add the seasonal inputs' part to outputs `step.first` to `step.last`."""
    ahead, out = tensor3(arrays, AHEAD, tile, theta), tensor3(arrays, OUT, tile, theta)
    rows, at = tensor1(arrays, LINEAR_ROWS, 0, arrays), offset(arrays, SEASON)
    O, n, S, B = shape.output_size, shape.block, shape.n_seasonal, ahead.shape[2]
    for k in range(step.first, step.last):
        for o in each(O):
            if rows[o] >= 0:
                c, j, to = rows[o] // n, rows[o] % n, vector(out, (k * O + o) * B, B)
                w = at + (2 * c * n + j) * S
                for q in range(S):
                    first = vector(ahead, (k * ahead.shape[1] + season_row(shape, c, 0) + q) * B, B)
                    own = vector(ahead, (k * ahead.shape[1] + season_row(shape, c, j) + q) * B, B)
                    of_first, of_own = theta[w + q], theta[w + n * S + q]
                    for b in range(B):
                        to[b] += of_first * first[b] + of_own * own[b]
    barrier()


def add_season_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradient of U; a thread has all outputs of its own steps, at which no other thread adds."""
    ahead, dout = tensor3(arrays, AHEAD, tile, theta), tensor3(arrays, DOUT, tile, theta)
    rows, at = tensor1(arrays, LINEAR_ROWS, 0, arrays), offset(arrays, SEASON)
    grad = tensor1(arrays, GRAD, tile, theta)
    O, n, S, B = shape.output_size, shape.block, shape.n_seasonal, ahead.shape[2]
    for j in each(n):
        for k in range(step.first, step.last):
            for o in range(O):
                if rows[o] >= 0 and rows[o] % n == j:
                    c, d = rows[o] // n, vector(dout, (k * O + o) * B, B)
                    w = at + (2 * c * n + j) * S
                    for q in range(S):
                        first = vector(ahead, (k * ahead.shape[1] + season_row(shape, c, 0) + q) * B, B)
                        own = vector(ahead, (k * ahead.shape[1] + season_row(shape, c, j) + q) * B, B)
                        of_first, of_own = grad[w + q], grad[w + n * S + q]
                        for b in range(B):
                            of_first += d[b] * first[b]
                            of_own += d[b] * own[b]
                        grad[w + q], grad[w + n * S + q] = of_first, of_own
    barrier()


def parameters(network: NetworkSizes) -> Parameters:
    """Return U, which starts at zero until training sets it to the ridge solution; it does not decay."""
    shape = (network.n_targets, 2, network.block, network.n_seasonal)
    return {SEASON.name: Parameter(shape)} if network.lags and network.n_seasonal else {}


ADD_SEASON = Operation("season", add_season, add_season_gradient)
PART = Part((), (SEASON,), (ADD_SEASON,), parameters)
