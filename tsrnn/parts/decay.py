"""Missing inputs: a value that was carried forward decays to the mean while no other is observed.

The input decay of GRU-D (Che et al. 2018, doi:10.1038/s41598-018-24271-9), without its decay of the states. A channel
c is filled by its last value x and scaled, so that its mean is 0; its mask m is 1 where the value was observed, else 0,
and delta is the time since the last observed value:

    gamma = exp(-max(0, w_c delta + b_c)),   x_c <- m x_c + (1 - m) gamma x_c

The last 2C inputs are the masks and the times of the first C inputs. The layers and the linear skip read what this part
makes of the channels, and read the masks and times as they are. A forecast that is fed back counts as observed: m = 1
and delta = 0.
"""

from __future__ import annotations

import numpy as np

from ..functions.activations import ONE, ZERO, exp, relu
from .common import DX, GRAD, X
from .operations import barrier, copy, each, tensor1, tensor3, vector
from .part import Buffer, Operation, Parameter, Parameters, Part, Weights
from .sizes import NetworkSizes
from .tables import offset

#: w and b of each channel, (C, 2).
RATES = Weights("input_decay")
#: The channels before they decay, (C, T, B): a second forward pass of the same batch begins with them.
RAW = Buffer("raw_inputs", lambda s: (s.shape.n_masked, s.shape.n_steps, s.tile))
#: w at the start: with delta in tens of steps, after seven steps without an observation half of a value is left.
FIRST_RATE = 1.0


def mask_of(shape, c):
    """Return the input that is the mask of channel c."""
    return shape.n_inputs - 2 * shape.n_masked + c


def time_of(shape, c):
    """Return the input that is the time since channel c was observed."""
    return shape.n_inputs - shape.n_masked + c


def keep(tile, step, shape, theta, chance, arrays):
    """Copy the channels of a new batch."""
    raw = tensor1(arrays, RAW, tile, theta)
    copy(raw, vector(tensor3(arrays, X, tile, theta), 0, raw.size))


def decay(tile, step, shape, theta, chance, arrays):
    """x_c = (m + (1 - m) gamma) raw_c, at all time steps."""
    x, raw, at = tensor3(arrays, X, tile, theta), tensor3(arrays, RAW, tile, theta), offset(arrays, RATES)
    T, B = x.shape[1], x.shape[2]
    for r in each(shape.n_masked * T):
        c, t = r // T, r % T
        value, to = vector(raw, r * B, B), vector(x, r * B, B)
        m = vector(x, (mask_of(shape, c) * T + t) * B, B)
        delta = vector(x, (time_of(shape, c) * T + t) * B, B)
        w, bias = theta[at + 2 * c], theta[at + 2 * c + 1]
        for b in range(B):
            gamma = exp(-relu(w * delta[b] + bias))
            to[b] = (m[b] + (ONE - m[b]) * gamma) * value[b]
    barrier()


def decay_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of w and b; `DX` becomes the gradient of the channels before they decay, of m and of delta.

    With a = w delta + b and d = dx_c: da = -(1 - m) gamma raw_c d where a > 0, else 0.
    """
    x, raw, at = tensor3(arrays, X, tile, theta), tensor3(arrays, RAW, tile, theta), offset(arrays, RATES)
    dx, grad = tensor3(arrays, DX, tile, theta), tensor1(arrays, GRAD, tile, theta)
    T, B = x.shape[1], x.shape[2]
    for c in each(shape.n_masked):
        w, bias, dw, dbias = theta[at + 2 * c], theta[at + 2 * c + 1], grad[at + 2 * c], grad[at + 2 * c + 1]
        for t in range(T):
            of_mask, of_time = (mask_of(shape, c) * T + t) * B, (time_of(shape, c) * T + t) * B
            value, d = vector(raw, (c * T + t) * B, B), vector(dx, (c * T + t) * B, B)
            m, dm, delta, ddelta = (
                vector(x, of_mask, B),
                vector(dx, of_mask, B),
                vector(x, of_time, B),
                vector(dx, of_time, B),
            )
            for b in range(B):
                a = w * delta[b] + bias
                gamma = exp(-relu(a))
                da = -(ONE - m[b]) * gamma * value[b] * d[b] if a > ZERO else ZERO
                dw += da * delta[b]
                dbias += da
                ddelta[b] += da * w
                dm[b] += (ONE - gamma) * value[b] * d[b]
                d[b] = (m[b] + (ONE - m[b]) * gamma) * d[b]
        grad[at + 2 * c], grad[at + 2 * c + 1] = dw, dbias
    barrier()


def start(values: np.ndarray, rng: np.random.Generator, bound: float) -> None:
    """Start with w > 0: where w delta + b is not positive, it has no gradient."""
    values[:, 0] = FIRST_RATE


def parameters(network: NetworkSizes) -> Parameters:
    """Return w and b of each masked channel; weight decay does not act on them."""
    return {RATES.name: Parameter((network.n_masked, 2), start)} if network.n_masked else {}


KEEP = Operation("keep_inputs", keep)
DECAY = Operation("input_decay", decay, decay_gradient)
PART = Part((RAW,), (RATES,), (KEEP, DECAY), parameters)
