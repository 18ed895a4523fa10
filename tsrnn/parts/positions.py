"""Decoding in parallel: each step reads a learned position, and all steps' heads write their part of one output.

Lin et al. (2023), arXiv:2308.11200, section 3.3. Step k of m:

    x_k = p_k,   out[0][k] = V h_k + bias[k]
"""

from __future__ import annotations

from .common import DOUT, GRAD, OUT, THETA_T, WIDTHS
from .head import operand_of, top_state_gradient
from .operations import (
    add_outer,
    add_product,
    barrier,
    each,
    matrix,
    product,
    sum_lanes,
    tensor1,
    tensor2,
    tensor3,
    tensor4,
    vector,
)
from .part import Operation, Parameter, Parameters, Part, Weights, uniform
from .recurrent import DDECODED, OPERANDS
from .shape import n_decoded
from .sizes import NetworkSizes
from .tables import offset

#: (m, H), (O, 1) and (O / m, H)
POSITION, BIAS, SEGMENT_HEAD = Weights("position"), Weights("bias"), Weights("head")


def read_position(tile, step, shape, theta, chance, arrays):
    """Slot `step.last` of `step.layer` reads position `step.first`."""
    X, H = tensor4(arrays, OPERANDS, tile, theta), shape.hidden_size
    K, B, at = X.shape[2], X.shape[3], offset(arrays, POSITION) + step.first * H
    first = (step.layer * X.shape[1] + step.last) * K
    for u in each(H):
        position = vector(X, (first + u) * B, B)
        for b in range(B):
            position[b] = theta[at + u]
    barrier()


def read_position_gradient(tile, step, shape, theta, chance, arrays):
    """Gradient of the position: the sum over the windows."""
    d, H = tensor2(arrays, DDECODED, tile, theta), shape.hidden_size
    B, at = tensor4(arrays, OPERANDS, tile, theta).shape[3], offset(arrays, POSITION) + step.first * H
    inputs = vector(d, step.last * d.shape[1], d.shape[1])
    sum_lanes(inputs, vector(tensor1(arrays, GRAD, tile, theta), at, H), B)


def segment_head(tile, step, shape, theta, chance, arrays):
    """Part `step.first` of the output, from the top layer `step.layer` after slot `step.start`."""
    X, out, widths = (
        tensor4(arrays, OPERANDS, tile, theta),
        tensor3(arrays, OUT, tile, theta),
        tensor1(arrays, WIDTHS, 0, arrays),
    )
    O, H, B = shape.output_size // n_decoded(shape), shape.hidden_size, X.shape[3]
    h, part, bias = operand_of(X, widths, step.layer, step.start) + B, step.first * O, offset(arrays, BIAS)
    product(matrix(theta, offset(arrays, SEGMENT_HEAD), O, H), matrix(X, h, H, B), matrix(out, part * B, O, B))
    for o in each(O):
        values = vector(out, (part + o) * B, B)
        for b in range(B):
            values[b] += theta[bias + part + o]
    barrier()


def segment_head_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of V, of the part's bias and of the top layer's state."""
    X, dout, widths = (
        tensor4(arrays, OPERANDS, tile, theta),
        tensor3(arrays, DOUT, tile, theta),
        tensor1(arrays, WIDTHS, 0, arrays),
    )
    grad, theta_t = tensor1(arrays, GRAD, tile, theta), tensor1(arrays, THETA_T, 0, theta)
    O, H, B, at = shape.output_size // n_decoded(shape), shape.hidden_size, X.shape[3], offset(arrays, SEGMENT_HEAD)
    h, part = operand_of(X, widths, step.layer, step.start) + B, step.first * O
    d = matrix(dout, part * B, O, B)
    add_outer(d, matrix(X, h, H, B), matrix(grad, at, O, H))
    sum_lanes(vector(dout, part * B, O * B), vector(grad, offset(arrays, BIAS) + part, O), B)
    add_product(matrix(theta_t, at, H, O), d, top_state_gradient(tile, step, theta, arrays, H, B))


def parameters(network: NetworkSizes) -> Parameters:
    """Return positions, bias and V; with a linear skip V starts at zero: the first forecast is the linear one."""
    segment = network.decoder.segment if network.decoder else 1
    m, H, O = network.block // segment, network.hidden_size, network.output_size
    return {
        POSITION.name: Parameter((m, H), uniform),
        BIAS.name: Parameter((O, 1)),
        SEGMENT_HEAD.name: Parameter((O // m, H), None if network.lags else uniform, decays=True),
    }


READ_POSITION = Operation("position", read_position, read_position_gradient)
OUTPUT = Operation("segment_head", segment_head, segment_head_gradient)
PART = Part((), (POSITION, BIAS, SEGMENT_HEAD), (READ_POSITION, OUTPUT), parameters)
