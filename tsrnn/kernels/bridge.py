"""From an encoder's last states to its decoder's first ones: as they are, or over a learned linear bridge.

With E layers of H units before and D after, for each kind s of state: [decoder's layers] = W_s [1; encoder's layers].
"""

from __future__ import annotations

from .jit import inlined, loop
from .lanes import add_outer, copy, fill, product
from .layout import decoder_inputs, encoder_inputs, n_decoded
from .views import matrix, vector


@inlined
def cross_over(shape, theta, X, C, n, scratch):
    """The encoder's states after its last step start the decoder, over the bridge where there is one.

    Parallel steps each have a slot of their own to start from.
    """
    E, D, H, B = shape.num_layers, shape.decoder_layers, shape.hidden_size, X.shape[3]
    S, N = C.shape[2] + 1, H * B
    operand, states = matrix(scratch, 0, 1 + E * H, B), vector(scratch, (1 + E * H) * B, D * N)
    fill(vector(operand, 0, B), 1)
    for s in range(S):
        for layer in range(E):
            h = (H if layer > 0 else encoder_inputs(shape)) + 1
            copy_state(vector(operand, B + layer * N, N), X, C, layer, n, s, h, True)
        if shape.bridge_at >= 0:
            W = matrix(theta, shape.bridge_at + s * D * H * (1 + E * H), D * H, 1 + E * H)
            product(W, operand, matrix(states, 0, D * H, B))
        else:
            copy(states, vector(operand, B, E * N))
        for layer in range(D):
            h = (H if layer > 0 else decoder_inputs(shape)) + 1
            for k in range(n_decoded(shape) if shape.parallel else 1):
                copy_state(vector(states, layer * N, N), X, C, E + layer, 2 * k, s, h, False)


@loop
def copy_state(values, X, C, layer, t, s, h, read):
    """State number `s` of `layer` before slot `t`, (N,): `read` into values, or written from them."""
    N, T1, K, B = values.size, X.shape[1], X.shape[2], X.shape[3]
    state = vector(X, ((layer * T1 + t) * K + h) * B, N)
    if s > 0:
        state = vector(C, ((layer * T1 + t) * C.shape[2] + s - 1) * N, N)
    if read:
        copy(values, state)
    else:
        copy(state, values)


@inlined
def cross_over_gradient(shape, theta_t, grad, X, C, n, ddecoder, dstate, scratch):
    """Gradient of `cross_over` in sequence: of the bridge, and of the encoder's last states in dstate (E, S, N)."""
    E, D, H, B = shape.num_layers, shape.decoder_layers, shape.hidden_size, X.shape[3]
    S, N, width = dstate.shape[1], H * B, 1 + E * H
    operand, d = matrix(scratch, 0, width, B), vector(scratch, width * B, D * N)
    passed, used = vector(scratch, width * B + D * N, E * N), width * B + (D + E) * N
    part = vector(scratch, used, scratch.size - used)
    fill(vector(operand, 0, B), 1)
    for s in range(S):
        for layer in range(D):
            copy(vector(d, layer * N, N), vector(ddecoder, (layer * S + s) * N, N))
        if shape.bridge_at >= 0:
            for layer in range(E):
                h = (H if layer > 0 else encoder_inputs(shape)) + 1
                copy_state(vector(operand, B + layer * N, N), X, C, layer, n, s, h, True)
            w = shape.bridge_at + s * D * H * width
            add_outer(matrix(d, 0, D * H, B), operand, matrix(grad, w, D * H, width), part)
            product(matrix(theta_t, w + D * H, E * H, D * H), matrix(d, 0, D * H, B), matrix(passed, 0, E * H, B))
        else:
            copy(passed, d)
        for layer in range(E):
            copy(vector(dstate, (layer * S + s) * N, N), vector(passed, layer * N, N))
