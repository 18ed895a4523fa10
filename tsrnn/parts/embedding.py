"""Symbols as inputs: each code, the only input of a step, becomes a learned vector by look-up.

    x_t = E[code_t],   E (number of codes, W)

A decoder has a table of its own, or that of its encoder. What it feeds back is the code of its largest output.

Embeddings of words are from Bengio et al. (2003), Journal of Machine Learning Research 3, 1137-1155, section 2.
"""

from __future__ import annotations

import numpy as np

from ..functions.symbols import FIRST_OUTPUT, UNKNOWN
from .common import DY, GRAD, OUT, X
from .feed import FED, draw_fed
from .operations import barrier, each, tensor1, tensor2, tensor3, tensor4, vector
from .part import Operation, Parameter, Parameters, Part, Weights, uniform
from .recurrent import DDECODED, OPERANDS
from .sizes import NetworkSizes
from .tables import offset

#: Tables of the encoder's, or the only, inputs and of the decoder's, (number of codes, W).
SYMBOLS, TARGET_SYMBOLS = Weights("symbols"), Weights("target_symbols")


def table_of(step, shape, arrays):
    """Return where the table of the layer `step.layer` begins in theta."""
    own = offset(arrays, TARGET_SYMBOLS)
    return own if step.layer >= shape.num_layers and own >= 0 else offset(arrays, SYMBOLS)


def embed(tile, step, shape, theta, chance, arrays):
    """Put the vectors of time steps from `step.start` on into slots `step.first` to `step.last` of `step.layer`."""
    x, operand = tensor3(arrays, X, tile, theta), tensor4(arrays, OPERANDS, tile, theta)
    B, K, W, at = x.shape[2], operand.shape[2], shape.embedding, table_of(step, shape, arrays)
    first = step.layer * operand.shape[1] + step.first
    for row in each(W * (step.last - step.first)):
        t, j = row // W, row % W
        codes, to = vector(x, (step.start + t) * B, B), vector(operand, ((first + t) * K + j) * B, B)
        for b in range(B):
            to[b] = theta[at + int(codes[b]) * W + j]
    barrier()


def embed_gradient(tile, step, shape, theta, chance, arrays):
    """Each code's row += the gradient of its vector; one thread adds a column, step after step and lane after lane."""
    x, grad = tensor3(arrays, X, tile, theta), tensor1(arrays, GRAD, tile, theta)
    d = tensor2(arrays, DY if step.layer < shape.num_layers else DDECODED, tile, theta)
    B, W, at = x.shape[2], shape.embedding, table_of(step, shape, arrays)
    for j in each(W):
        for t in range(step.last - step.first):
            codes = vector(x, (step.start + t) * B, B)
            values = vector(d, (step.first + t) * d.shape[1] + j * B, B)
            for b in range(B):
                grad[at + int(codes[b]) * W + j] += values[b]
    barrier()


def feed_symbol(tile, step, shape, theta, chance, arrays):
    """Time step `step.start` reads the code of the largest output before `step.first`, in a share of the windows.

    No gradient passes through the choice of a code.
    """
    x, out = tensor3(arrays, X, tile, theta), tensor3(arrays, OUT, tile, theta)
    k, O, B = step.first, shape.output_size, x.shape[2]
    fed = tensor2(arrays, FED, tile, theta)[k]
    draw_fed(fed, chance.free, chance.key, shape.num_layers + shape.decoder_layers, k, tile)
    to, logits = vector(x, step.start * B, B), vector(out, (k - 1) * O * B, O * B)
    for b in each(B):
        if fed[b] > 0:
            best = FIRST_OUTPUT
            for code in range(FIRST_OUTPUT + 1, O):
                if logits[code * B + b] > logits[best * B + b]:
                    best = code
            to[b] = best
    barrier()


def but_unknown(values: np.ndarray, rng: np.random.Generator, bound: float) -> None:
    """Fill all rows but that of unknown symbols with uniform random numbers."""
    uniform(values[UNKNOWN + 1 :], rng, bound)


def parameters(network: NetworkSizes) -> Parameters:
    """Return the tables; they are read by look-up and count as no matrices, so that they are not transposed."""
    tables = {SYMBOLS.name: network.n_symbols, TARGET_SYMBOLS.name: network.n_target_symbols}
    return {
        name: Parameter((n, network.embedding_size), but_unknown, decays=True, spared_row=UNKNOWN, matrices=(0, 1))
        for name, n in tables.items()
        if n
    }


EMBED = Operation("embedding", embed, embed_gradient)
FEED_SYMBOL = Operation("feed_symbol", feed_symbol)
PART = Part((), (SYMBOLS, TARGET_SYMBOLS), (EMBED, FEED_SYMBOL), parameters)
