"""What the steps of an encoder and its decoder read: segments of the series, forecasts fed back, learned positions.

x (I, T, B) are the scaled inputs of a tile, s the steps of a segment; `decoder` says how it hangs together.
"""

from __future__ import annotations

import numpy as np

from ..functions.activations import sigmoid, softplus
from ..functions.attention import embedding, embedding_gradient
from ..functions.random import fold, share_of_words
from .jit import each, equation, inlined, loop, meet
from .lanes import add, add_outer, copy, fill, product
from .layout import encoder_inputs
from .stack import add_input_gradient, copy_inputs, sum_lanes
from .views import matrix, vector

equation(embedding), equation(embedding_gradient)


@loop
def row_before(shape, k):
    """The row of x up to which step k of a decoder reads."""
    s = shape.segment
    return shape.n_steps - 1 - (0 if shape.parallel else (shape.n_outputs - 1 - k) * s)


# ---------------------------------------------------------------- segments
@loop
def take_segment(shape, x, row, operand):
    """operand (1 + I s, B) = [1; the rows of x from `row` on, channel by channel]."""
    (I, T, B), s = x.shape, shape.segment
    fill(vector(operand, 0, B), 1)
    for c in range(I):
        copy(vector(operand, (1 + c * s) * B, s * B), vector(x, (c * T + row) * B, s * B))


@loop
def embed(shape, theta, x, row, X, layer, t, scratch):
    """The segment of x from `row` on becomes the inputs of `layer` at slot `t`."""
    B, H = x.shape[2], shape.hidden_size
    n = 1 + shape.n_inputs * shape.segment
    operand, first = matrix(scratch, 0, n, B), (layer * X.shape[1] + t) * X.shape[2] * B
    take_segment(shape, x, row, operand)
    product(matrix(theta, shape.embedding_at, H, n), operand, matrix(X, first, H, B))
    rectify(vector(X, first, H * B))


@loop
def rectify(values):
    """values (n,) = embedding(values)."""
    for n in each(values.size):
        values[n] = embedding(values[n])
    meet()


@loop
def embed_gradient(shape, theta_t, grad, x, row, X, layer, t, d, dx, scratch):
    """Gradient of `embed`, from that of the inputs d (N,), which is used up: the weights', and dx, both added."""
    (I, T, B), H, s = x.shape, shape.hidden_size, shape.segment
    n, w = 1 + I * s, shape.embedding_at
    operand, passed = matrix(scratch, 0, n, B), matrix(scratch, n * B, I * s, B)
    used = (n + I * s) * B
    part = vector(scratch, used, scratch.size - used)
    embedded = vector(X, (layer * X.shape[1] + t) * X.shape[2] * B, H * B)
    for u in each(H * B):
        d[u] = embedding_gradient(embedded[u], d[u])
    meet()
    take_segment(shape, x, row, operand)
    add_outer(matrix(d, 0, H, B), operand, matrix(grad, w, H, n), part)
    product(matrix(theta_t, w + H, I * s, H), matrix(d, 0, H, B), passed)
    for c in range(I):
        add(vector(dx, (c * T + row) * B, s * B), vector(passed, c * s * B, s * B))


# ---------------------------------------------------------------- the encoder
@inlined
def read_context(shape, theta, x, X, n, scratch):
    """The context becomes the inputs of the encoder's n steps."""
    if shape.segment > 1:
        for t in range(n):
            embed(shape, theta, x, t * shape.segment, X, 0, t, scratch)
    else:
        copy_inputs(X, x, 0, n)


@inlined
def read_context_gradient(shape, theta_t, grad, x, X, n, dY, dx, scratch):
    """Gradient of `read_context`, from that of the lowest layer's inputs in dY (n, any), which is used up."""
    if shape.segment > 1:
        for t in range(n):
            d = vector(dY, t * dY.shape[1], shape.hidden_size * x.shape[2])
            embed_gradient(shape, theta_t, grad, x, t * shape.segment, X, 0, t, d, dx, scratch)
    else:
        add_input_gradient(dx, dY)


# ---------------------------------------------------------------- forecasts as inputs
@loop
def draw_fed(fed, free, key, stream, k, tile):
    """fed (B,): 1 for a share `free` of lanes, drawn for (key, stream, step k, lane); all or none for 1 or 0."""
    step, limit = fold(fold(key, np.uint64(stream)), np.uint64(k)), share_of_words(free)
    for b in each(fed.size):
        fed[b] = 1 if fold(step, np.uint64(tile * fed.size + b)) < limit else 0
    meet()


@inlined
def feed_segment(shape, rows, out, x, k, fed):
    """Lanes that are `fed` (B,) have the point forecasts out (O, B) as their inputs at step k."""
    T, B, s, n = x.shape[1], x.shape[2], shape.segment, shape.output_size // shape.block
    first = row_before(shape, k) - s + 1
    for c in range(shape.n_channels):
        for j in range(s):
            values, to = vector(out, (rows[1, c] + j * n) * B, B), vector(x, (c * T + first + j) * B, B)
            for b in each(B):
                if fed[b] > 0:
                    to[b] = softplus(values[b]) if shape.link == 1 else values[b]
    meet()


@inlined
def feed_segment_gradient(shape, rows, out, dout, dx, k, fed):
    """Of lanes that were `fed` (B,): the gradient of inputs of step k goes to the forecasts out (O, B), or nowhere."""
    T, B, s, n = dx.shape[1], dx.shape[2], shape.segment, shape.output_size // shape.block
    first = row_before(shape, k) - s + 1
    for c in range(shape.n_channels):
        for j in range(s):
            o, d = (rows[1, c] + j * n) * B, vector(dx, (c * T + first + j) * B, B)
            location, to = vector(out, o, B), vector(dout, o, B)
            for b in each(B):
                if fed[b] > 0:
                    if shape.through:  # softplus' = sigmoid
                        to[b] += d[b] * sigmoid(location[b]) if shape.link == 1 else d[b]
                    d[b] = 0
    meet()


# ---------------------------------------------------------------- a step of the decoder
@inlined
def read_step(shape, theta, x, X, k, scratch):
    """Put what step k reads into the decoder's lowest layer; its slot."""
    E, H, T1, K, B, s = shape.num_layers, shape.hidden_size, X.shape[1], X.shape[2], X.shape[3], shape.segment
    t, row = k, row_before(shape, k)
    if shape.parallel:
        t = 2 * k
        for u in each(H):
            position = vector(X, ((E * T1 + t) * K + u) * B, B)
            for b in range(B):
                position[b] = theta[shape.position_at + k * H + u]
        meet()
    else:
        if s > 1:
            embed(shape, theta, x, row - s + 1, X, E, t, scratch)
        else:
            for c in range(shape.n_inputs):
                copy(vector(X, ((E * T1 + t) * K + c) * B, B), vector(x, (c * x.shape[1] + row) * B, B))
        fill(vector(X, ((E * T1 + t) * K + encoder_inputs(shape)) * B, B), 1 if k == 0 else 0)
    return t


@inlined
def read_step_gradient(shape, theta_t, grad, x, X, k, t, dread, dx, scratch):
    """Gradient of `read_step`, from that of the lowest layer's inputs in dread (slots, any), which is used up."""
    E, H, T, B, s = shape.num_layers, shape.hidden_size, x.shape[1], x.shape[2], shape.segment
    row, inputs = row_before(shape, k), vector(dread, t * dread.shape[1], dread.shape[1])
    if shape.parallel:
        sum_lanes(inputs, vector(grad, shape.position_at + k * H, H), B)
    elif s > 1:
        embed_gradient(shape, theta_t, grad, x, row - s + 1, X, E, t, vector(inputs, 0, H * B), dx, scratch)
    else:
        for c in range(shape.n_inputs):
            add(vector(dx, (c * T + row) * B, B), vector(inputs, c * B, B))
