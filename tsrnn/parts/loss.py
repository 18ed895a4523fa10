"""The loss of a batch: its weighted sum, and the gradient of the weighted mean by the outputs."""

from __future__ import annotations

import functools

from ..losses.loss import Loss
from .common import CONSTANTS, DOUT, OUT, SCRATCH, SHARE, TOTAL, WEIGHT, Y
from .lanes import lane_loop
from .operations import tensor1, tensor3, vector
from .part import Operation


@functools.cache
def loss_of(loss: Loss) -> Operation:
    """Return the operation that computes `loss`."""
    width = loss.width
    derivatives = [f"d{i}" for i in range(width)]
    predictions = [f"p{i}" for i in range(width)]
    rows = {"y": "Y", "value": "V"}
    rows |= {f"p{i}": f"P[{i}]" for i in range(width)} | {f"d{i}": f"D[{i}]" for i in range(width)}
    reads, writes = ["y", *predictions, "constant"], ["value", *derivatives]
    lanes = lane_loop(f"{loss.name}_lanes", loss.equation, reads, writes, rows, "Y, P, V, D, constant")

    def weighted_loss(tile, step, shape, theta, chance, arrays):
        """total += (sum of weight * value, sum of weights); dout: gradient of the batch's weighted mean."""
        out, dout = tensor3(arrays, OUT, tile, theta), tensor3(arrays, DOUT, tile, theta)
        y, weight = tensor3(arrays, Y, tile, theta), tensor3(arrays, WEIGHT, tile, theta)
        constants, share = tensor1(arrays, CONSTANTS, 0, theta), tensor1(arrays, SHARE, 0, theta)
        total = tensor1(arrays, TOTAL, tile, 0.0)  # float64
        n_outputs, n_targets, B = y.shape
        value = vector(tensor1(arrays, SCRATCH, tile, theta), 0, B)
        for k in range(n_outputs):
            for r in range(n_targets):
                W = weight[k, r]
                for w in W:
                    total[1] += w
                for q in range(constants.size):
                    o = (r * constants.size + q) * width
                    P, D = out[k, o : o + width], dout[k, o : o + width]
                    lanes(y[k, r], P, value, D, constants[q])
                    for b in range(B):
                        if W[b] > 0:
                            total[0] += W[b] * value[b]
                        for p in range(width):
                            D[p, b] = D[p, b] * W[b] * share[0] if W[b] > 0 else 0

    return Operation(f"{loss.name}_loss", weighted_loss, equations=(loss.equation,))
