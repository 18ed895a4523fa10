"""From an encoder's last states to its decoder's first ones: as they are, or through a learned linear map.

With E layers of H units before, each direction a layer, and D after, for each kind s of state:

    [decoder's layers] = W_s [1; encoder's layers]
"""

from __future__ import annotations

import numpy as np

from .common import GRAD, SCRATCH, THETA_T, WIDTHS
from .operations import add, add_outer, copy, fill, matrix, product, tensor1, tensor3, tensor4, vector, zero
from .part import Operation, Parameter, Parameters, Part, Sizes, Weights
from .recurrent import DDECODER, DSTATE, OPERANDS, OTHERS
from .sizes import NetworkSizes
from .tables import offset

#: (S, D H, 1 + E H)
BRIDGE = Weights("bridge")


def copy_state(values, X, C, layer, t, s, h, reads):
    """State number `s` of `layer` before slot `t`, (N,): copied into `values` if `reads`, or written from them."""
    N, T1, K, B = values.size, X.shape[1], X.shape[2], X.shape[3]
    state = vector(X, ((layer * T1 + t) * K + h) * B, N)
    if s > 0:
        state = vector(C, ((layer * T1 + t) * C.shape[2] + s - 1) * N, N)
    if reads:
        copy(values, state)
    else:
        copy(state, values)


def copy_encoder(shape, X, C, widths, n, s, operand):
    """operand (1 + E H, B) = [1; state s of the encoder's layers after its n steps]."""
    N, B = shape.hidden_size * X.shape[3], X.shape[3]
    fill(vector(operand, 0, B), 1)
    for layer in range(shape.num_layers):
        copy_state(vector(operand, B + layer * N, N), X, C, layer, n, s, widths[layer] + 1, True)


def cross(tile, step, shape, theta, chance, arrays):
    """The encoder's states after its `step.first` steps become those of the decoder before slot `step.last`."""
    X, C = tensor4(arrays, OPERANDS, tile, theta), tensor4(arrays, OTHERS, tile, theta)
    widths, scratch = tensor1(arrays, WIDTHS, 0, arrays), tensor1(arrays, SCRATCH, tile, theta)
    E, D, H, B, at = shape.num_layers, shape.decoder_layers, shape.hidden_size, X.shape[3], offset(arrays, BRIDGE)
    width, N = 1 + E * H, H * B
    operand, states = matrix(scratch, 0, width, B), vector(scratch, width * B, D * N)
    for s in range(C.shape[2] + 1):
        copy_encoder(shape, X, C, widths, step.first, s, operand)
        if at >= 0:
            product(matrix(theta, at + s * D * H * width, D * H, width), operand, matrix(states, 0, D * H, B))
        else:
            copy(states, vector(operand, B, E * N))
        for layer in range(D):
            h = widths[E + layer] + 1
            copy_state(vector(states, layer * N, N), X, C, E + layer, step.last, s, h, False)


def cross_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of W and of the encoder's last states; that of the decoder's first states becomes zero."""
    X, C = tensor4(arrays, OPERANDS, tile, theta), tensor4(arrays, OTHERS, tile, theta)
    dstate, ddecoder = tensor3(arrays, DSTATE, tile, theta), tensor3(arrays, DDECODER, tile, theta)
    grad, theta_t = tensor1(arrays, GRAD, tile, theta), tensor1(arrays, THETA_T, 0, theta)
    widths, scratch, at = (
        tensor1(arrays, WIDTHS, 0, arrays),
        tensor1(arrays, SCRATCH, tile, theta),
        offset(arrays, BRIDGE),
    )
    E, D, H, B = shape.num_layers, shape.decoder_layers, shape.hidden_size, X.shape[3]
    S, N, width = dstate.shape[1], H * B, 1 + E * H
    operand, d = matrix(scratch, 0, width, B), vector(scratch, width * B, D * N)
    passed = vector(scratch, width * B + D * N, E * N)
    for s in range(S):
        for layer in range(D):
            copy(vector(d, layer * N, N), vector(ddecoder, (layer * S + s) * N, N))
        if at >= 0:
            copy_encoder(shape, X, C, widths, step.first, s, operand)
            w = at + s * D * H * width
            add_outer(matrix(d, 0, D * H, B), operand, matrix(grad, w, D * H, width))
            product(matrix(theta_t, w + D * H, E * H, D * H), matrix(d, 0, D * H, B), matrix(passed, 0, E * H, B))
        else:
            copy(passed, d)
        for layer in range(E):
            add(vector(dstate, (layer * S + s) * N, N), vector(passed, layer * N, N))
    zero(vector(ddecoder, 0, ddecoder.size))


def scratch(s: Sizes) -> int:
    """Return room for the encoder's states, the decoder's, and what goes back."""
    E, D, H = s.shape.num_layers, s.shape.decoder_layers, s.shape.hidden_size
    return (1 + 2 * E * H + D * H) * s.tile


def parameters(network: NetworkSizes) -> Parameters:
    """Return W, which starts by copying to each layer the one as far from the top, or else the lowest.

    Of two directions it starts as their mean, so that the decoder begins with what both have read.
    """
    d = network.decoder
    if d is None or d.parallel or not d.bridge:
        return {}
    n_before, n_after, H = network.num_layers, d.num_layers, network.hidden_size

    def copies(values: np.ndarray, rng: np.random.Generator, bound: float) -> None:
        layers = np.zeros((n_after, n_before))
        for layer in range(n_after):
            layers[layer, max(0, layer + n_before - n_after)] = 1
        layers = np.repeat(layers, network.directions, axis=1) / network.directions
        values[:, :, 1:] = np.kron(layers, np.eye(H))

    shape = (len(network.cell.states), n_after * H, 1 + network.n_layers * H)
    return {BRIDGE.name: Parameter(shape, copies, decays=True, bias=0)}


CROSS = Operation("bridge", cross, cross_gradient)
PART = Part((), (BRIDGE,), (CROSS,), parameters, scratch)
