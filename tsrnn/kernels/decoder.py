"""An encoder and its decoder over one tile, forward and backward, built for a cell: what `stack` is to one network.

Names as there; the encoder takes n steps, the decoder m, each of s steps of the series (a segment; s = 1: as they are).

In sequence, the encoder's last states of all layers start the decoder, as they are or over a learned bridge. Step k
reads the segment before it (the last one of the context, the truth that follows, or its own forecasts, `fed` back) and
a flag that is 1 at k = 0; C weighs what attention gathers:

    out[k] = V [1; h_k] + C sum_t weights[k, t] e_t + skip + ahead

In parallel, step k starts from the encoder's last states with the encoder's weights and reads only a learned position;
one output holds the segments of all steps:

    out[0][k] = V h_k + bias[k] + skip + ahead
"""

from __future__ import annotations

from collections.abc import Callable

from ..cells.cell import Cell
from . import layout as at
from .attention import attend, attend_gradient, keys_gradient, make_keys, make_query, query_gradient
from .bridge import cross_over, cross_over_gradient
from .feed import (
    draw_fed,
    feed_segment,
    feed_segment_gradient,
    read_context,
    read_context_gradient,
    read_step,
    read_step_gradient,
    row_before,
)
from .jit import equation, fingerprint, inlined, loop, tile
from .lanes import add, add_outer, add_product, product, zero
from .layout import decoder_inputs, encoder_inputs, n_decoded, n_encoded
from .scan import build_layer
from .stack import (
    StackLoops,
    add_linear,
    drop_gradient,
    largest,
    linear_gradient,
    pass_up,
    set_initial_state,
    sum_lanes,
)
from .views import matrix, tensor1, tensor2, tensor3, tensor4, vector

for _helper in (encoder_inputs, decoder_inputs, n_encoded, n_decoded):
    equation(_helper)


def build_decoder(cell: Cell) -> StackLoops:
    """The forward and the backward tile function of networks of `cell` that decode, compiled when first called."""
    layer = build_layer(cell)
    stamp = fingerprint(*(f for stage in cell.stages for f in (stage.forward, stage.gradient)))
    return StackLoops(
        tile(f"{cell.name}_decoder_forward")(forward_of(layer.scan, stamp)),
        tile(f"{cell.name}_decoder_backward")(backward_of(layer.bptt, stamp)),
    )


# ---------------------------------------------------------------- forward
def forward_of(scan: Callable, stamp: str) -> Callable:
    """The forward pass of a network whose layers `scan`, not yet compiled."""

    def forward(i, shape, theta, free, dropout, key, book):
        """Inputs to outputs of tile `i`. Of the steps after the first a share `free` reads forecasts of its own.

        Outputs k0 to k1 of the book's span; k0 = 0 starts afresh, others go on where output k0 - 1 was computed.
        """
        stamp  # noqa: B018 - part of the cache's key
        blocks = tensor3(book, at.BLOCKS, 0, book)
        rows = tensor2(book, at.ROWS, 0, book)
        starts = tensor1(book, at.STARTS, i, book)
        x = tensor3(book, at.X_IN, i, theta)
        X = tensor4(book, at.X, i, theta)
        A = tensor4(book, at.A, i, theta)
        C = tensor4(book, at.C, i, theta)
        ahead = tensor3(book, at.AHEAD, i, theta)
        out = tensor3(book, at.OUT, i, theta)
        fed = tensor2(book, at.FED, i, theta)
        scratch = tensor1(book, at.SCRATCH, i, theta)
        gathered = tensor2(book, at.GATHERED, i, theta)
        H, E, D, n, m = shape.hidden_size, shape.num_layers, shape.decoder_layers, n_encoded(shape), n_decoded(shape)
        span = tensor1(book, at.SPAN, i, book)
        begin, end = (span[0] + 1 if span[0] > 0 else 0), (m if shape.parallel else span[1]) + 1
        if begin == 0:
            set_initial_state(shape, theta, tensor3(book, at.STATE, i, theta), X, C, encoder_inputs(shape))
        for phase in range(begin, end):  # the encoder, then each step of the decoder
            k, first, lowest, last_start, t0, t1 = phase - 1, 0, encoder_inputs(shape), largest(starts), 0, n
            if phase == 0:
                read_context(shape, theta, x, X, n, scratch)
            else:
                first, lowest, last_start = E, decoder_inputs(shape), 0
                if k > 0 and not shape.parallel:
                    draw_fed(fed[k], free, key, E + D, k, i)
                    feed_segment(shape, rows, out[k - 1], x, k, fed[k])
                t0 = read_step(shape, theta, x, X, k, scratch)
                t1 = t0 + 1
            for layer in range(first, first + (D if phase > 0 else E)):
                if layer > first:
                    pass_up(X, layer, H if layer > first + 1 else lowest, H, t0, t1, dropout, key, i)
                n_inputs = H if layer > first else lowest
                scan(theta, blocks[layer], n_inputs, X[layer], A[layer], C[layer], t0, t1, starts, last_start)
            if phase == 0:
                cross_over(shape, theta, X, C, n, scratch)
                prepare_attention(i, shape, theta, book)
            else:
                gather_step(i, shape, theta, k, book)
                say(shape, theta, X, x, ahead, rows, gathered, k, t0, out, scratch)

    return forward


@loop
def operand_after(shape, X, t):
    """Where in X ``[1; h]`` of the decoder's top layer after slot `t` begins, (1 + H, B)."""
    E, D = shape.num_layers, shape.decoder_layers
    ones = shape.hidden_size if D > 1 else decoder_inputs(shape)
    return (((E + D - 1) * X.shape[1] + t + 1) * X.shape[2] + ones) * X.shape[3]


@loop
def encoder_outputs(shape, X):
    """Where in X h of the encoder's top layer after step 0 begins, and how far on that of the next is."""
    E = shape.num_layers
    h = (shape.hidden_size if E > 1 else encoder_inputs(shape)) + 1
    return (((E - 1) * X.shape[1] + 1) * X.shape[2] + h) * X.shape[3], X.shape[2] * X.shape[3]


@inlined
def prepare_attention(i, shape, theta, book):
    """What attention can make of the encoder's outputs once for all steps."""
    if shape.attention == at.ADDITIVE:
        X = tensor4(book, at.X, i, theta)
        first, stride = encoder_outputs(shape, X)
        make_keys(shape, theta, X, first, stride, tensor2(book, at.KEYS, i, theta))


@inlined
def gather_step(i, shape, theta, k, book):
    """What step k of a decoder with attention gathers from the encoder's outputs."""
    if shape.attention != at.NO_ATTENTION:
        starts = tensor1(book, at.STARTS, i, book)
        X = tensor4(book, at.X, i, theta)
        scratch = tensor1(book, at.SCRATCH, i, theta)
        weights, gathered = tensor3(book, at.ATTENTION, i, theta)[k], tensor2(book, at.GATHERED, i, theta)[k]
        keys, query = tensor2(book, at.KEYS, i, theta), vector(scratch, 0, gathered.size)
        first, stride = encoder_outputs(shape, X)
        make_query(shape, theta, X, operand_after(shape, X, k), starts.size, query)
        attend(shape, theta, X, first, stride, keys, starts, query, weights, gathered)


@inlined
def say(shape, theta, X, x, ahead, rows, gathered, k, t, out, scratch):
    """What step k, at slot `t`, forecasts: output k, or a part of the only one."""
    H, B, m, parallel = shape.hidden_size, X.shape[3], n_decoded(shape), shape.parallel
    O, columns, o = shape.output_size // (m if parallel else 1), H + 1 - parallel, 0 if parallel else k
    operand, part = operand_after(shape, X, t), matrix(out, k * O * B, O, B)
    product(matrix(theta, shape.head_at, O, columns), matrix(X, operand + parallel * B, columns, B), part)
    if shape.attention != at.NO_ATTENTION:
        weights = matrix(theta, shape.context_at, O, H)
        add_product(weights, matrix(gathered, k * H * B, H, B), part, scratch)
    if k == m - 1 or not parallel:
        if parallel:
            add_product(matrix(theta, shape.bias_at, m * O, 1), matrix(X, operand, 1, B), out[0], scratch)
        add_linear(shape, theta, rows, x, ahead, row_before(shape, k), o, out[o], scratch)


# ---------------------------------------------------------------- backward
def backward_of(bptt: Callable, stamp: str) -> Callable:
    """The backward pass of a network whose layers have the gradient `bptt`, not yet compiled."""

    def backward(i, shape, theta, free, dropout, key, book):
        """Gradient of tile `i`, which overwrites grad; dstate and dx take those of initial states and inputs."""
        stamp  # noqa: B018
        blocks = tensor3(book, at.BLOCKS, 0, book)
        starts = tensor1(book, at.STARTS, i, book)
        x = tensor3(book, at.X_IN, i, theta)
        X = tensor4(book, at.X, i, theta)
        A = tensor4(book, at.A, i, theta)
        C = tensor4(book, at.C, i, theta)
        scratch = tensor1(book, at.SCRATCH, i, theta)
        dY = tensor2(book, at.DY, i, theta)
        dread = tensor2(book, at.DREAD, i, theta)
        dstate = tensor3(book, at.DSTATE, i, theta)
        ddecoder = tensor3(book, at.DDECODER, i, theta)
        dx = tensor3(book, at.DX, i, theta)
        theta_t = tensor1(book, at.THETA_T, 0, theta)
        grad = tensor1(book, at.GRAD, i, theta)
        H, E, D, B, n, m = (
            shape.hidden_size, shape.num_layers, shape.decoder_layers, starts.size, n_encoded(shape), n_decoded(shape)
        )  # fmt: skip
        clear(i, theta, book)
        for back in range(m + 1):  # the steps of the decoder, then the encoder
            k, first, last, dY_from = m - 1 - back, E, E + D, dread.shape[0]
            if k >= 0:
                t0 = 2 * k if shape.parallel else k
                t1, lowest, last_start = t0 + 1, decoder_inputs(shape), 0
                say_gradient(i, shape, theta, k, t0, book)
            else:
                t0, t1, first, last, lowest, last_start = 0, n, 0, E, encoder_inputs(shape), largest(starts)
                if not shape.parallel:
                    cross_over_gradient(shape, theta_t, grad, X, C, n, ddecoder, dstate, scratch)
                dY_from = 0 if shape.attention != at.NO_ATTENTION else n
                prepare_attention_gradient(i, shape, theta, book)
            for above in range(last - first):
                layer = last - 1 - above
                d, states = (dread, ddecoder[layer - E]) if k >= 0 else (dY, dstate[layer])
                n_inputs = H if layer > first else lowest
                bptt(
                    theta_t, grad, blocks[layer], n_inputs, X[layer], A[layer], C[layer], d, dY_from, True, states,
                    t0, t1, starts, last_start, scratch,
                )  # fmt: skip
                dY_from = 0
                if layer > first and dropout > 0:
                    drop_gradient(d, dropout, key, layer - 1, t0, t1, i, H, B)
            if k >= 0:
                read_step_gradient(shape, theta_t, grad, x, X, k, t0, dread, dx, scratch)
                if shape.parallel:
                    add(vector(dstate, 0, dstate.size), vector(ddecoder, 0, ddecoder.size))
                    zero(vector(ddecoder, 0, ddecoder.size))
        read_context_gradient(shape, theta_t, grad, x, X, n, dY, dx, scratch)
        if shape.state_at >= 0:
            sum_lanes(dstate, vector(grad, shape.state_at, dstate.size // B), B)

    return backward


@inlined
def clear(i, theta, book):
    """All gradients that others are added to become zero."""
    grad = tensor1(book, at.GRAD, i, theta)
    dkeys, dY = tensor2(book, at.DKEYS, i, theta), tensor2(book, at.DY, i, theta)
    dstate, ddecoder, dx = (
        tensor3(book, at.DSTATE, i, theta), tensor3(book, at.DDECODER, i, theta), tensor3(book, at.DX, i, theta)
    )  # fmt: skip
    zero(grad), zero(vector(dkeys, 0, dkeys.size)), zero(vector(dY, 0, dY.size))
    zero(vector(dstate, 0, dstate.size)), zero(vector(ddecoder, 0, ddecoder.size)), zero(vector(dx, 0, dx.size))


@inlined
def prepare_attention_gradient(i, shape, theta, book):
    """Gradient of `prepare_attention`."""
    if shape.attention == at.ADDITIVE:
        X = tensor4(book, at.X, i, theta)
        scratch = tensor1(book, at.SCRATCH, i, theta)
        dY, dkeys = tensor2(book, at.DY, i, theta), tensor2(book, at.DKEYS, i, theta)
        theta_t = tensor1(book, at.THETA_T, 0, theta)
        grad = tensor1(book, at.GRAD, i, theta)
        first, stride = encoder_outputs(shape, X)
        keys_gradient(shape, theta_t, grad, X, first, stride, dkeys, dY, dY.shape[1], scratch)


@inlined
def say_gradient(i, shape, theta, k, t, book):
    """Gradient of what step k, at slot `t`, forecast; that of its top layer's h is added to ddecoder.

    First, forecasts that step k + 1 read as inputs get what that and all later steps left in dx, which then holds
    the gradient of the truth alone.
    """
    rows = tensor2(book, at.ROWS, 0, book)
    x = tensor3(book, at.X_IN, i, theta)
    X = tensor4(book, at.X, i, theta)
    ahead = tensor3(book, at.AHEAD, i, theta)
    out = tensor3(book, at.OUT, i, theta)
    dout = tensor3(book, at.DOUT, i, theta)
    dx = tensor3(book, at.DX, i, theta)
    ddecoder = tensor3(book, at.DDECODER, i, theta)
    scratch = tensor1(book, at.SCRATCH, i, theta)
    theta_t = tensor1(book, at.THETA_T, 0, theta)
    grad = tensor1(book, at.GRAD, i, theta)
    H, B, m, parallel = shape.hidden_size, X.shape[3], n_decoded(shape), shape.parallel
    O, columns, o = shape.output_size // (m if parallel else 1), H + 1 - parallel, 0 if parallel else k
    operand, d = operand_after(shape, X, t), matrix(dout, k * O * B, O, B)
    dh = matrix(ddecoder, (shape.decoder_layers - 1) * ddecoder.shape[1] * H * B, H, B)
    if k + 1 < m and not parallel:
        feed_segment_gradient(shape, rows, out[k], dout[k], dx, k + 1, tensor2(book, at.FED, i, theta)[k + 1])
    if k == m - 1 or not parallel:
        linear_gradient(shape, theta_t, rows, x, ahead, row_before(shape, k), o, dout[o], dx, grad, scratch)
        if parallel:
            add_outer(dout[0], matrix(X, operand, 1, B), matrix(grad, shape.bias_at, m * O, 1), scratch)
    if shape.attention != at.NO_ATTENTION:
        gather_step_gradient(i, shape, theta, k, operand, d, vector(dh, 0, H * B), book)
    dV, V_t = matrix(grad, shape.head_at, O, columns), matrix(theta_t, shape.head_at + O * (1 - parallel), H, O)
    add_outer(d, matrix(X, operand + parallel * B, columns, B), dV, scratch)
    add_product(V_t, d, dh, scratch)


@inlined
def gather_step_gradient(i, shape, theta, k, operand, dout, dh, book):
    """Gradient of what attention gathered at step k: the weights', the encoder's outputs' in dY, and dh (N,)."""
    X = tensor4(book, at.X, i, theta)
    scratch = tensor1(book, at.SCRATCH, i, theta)
    dY = tensor2(book, at.DY, i, theta)
    theta_t = tensor1(book, at.THETA_T, 0, theta)
    grad = tensor1(book, at.GRAD, i, theta)
    weights = tensor3(book, at.ATTENTION, i, theta)[k]
    O, H, N, c = shape.output_size, shape.hidden_size, dh.size, shape.context_at
    B, used = N // H, 3 * N + weights.size
    query, dquery, d = vector(scratch, 0, N), vector(scratch, N, N), vector(scratch, 2 * N, N)
    dscore, part = vector(scratch, 3 * N, weights.size), vector(scratch, used, scratch.size - used)
    gathered = matrix(tensor2(book, at.GATHERED, i, theta), k * N, H, B)
    add_outer(dout, gathered, matrix(grad, c, O, H), part)
    product(matrix(theta_t, c, H, O), dout, matrix(d, 0, H, B))
    make_query(shape, theta, X, operand, B, query)
    first, stride = encoder_outputs(shape, X)
    attend_gradient(
        shape, theta, grad, X, first, stride, tensor2(book, at.KEYS, i, theta), query, weights, d, dY, dY.shape[1],
        tensor2(book, at.DKEYS, i, theta), dquery, dscore, vector(part, 0, N),
    )  # fmt: skip
    query_gradient(shape, theta_t, grad, X, operand, dquery, dh, part)
