"""From layer to layer: the outputs of the layer below become the inputs of the next, with dropout."""

from __future__ import annotations

from .common import DY, WIDTHS
from .operations import copy, drop, tensor1, tensor2, tensor4, vector
from .part import Operation, Part
from .recurrent import DDECODED, OPERANDS


def pass_up(tile, step, shape, theta, chance, arrays):
    """Copy the outputs of steps `step.first` to `step.last` of the layer below into the operand of `step.layer`."""
    X, widths = tensor4(arrays, OPERANDS, tile, theta), tensor1(arrays, WIDTHS, 0, arrays)
    T1, K, B, below = X.shape[1], X.shape[2], X.shape[3], step.layer - 1
    N = shape.hidden_size * B
    for t in range(step.first, step.last):
        above = vector(X, (step.layer * T1 + t) * K * B, N)
        copy(above, vector(X, ((below * T1 + t + 1) * K + widths[below] + 1) * B, N))
        if chance.dropout > 0:
            drop(above, chance.dropout, chance.key, below, t, tile, B)


def pass_up_gradient(tile, step, shape, theta, chance, arrays):
    """Multiply the gradient of the inputs, which is that of the outputs below, by the factors of the dropout."""
    if chance.dropout > 0:
        d = tensor2(arrays, DDECODED if step.layer >= shape.num_layers else DY, tile, theta)
        B = tensor4(arrays, OPERANDS, tile, theta).shape[3]
        for t in range(step.first, step.last):
            values = vector(d, t * d.shape[1], shape.hidden_size * B)
            drop(values, chance.dropout, chance.key, step.layer - 1, t, tile, B)


PASS_UP = Operation("between_layers", pass_up, pass_up_gradient)
PART = Part(operations=(PASS_UP,))
