"""The loss of a batch: its weighted sum, and the gradient of the weighted mean by the outputs."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ..losses.loss import Loss
from .common import CONSTANTS, DOUT, OUT, SCRATCH, SHARE, STARTS, TOTAL, WEIGHT, Y
from .lanes import lane_loop
from .operations import tensor1, vector
from .part import Operation
from .softmax import TERMS, cross_entropy

#: Of each form without an equation: the loop over all parameters of a target, in some of its lanes.
LANES: dict[str, Callable] = {"softmax": cross_entropy}


def scale(d, weight, share):
    """d *= weight * share, all (B,), and 0 where nothing was observed, whatever d was."""
    for b in range(d.size):
        d[b] = d[b] * weight[b] * share if weight[b] > 0 else 0


@functools.cache
def loss_of(loss: Loss) -> Operation:
    """Return the operation that computes `loss`."""
    if loss.equation is None:
        return _of_lanes(loss.form)
    width = loss.width
    rows = {"y": "vector(y, at_y, B)", "value": "value"}
    rows |= {f"p{i}": f"vector(out, at + {i} * B, B)" for i in range(width)}
    rows |= {f"d{i}": f"vector(dout, at + {i} * B, B)" for i in range(width)}
    reads = ["y", *(f"p{i}" for i in range(width)), "constant"]
    writes = ["value", *(f"d{i}" for i in range(width))]
    arguments = "y, at_y, out, dout, at, B, value, constant"
    lanes = lane_loop(f"{loss.name}_lanes", loss.equation, reads, writes, rows, arguments)

    def weighted_loss(tile, step, shape, theta, chance, arrays):
        """total += (sum of weight * value, sum of weights); dout: gradient of the batch's weighted mean."""
        out, dout = tensor1(arrays, OUT, tile, theta), tensor1(arrays, DOUT, tile, theta)
        y, weight = tensor1(arrays, Y, tile, theta), tensor1(arrays, WEIGHT, tile, theta)
        constants, share = tensor1(arrays, CONSTANTS, 0, theta), tensor1(arrays, SHARE, 0, theta)
        total, B = tensor1(arrays, TOTAL, tile, 0.0), tensor1(arrays, STARTS, tile, arrays).size  # total in float64
        value, Q = vector(tensor1(arrays, SCRATCH, tile, theta), 0, B), constants.size
        for r in range(y.size // B):  # each target of each step of each output
            W = vector(weight, r * B, B)
            for b in range(B):
                total[1] += W[b]
            for q in range(Q):
                at = (r * Q + q) * width * B
                lanes(y, r * B, out, dout, at, B, value, constants[q])
                for b in range(B):
                    if W[b] > 0:
                        total[0] += W[b] * value[b]
                for p in range(width):
                    scale(vector(dout, at + p * B, B), W, share[0])

    return Operation(f"{loss.name}_loss", weighted_loss, equations=(loss.equation,), kind="loss", structure=str(width))


@functools.cache
def _of_lanes(form: str) -> Operation:
    """Return the operation of all losses of a form without an equation, whatever their number of parameters is."""
    lanes = LANES[form]

    def weighted_loss(tile, step, shape, theta, chance, arrays):
        """total += (sum of weight * value, sum of weights); dout: gradient of the batch's weighted mean."""
        out, dout = tensor1(arrays, OUT, tile, theta), tensor1(arrays, DOUT, tile, theta)
        y, weight = tensor1(arrays, Y, tile, theta), tensor1(arrays, WEIGHT, tile, theta)
        constants, share = tensor1(arrays, CONSTANTS, 0, theta), tensor1(arrays, SHARE, 0, theta)
        terms, total = tensor1(arrays, TERMS, tile, theta), tensor1(arrays, TOTAL, tile, 0.0)
        B, K = tensor1(arrays, STARTS, tile, arrays).size, out.size // y.size
        for r in range(y.size // B):
            lanes(out, dout, y, weight, terms, r, K, B, constants[0], share[0], 0, B)
            for b in range(B):
                total[1] += weight[r * B + b]
                if weight[r * B + b] > 0:
                    total[0] += weight[r * B + b] * terms[r * B + b]

    return Operation(f"{form}_loss", weighted_loss, kind="loss")
