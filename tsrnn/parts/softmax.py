"""The cross-entropy of many classes: a loop over the logits of a target, however many they are.

    value = log(sum_k exp(x[k] - m)) + (1 - s) (m - x[y]) + s (m - mean of x),   m = max x
    d[k]  = exp(x[k] - m) / sum - (1 - s) [k = y] - s / K

with the label smoothing s. No exponential overflows, and one of them is 1.
"""

from __future__ import annotations

import numpy as np

from ..functions.activations import ONE, exp_to_one, log
from .operations import vector
from .part import LOSS, Buffer, Part

#: Of each target: the value of the loss, the largest logit, and the sum of the exponentials.
TERMS = Buffer("terms", lambda s: (3, s.shape.n_outputs, s.shape.output_size // s.loss_size, s.tile), LOSS)


def cross_entropy(out, dout, y, weight, terms, r, K, B, smoothing, share, first, last):
    """Value, in `terms`, and gradient in the lanes `first` to `last` - 1 of target number `r`, of `K` classes.

    The gradient is multiplied by weight * share, and 0 where nothing was observed, whatever the logits are.
    """
    at, row, n, size = r * K * B + first, r * B + first, last - first, y.size  # loops from 0 on vectorise
    y, weight, value = vector(y, row, n), vector(weight, row, n), vector(terms, row, n)
    highest, total = vector(terms, size + row, n), vector(terms, 2 * size + row, n)
    for b in range(n):
        highest[b], total[b], value[b] = out[at + b], 0, 0
    for k in range(1, K):
        x = vector(out, at + k * B, n)
        for b in range(n):
            highest[b] = max(highest[b], x[b])
    for k in range(K):
        x, d = vector(out, at + k * B, n), vector(dout, at + k * B, n)
        for b in range(n):
            d[b] = exp_to_one(x[b] - highest[b])
            total[b] += d[b]
    if smoothing > 0:
        for k in range(K):
            x = vector(out, at + k * B, n)
            for b in range(n):
                value[b] += highest[b] - x[b]
    uniform, own = smoothing / np.float32(K), ONE - smoothing  # by an integer it would become a float64
    for b in range(n):
        below = highest[b] - out[at + int(y[b]) * B + b]
        value[b] = log(total[b]) + own * below + uniform * value[b]
        total[b] = ONE / total[b]
    for k in range(K):
        d = vector(dout, at + k * B, n)
        for b in range(n):
            d[b] = (d[b] * total[b] - uniform) * weight[b] * share if weight[b] > 0 else 0
    for b in range(n):
        if weight[b] > 0:
            dout[at + int(y[b]) * B + b] -= own * weight[b] * share


PART = Part((TERMS,))
