"""The head: a linear map of the top layer's output, one output vector for each step that forecasts.

out[k] = V [1; h_t]
"""

from __future__ import annotations

import numpy as np

from .common import DOUT, DY, GRAD, OUT, THETA_T, WIDTHS
from .operations import add_outer, add_product, inlined, matrix, product, tensor1, tensor2, tensor3, tensor4
from .part import Operation, Parameter, Parameters, Part, Weights, uniform
from .recurrent import DDECODER, OPERANDS
from .sizes import NetworkSizes
from .tables import offset

#: (O, 1 + H), the bias first; (O, 1 + 2 H) of two directions without a decoder.
HEAD = Weights("head")


def operand_of(X, widths, layer, t):
    """Return where in the operands X ``[1; h]`` of a layer after slot `t` begins, (1 + H, B)."""
    return ((layer * X.shape[1] + t + 1) * X.shape[2] + widths[layer]) * X.shape[3]


def head(tile, step, shape, theta, chance, arrays):
    """Outputs `step.first` to `step.last` from the top layer `step.layer` after slots `step.start` and following."""
    X, out = tensor4(arrays, OPERANDS, tile, theta), tensor3(arrays, OUT, tile, theta)
    widths = tensor1(arrays, WIDTHS, 0, arrays)
    O, H, B = shape.output_size, shape.hidden_size, X.shape[3]
    V = matrix(theta, offset(arrays, HEAD), O, 1 + H)
    for k in range(step.first, step.last):
        h = operand_of(X, widths, step.layer, step.start + k - step.first)
        product(V, matrix(X, h, 1 + H, B), matrix(out, k * O * B, O, B))


def head_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradient of V; the gradient of h goes to `DY` at its step, in a decoder to that of its last state."""
    X, dout = tensor4(arrays, OPERANDS, tile, theta), tensor3(arrays, DOUT, tile, theta)
    grad, theta_t = tensor1(arrays, GRAD, tile, theta), tensor1(arrays, THETA_T, 0, theta)
    widths = tensor1(arrays, WIDTHS, 0, arrays)
    O, H, B, at = shape.output_size, shape.hidden_size, X.shape[3], offset(arrays, HEAD)
    dV, V_t = matrix(grad, at, O, 1 + H), matrix(theta_t, at + O, H, O)
    for k in range(step.first, step.last):
        t, d = step.start + k - step.first, matrix(dout, k * O * B, O, B)
        add_outer(d, matrix(X, operand_of(X, widths, step.layer, t), 1 + H, B), dV)
        if step.layer < shape.num_layers:
            dY = tensor2(arrays, DY, tile, theta)
            product(V_t, d, matrix(dY, t * dY.shape[1], H, B))
        else:
            add_product(V_t, d, top_state_gradient(tile, step, theta, arrays, H, B))


@inlined
def top_state_gradient(tile, step, theta, arrays, H, B):
    """Return the gradient of the state h of the decoder's top layer, (H, B)."""
    ddecoder = tensor3(arrays, DDECODER, tile, theta)
    return matrix(ddecoder, (ddecoder.shape[0] - 1) * ddecoder.shape[1] * H * B, H, B)


def states_uniform(values: np.ndarray, rng: np.random.Generator, bound: float) -> None:
    """Fill all columns but the bias with uniform random numbers."""
    uniform(values[:, 1:], rng, bound)


def parameters(network: NetworkSizes) -> Parameters:
    """Return V; with a linear skip it starts at zero, so that the first forecast is the linear one."""
    initial = None if network.lags else states_uniform
    n_read = 1 if network.decoder else network.directions
    shape = (network.output_size, 1 + n_read * network.hidden_size)
    return {HEAD.name: Parameter(shape, initial, decays=True, bias=0)}


OUTPUT = Operation("head", head, head_gradient)
PART = Part((), (HEAD,), (OUTPUT,), parameters)
