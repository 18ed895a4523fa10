"""What a decoder's step reads beside the series: forecasts of its own, and a flag that marks the first step.

Scheduled sampling (Bengio et al. 2015, arXiv:1506.03099): in training a share of the steps reads the decoder's own
forecasts, the others the truth.
"""

from __future__ import annotations

import numpy as np

from ..functions.activations import sigmoid, softplus
from ..functions.random import fold, share_of_words
from .common import DOUT, DX, OUT, POINT_ROWS, X
from .decay import mask_of, time_of
from .operations import barrier, each, fill, tensor1, tensor2, tensor3, tensor4, vector
from .part import Buffer, Operation, Part
from .recurrent import OPERANDS
from .shape import encoder_inputs, n_decoded

#: 1 where a step reads a forecast of its own, else 0, (steps of the decoder, B).
FED = Buffer("fed", lambda s: (n_decoded(s.shape) if s.shape.decoder_layers else 0, s.tile))


def draw_fed(fed, free, key, stream, k, tile):
    """fed (B,): 1 for a share `free` of windows, drawn for (key, stream, step k, window); all for 1, none for 0."""
    step, limit = fold(fold(key, np.uint64(stream)), np.uint64(k)), share_of_words(free)
    for b in each(fed.size):
        fed[b] = 1 if fold(step, np.uint64(tile * fed.size + b)) < limit else 0
    barrier()


def feed(tile, step, shape, theta, chance, arrays):
    """Step `step.first` reads the output before it, from time step `step.start` on, in a share of the windows.

    Where inputs have masks, what was fed counts as observed.
    """
    x, out = tensor3(arrays, X, tile, theta), tensor3(arrays, OUT, tile, theta)
    rows, k = tensor1(arrays, POINT_ROWS, 0, arrays), step.first
    fed = tensor2(arrays, FED, tile, theta)[k]
    draw_fed(fed, chance.free, chance.key, shape.num_layers + shape.decoder_layers, k, tile)
    T, B, O, n = x.shape[1], x.shape[2], shape.output_size, shape.output_size // shape.block
    for c in range(shape.n_channels):
        for j in range(shape.segment):
            values = vector(out, ((k - 1) * O + rows[c] + j * n) * B, B)
            to = vector(x, (c * T + step.start + j) * B, B)
            for b in each(B):
                if fed[b] > 0:
                    to[b] = softplus(values[b]) if shape.link == 1 else values[b]
    for c in range(shape.n_masked):
        for j in range(shape.segment):
            m = vector(x, (mask_of(shape, c) * T + step.start + j) * B, B)
            delta = vector(x, (time_of(shape, c) * T + step.start + j) * B, B)
            for b in each(B):
                if fed[b] > 0:
                    m[b], delta[b] = 1, 0
    barrier()


def feed_gradient(tile, step, shape, theta, chance, arrays):
    """The gradient of inputs that were fed goes to the forecasts that they were, or nowhere; `DX` keeps the others."""
    dx, out, dout = (
        tensor3(arrays, DX, tile, theta),
        tensor3(arrays, OUT, tile, theta),
        tensor3(arrays, DOUT, tile, theta),
    )
    rows, k = tensor1(arrays, POINT_ROWS, 0, arrays), step.first
    fed = tensor2(arrays, FED, tile, theta)[k]
    T, B, O, n = dx.shape[1], dx.shape[2], shape.output_size, shape.output_size // shape.block
    for c in range(shape.n_channels):
        for j in range(shape.segment):
            o, d = ((k - 1) * O + rows[c] + j * n) * B, vector(dx, (c * T + step.start + j) * B, B)
            location, to = vector(out, o, B), vector(dout, o, B)
            for b in each(B):
                if fed[b] > 0:
                    if shape.exact_feedback:  # softplus' = sigmoid
                        to[b] += d[b] * sigmoid(location[b]) if shape.link == 1 else d[b]
                    d[b] = 0
    for c in range(shape.n_masked):
        for j in range(shape.segment):
            dm = vector(dx, (mask_of(shape, c) * T + step.start + j) * B, B)
            ddelta = vector(dx, (time_of(shape, c) * T + step.start + j) * B, B)
            for b in each(B):
                if fed[b] > 0:
                    dm[b], ddelta[b] = 0, 0
    barrier()


def mark_first(tile, step, shape, theta, chance, arrays):
    """The last input of the decoder's step `step.first` is 1 at the first step, else 0."""
    X_ = tensor4(arrays, OPERANDS, tile, theta)
    B, row = X_.shape[3], (step.layer * X_.shape[1] + step.first) * X_.shape[2] + encoder_inputs(shape)
    fill(vector(X_, row * B, B), 1 if step.first == 0 else 0)


FEED = Operation("feed", feed, feed_gradient)
MARK_FIRST = Operation("mark_first", mark_first)
PART = Part((FED,), operations=(FEED, MARK_FIRST))
