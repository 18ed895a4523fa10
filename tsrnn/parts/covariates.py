"""Covariates: step j of an output adds a linear map of those of the steps up to its own, from the step before on.

out[k, j] += D_j [f[k, -1]; f[k, 0]; ...; f[k, j]]

The step before, f[k, -1], tells how much of the last value came from its covariates, so that a forecast may follow
their change.
"""

from __future__ import annotations

from .common import AHEAD, DOUT, GRAD, OUT
from .operations import add_outer, add_product, matrix, tensor1, tensor3
from .part import Operation, Parameter, Parameters, Part, Weights
from .sizes import NetworkSizes
from .tables import offset

#: For each step j of the block (O / block, (j + 2) F), one after the other.
COVARIATES = Weights("ahead0")


def add_covariates(tile, step, shape, theta, chance, arrays):
    """Add the covariates' part to outputs `step.first` to `step.last`."""
    ahead, out = tensor3(arrays, AHEAD, tile, theta), tensor3(arrays, OUT, tile, theta)
    n, F, B, at = shape.output_size // shape.block, shape.n_covariates, ahead.shape[2], offset(arrays, COVARIATES)
    for k in range(step.first, step.last):
        for j in range(shape.block):
            D = matrix(theta, at + n * F * j * (j + 3) // 2, n, (j + 2) * F)
            known = matrix(ahead, k * ahead.shape[1] * B, (j + 2) * F, B)
            add_product(D, known, matrix(out, (k * shape.output_size + j * n) * B, n, B))


def add_covariates_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of all D_j."""
    ahead, dout = tensor3(arrays, AHEAD, tile, theta), tensor3(arrays, DOUT, tile, theta)
    grad = tensor1(arrays, GRAD, tile, theta)
    n, F, B, at = shape.output_size // shape.block, shape.n_covariates, ahead.shape[2], offset(arrays, COVARIATES)
    for k in range(step.first, step.last):
        for j in range(shape.block):
            dD = matrix(grad, at + n * F * j * (j + 3) // 2, n, (j + 2) * F)
            known = matrix(ahead, k * ahead.shape[1] * B, (j + 2) * F, B)
            add_outer(matrix(dout, (k * shape.output_size + j * n) * B, n, B), known, dD)


def parameters(network: NetworkSizes) -> Parameters:
    """Return D_j of each step of the block; they start at zero and do not decay."""
    n, F = network.n_targets * network.loss.size, network.n_covariates
    return {f"ahead{j}": Parameter((n, (j + 2) * F)) for j in range(network.block if F else 0)}


def count(network: NetworkSizes) -> int:
    """Return the number of all weights."""
    return network.output_size * network.n_covariates * (network.block + 3) // 2


ADD_COVARIATES = Operation("covariates", add_covariates, add_covariates_gradient)
PART = Part((), (COVARIATES,), (ADD_COVARIATES,), parameters, count=count)
