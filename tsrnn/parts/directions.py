"""Two directions: each layer also reads its inputs from the last step to the first (Schuster & Paliwal 1997).

doi:10.1109/78.650093, section II.B. Layer 2 l goes forwards and layer 2 l + 1 backwards over the same inputs, and the
layers above read the outputs of both:

    inputs of layers 2 l and 2 l + 1 at time t = [output of layer 2 l - 2; output of layer 2 l - 1] at time t

A backward layer's arrays hold its steps in the order in which it takes them. A window that starts at step s of T has in
slot t >= s of a backward layer the time s + T - 1 - t; so its slots before s are skipped, as in a forward layer, and
slot T - 1 is the last step of both. The same sum turns times into slots.
"""

from __future__ import annotations

from .common import DX, DY, STARTS, WIDTHS
from .head import operand_of
from .operations import barrier, copy, drop, each, tensor1, tensor2, tensor3, tensor4, vector
from .part import Operation, Part
from .pooling import DPOOLED, POOLED
from .recurrent import DBACKWARD, OPERANDS


def turned(t, start, n):
    """Return the slot of time `t` in a backward layer of `n` steps, and the time of slot t; before `start` it is t."""
    return start + n - 1 - t if t >= start else t


# ---------------------------------------------------------------- inputs
def turn(tile, step, shape, theta, chance, arrays):
    """Copy the `step.last` steps of inputs of layer `step.layer` - 1 into its backward direction, `step.layer`."""
    X, widths = tensor4(arrays, OPERANDS, tile, theta), tensor1(arrays, WIDTHS, 0, arrays)
    starts, n, I = tensor1(arrays, STARTS, tile, arrays), step.last, widths[step.layer]
    T1, K, B, flat = X.shape[1], X.shape[2], X.shape[3], vector(X, 0, X.size)
    for r in each(n * I):
        t, c = r // I, r % I
        to = vector(X, ((step.layer * T1 + t) * K + c) * B, B)
        for b in range(B):
            to[b] = flat[(((step.layer - 1) * T1 + turned(t, starts[b], n)) * K + c) * B + b]
    barrier()


def turn_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradient of the backward direction's inputs, in `DBACKWARD`, to that of the forward one's, in `DY`."""
    dY, dback = tensor2(arrays, DY, tile, theta), tensor2(arrays, DBACKWARD, tile, theta)
    starts, n = tensor1(arrays, STARTS, tile, arrays), step.last
    I, B, width = tensor1(arrays, WIDTHS, 0, arrays)[step.layer], starts.size, dY.shape[1]
    flat = vector(dback, 0, dback.size)
    if step.layer > 1 or tensor3(arrays, DX, tile, theta).size > 0:
        for r in each(n * I):
            t, c = r // I, r % I
            to = vector(dY, t * width + c * B, B)
            for b in range(B):
                to[b] += flat[turned(t, starts[b], n) * width + c * B + b]
        barrier()


# ---------------------------------------------------------------- between layers
def pass_up(tile, step, shape, theta, chance, arrays):
    """Copy the outputs of both directions below into the operand of the forward layer `step.layer`, with dropout."""
    X, widths = tensor4(arrays, OPERANDS, tile, theta), tensor1(arrays, WIDTHS, 0, arrays)
    starts, n, below = tensor1(arrays, STARTS, tile, arrays), step.last, step.layer - 2
    T1, K, B, H, flat = X.shape[1], X.shape[2], X.shape[3], shape.hidden_size, vector(X, 0, X.size)
    for t in range(n):
        above = (step.layer * T1 + t) * K * B
        copy(vector(X, above, H * B), vector(X, operand_of(X, widths, below, t) + B, H * B))
        for u in each(H):
            to = vector(X, above + (H + u) * B, B)
            for b in range(B):
                to[b] = flat[operand_of(X, widths, below + 1, turned(t, starts[b], n)) + (1 + u) * B + b]
        barrier()
        if chance.dropout > 0:
            for d in range(2):
                drop(vector(X, above + d * H * B, H * B), chance.dropout, chance.key, below + d, t, tile, B)


def pass_up_gradient(tile, step, shape, theta, chance, arrays):
    """Apply the factors of the dropout to the gradient in `DY`; its second half goes to `DBACKWARD`, by slots."""
    dY, dback = tensor2(arrays, DY, tile, theta), tensor2(arrays, DBACKWARD, tile, theta)
    starts, n, below, H = tensor1(arrays, STARTS, tile, arrays), step.last, step.layer - 2, shape.hidden_size
    B, width, flat = starts.size, dY.shape[1], vector(dback, 0, dback.size)
    for t in range(n):
        if chance.dropout > 0:
            for d in range(2):
                values = vector(dY, t * width + d * H * B, H * B)
                drop(values, chance.dropout, chance.key, below + d, t, tile, B)
        for u in each(H):
            values = vector(dY, t * width + (H + u) * B, B)
            for b in range(B):
                flat[turned(t, starts[b], n) * width + u * B + b] = values[b]
        barrier()


# ---------------------------------------------------------------- to the head and to attention
def slot_of(t, start, n, n_joined):
    """Return the slot of the backward layer, of `n` steps, that is joined with the forward layer's at time `t`.

    One pair is that of both directions' last states, of several each is that of its own step.
    """
    return turned(t, start, n) if n_joined > 1 else t


def join(tile, step, shape, theta, chance, arrays):
    """Fill `POOLED`, pair by pair, with [1; h of the forward layer `step.layer`; h of the backward one].

    Pair k comes after time step `step.start` + k of the `step.last` steps of both layers.
    """
    X, pooled = tensor4(arrays, OPERANDS, tile, theta), tensor3(arrays, POOLED, tile, theta)
    starts, widths = tensor1(arrays, STARTS, tile, arrays), tensor1(arrays, WIDTHS, 0, arrays)
    B, H, n, flat = X.shape[3], shape.hidden_size, pooled.shape[0], vector(X, 0, X.size)
    for r in each(n * H):
        k, u = r // H, r % H
        t, first = step.start + k, k * (1 + 2 * H) * B
        forward, backward = vector(pooled, first + (1 + u) * B, B), vector(pooled, first + (1 + H + u) * B, B)
        h = vector(X, operand_of(X, widths, step.layer, t) + (1 + u) * B, B)
        for b in range(B):
            slot = slot_of(t, starts[b], step.last, n)
            forward[b] = h[b]
            backward[b] = flat[operand_of(X, widths, step.layer + 1, slot) + (1 + u) * B + b]
    for r in each(n * B):
        pooled[r // B, 0, r % B] = 1
    barrier()


def join_gradient(tile, step, shape, theta, chance, arrays):
    """Put the gradient of the pairs into those of both layers' outputs, `DY` and `DBACKWARD`."""
    dY, dback = tensor2(arrays, DY, tile, theta), tensor2(arrays, DBACKWARD, tile, theta)
    dpooled, starts = tensor3(arrays, DPOOLED, tile, theta), tensor1(arrays, STARTS, tile, arrays)
    B, H, width, n, flat = starts.size, shape.hidden_size, dY.shape[1], dpooled.shape[0], vector(dback, 0, dback.size)
    for r in each(n * H):
        k, u = r // H, r % H
        t, first = step.start + k, k * 2 * H * B
        to = vector(dY, t * width + u * B, B)
        forward, backward = vector(dpooled, first + u * B, B), vector(dpooled, first + (H + u) * B, B)
        for b in range(B):
            to[b] = forward[b]
            flat[slot_of(t, starts[b], step.last, n) * width + u * B + b] = backward[b]
    barrier()


TURN = Operation("turned_inputs", turn, turn_gradient)
PASS_UP = Operation("between_directions", pass_up, pass_up_gradient)
JOIN = Operation("joined_directions", join, join_gradient)
PART = Part(operations=(TURN, PASS_UP, JOIN))
