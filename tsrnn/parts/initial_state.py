"""A learned state before the first step, one for all windows. Without it the state before the first step is zero.

A network with static covariates has that of `static` in its place.

States lie side by side: h in the recurrent layers' operands, the others in `OTHERS`; see `recurrent`.
"""

from __future__ import annotations

from .common import GRAD, WIDTHS
from .operations import barrier, each, sum_lanes, tensor1, tensor3, tensor4, vector
from .part import Operation, Parameter, Parameters, Part, Weights
from .recurrent import DSTATE, OPERANDS, OTHERS
from .sizes import NetworkSizes
from .tables import offset

#: (layers, states, H)
INITIAL_STATE = Weights("initial_state")


def begin(tile, step, shape, theta, chance, arrays):
    """Put the state before the first step into the layers' arrays."""
    X, C = tensor4(arrays, OPERANDS, tile, theta), tensor4(arrays, OTHERS, tile, theta)
    widths, at = tensor1(arrays, WIDTHS, 0, arrays), offset(arrays, INITIAL_STATE)
    T1, K, B, H, others = X.shape[1], X.shape[2], X.shape[3], shape.hidden_size, C.shape[2]
    for r in each(shape.num_layers * (1 + others) * H):
        layer, s, u = r // H // (1 + others), r // H % (1 + others), r % H
        row = vector(X, (layer * T1 * K + widths[layer] + 1 + u) * B, B)
        if s > 0:
            row = vector(C, ((layer * T1 * others + s - 1) * H + u) * B, B)
        for b in range(B):
            row[b] = theta[at + r]
    barrier()


def begin_gradient(tile, step, shape, theta, chance, arrays):
    """Gradient of the learned state: the sum over the windows."""
    dstate, grad = tensor3(arrays, DSTATE, tile, theta), tensor1(arrays, GRAD, tile, theta)
    B, at = tensor4(arrays, OPERANDS, tile, theta).shape[3], offset(arrays, INITIAL_STATE)
    sum_lanes(dstate, vector(grad, at, dstate.size // B), B)


def parameters(network: NetworkSizes) -> Parameters:
    """Return the learned initial state, which starts at zero."""
    shape = (network.n_layers, len(network.cell.states), network.hidden_size)
    learns = network.learn_initial_state and not network.static_size
    return {INITIAL_STATE.name: Parameter(shape)} if learns else {}


BEGIN = Operation("initial_state", begin, begin_gradient)
PART = Part((), (INITIAL_STATE,), (BEGIN,), parameters)
