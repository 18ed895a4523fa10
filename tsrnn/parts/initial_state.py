"""The state before the first step: given for each window, or learned as one state for all windows.

States lie side by side: h in the recurrent layers' operands, the others in `OTHERS`; see `recurrent`.
"""

from __future__ import annotations

from .common import GRAD, WIDTHS
from .operations import barrier, copy, each, sum_lanes, tensor1, tensor3, tensor4, vector
from .part import Buffer, Operation, Parameter, Parameters, Part, Weights
from .recurrent import DSTATE, OPERANDS, OTHERS
from .sizes import NetworkSizes
from .tables import offset

#: States before the first step, (layers, states, N).
STATE = Buffer("state", lambda s: (s.shape.num_layers, len(s.cell.states), s.state_size))
INITIAL_STATE = Weights("initial_state")


def begin(tile, step, shape, theta, chance, arrays):
    """Put the state before the first step into the layers' arrays."""
    state, widths = tensor3(arrays, STATE, tile, theta), tensor1(arrays, WIDTHS, 0, arrays)
    X, C = tensor4(arrays, OPERANDS, tile, theta), tensor4(arrays, OTHERS, tile, theta)
    T1, K, B = X.shape[1], X.shape[2], X.shape[3]
    L, S, N = state.shape
    at = offset(arrays, INITIAL_STATE)
    if at >= 0:
        flat = vector(state, 0, state.size)
        for r in each(state.size // B):
            for b in range(B):
                flat[r * B + b] = theta[at + r]
        barrier()
    for layer in range(L):
        copy(vector(X, (layer * T1 * K + widths[layer] + 1) * B, N), vector(state, layer * S * N, N))
        copy(vector(C, layer * T1 * (S - 1) * N, (S - 1) * N), vector(state, (layer * S + 1) * N, (S - 1) * N))


def begin_gradient(tile, step, shape, theta, chance, arrays):
    """Gradient of the learned initial state: the sum over the windows."""
    at = offset(arrays, INITIAL_STATE)
    if at >= 0:
        dstate, starts_grad = tensor3(arrays, DSTATE, tile, theta), tensor1(arrays, GRAD, tile, theta)
        B = tensor4(arrays, OPERANDS, tile, theta).shape[3]
        sum_lanes(dstate, vector(starts_grad, at, dstate.size // B), B)


def parameters(network: NetworkSizes) -> Parameters:
    """Return the learned initial state, (layers, states, hidden_size), which starts at zero."""
    shape = (network.num_layers, len(network.cell.states), network.hidden_size)
    return {INITIAL_STATE.name: Parameter(shape)} if network.learn_initial_state else {}


BEGIN = Operation("initial_state", begin, begin_gradient)
PART = Part((STATE,), (INITIAL_STATE,), parameters)
