"""Segments: several time steps read as one step of the network, by a linear map and a relu.

Lin et al. (2023), arXiv:2308.11200, section 3.2. With s steps to a segment and I inputs:

    e = relu(W [1; x_1, ..., x_I])   with x_c the s values of input c
"""

from __future__ import annotations

from ..functions.attention import embedding, embedding_gradient
from .common import DX, DY, GRAD, SCRATCH, THETA_T, X
from .operations import (
    add,
    add_outer,
    barrier,
    copy,
    each,
    fill,
    matrix,
    product,
    tensor1,
    tensor2,
    tensor3,
    tensor4,
    vector,
)
from .part import Operation, Parameter, Parameters, Part, Sizes, Weights, uniform
from .recurrent import DDECODED, OPERANDS
from .sizes import NetworkSizes
from .tables import offset

#: (H, 1 + I s)
EMBEDDING = Weights("embedding")


def copy_segment(shape, x, row, operand):
    """operand (1 + I s, B) = [1; the rows of x from `row` on, input by input]."""
    (I, T, B), s = x.shape, shape.segment
    fill(vector(operand, 0, B), 1)
    for c in range(I):
        copy(vector(operand, (1 + c * s) * B, s * B), vector(x, (c * T + row) * B, s * B))


def embed(tile, step, shape, theta, chance, arrays):
    """Slots `step.first` to `step.last` of `step.layer` read the segments from time step `step.start` on."""
    x, X_ = tensor3(arrays, X, tile, theta), tensor4(arrays, OPERANDS, tile, theta)
    scratch, B, H = tensor1(arrays, SCRATCH, tile, theta), x.shape[2], shape.hidden_size
    n = 1 + shape.n_inputs * shape.segment
    operand, W = matrix(scratch, 0, n, B), matrix(theta, offset(arrays, EMBEDDING), H, n)
    for t in range(step.first, step.last):
        first = (step.layer * X_.shape[1] + t) * X_.shape[2] * B
        copy_segment(shape, x, step.start + (t - step.first) * shape.segment, operand)
        product(W, operand, matrix(X_, first, H, B))
        embedded = vector(X_, first, H * B)
        for e in each(H * B):
            embedded[e] = embedding(embedded[e])
        barrier()


def embed_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of W and of the series, from that of the layer's inputs, which is used up."""
    x, X_, dx = (
        tensor3(arrays, X, tile, theta),
        tensor4(arrays, OPERANDS, tile, theta),
        tensor3(arrays, DX, tile, theta),
    )
    grad, theta_t = tensor1(arrays, GRAD, tile, theta), tensor1(arrays, THETA_T, 0, theta)
    dY = tensor2(arrays, DY if step.layer < shape.num_layers else DDECODED, tile, theta)
    scratch, w = tensor1(arrays, SCRATCH, tile, theta), offset(arrays, EMBEDDING)
    (I, T, B), H, s = x.shape, shape.hidden_size, shape.segment
    n = 1 + I * s
    operand, passed = matrix(scratch, 0, n, B), matrix(scratch, n * B, I * s, B)
    for t in range(step.first, step.last):
        row = step.start + (t - step.first) * s
        d, embedded = (
            vector(dY, t * dY.shape[1], H * B),
            vector(X_, (step.layer * X_.shape[1] + t) * X_.shape[2] * B, H * B),
        )
        for e in each(H * B):
            d[e] = embedding_gradient(embedded[e], d[e])
        barrier()
        copy_segment(shape, x, row, operand)
        add_outer(matrix(d, 0, H, B), operand, matrix(grad, w, H, n))
        product(matrix(theta_t, w + H, I * s, H), matrix(d, 0, H, B), passed)
        for c in range(I):
            add(vector(dx, (c * T + row) * B, s * B), vector(passed, c * s * B, s * B))


def scratch(s: Sizes) -> int:
    """Return room for a segment and its gradient."""
    return 2 * (1 + s.shape.n_inputs * s.shape.segment) * s.tile


def parameters(network: NetworkSizes) -> Parameters:
    """Return W of a network that reads segments of several steps."""
    segment = network.decoder.segment if network.decoder else 1
    shape = (network.hidden_size, 1 + network.n_inputs * segment)
    return {EMBEDDING.name: Parameter(shape, uniform, decays=True, bias=0)} if segment > 1 else {}


EMBED = Operation("segments", embed, embed_gradient)
PART = Part((), (EMBEDDING,), (EMBED,), parameters, scratch)
