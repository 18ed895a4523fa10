"""An encoder reads the context; a decoder with layers of its own continues from its last states, step by step.

Cho et al. (2014), doi:10.3115/v1/D14-1179; Sutskever, Vinyals & Le (2014), arXiv:1409.3215. Step k of the decoder reads
the segment before it (the last one of the context, the truth that follows, or its own forecast) and a flag that is 1 at
k = 0. The encoder takes n steps, the decoder m = n_outputs, each of s time steps (a segment; s = 1: the series itself).

Over symbols the last one of the context is the start symbol, with which the decoder begins, so that there is no flag.

An encoder of two directions (`bidirectional`) is that of Bahdanau, Cho & Bengio (2015), arXiv:1409.0473, section 3.2.
"""

from __future__ import annotations

from ..cells.cell import Cell
from ..parts import (
    attention,
    between,
    bridge,
    directions,
    embedding,
    feed,
    head,
    pooling,
    recurrent,
    segments,
)
from ..parts.layout import Program
from ..parts.part import Operation, Part, Step
from ..parts.shape import ADDITIVE, Shape, n_encoded
from . import bidirectional
from .stack import LAYERS, LINEAR, beginning, linear_operations
from .stack import reading as reading_steps

PARTS: tuple[Part, ...] = (
    *LAYERS,
    segments.PART,
    feed.PART,
    bridge.PART,
    directions.PART,
    pooling.PART,
    attention.SCORE,
    head.PART,
    attention.GATHER,
    *LINEAR,
)


def program(cell: Cell, shape: Shape, first: int, last: int, free: bool) -> Program:
    """Return the operations that compute outputs `first` to `last`; which steps read forecasts is drawn later."""
    E, D, n = shape.num_layers, shape.decoder_layers, n_encoded(shape)
    steps: Program = [] if first > 0 else [*encoder(cell, shape), (bridge.CROSS, Step(first=n, last=0))]
    if shape.attention == ADDITIVE and first == 0:
        steps.append((attention.MAKE_KEYS, Step()))
    for k in range(first, last):
        row = shape.n_steps - (shape.n_outputs - k) * shape.segment  # the first time step that step k reads
        if k > 0:
            steps.append((embedding.FEED_SYMBOL if shape.embedding else feed.FEED, Step(first=k, start=row)))
        steps.append((reading(shape), Step(E, k, k + 1, row)))
        if not shape.embedding:
            steps.append((feed.MARK_FIRST, Step(E, k)))
        steps += stacked(cell, E, D, k, n_slots_of(shape))
        steps.append((head.OUTPUT, Step(E + D - 1, k, k + 1, k)))
        if shape.attention:
            steps.append((attention.ATTEND, Step(E + D - 1, k, k + 1, k)))
        steps += [(operation, Step(0, k, k + 1, row + shape.segment - 1)) for operation in linear_operations(shape)]
    return steps


def n_slots_of(shape: Shape) -> int:
    """Return a step that no gradient of outputs begins at: the head's goes to the decoder's states directly."""
    return shape.n_outputs * 2


def encoder(cell: Cell, shape: Shape) -> Program:
    """Return the operations of the encoder: its inputs, then one layer after the other over all steps."""
    E, n = shape.num_layers, n_encoded(shape)
    steps: Program = [*beginning(shape), (reading(shape), Step(0, 0, n, 0))]
    if shape.directions == 2:
        steps += bidirectional.layers(cell, shape, n, 0 if shape.attention else n)
        return [*steps, (directions.JOIN, Step(E - 2, last=n))] if shape.attention else steps
    for layer in range(E):
        if layer > 0:
            steps.append((between.PASS_UP, Step(layer, 0, n)))
        scored = 0 if shape.attention or layer < E - 1 else n  # only attention reads the top layer's outputs
        steps.append((recurrent.layer_of(cell), Step(layer, 0, n, scored)))
    return steps


def stacked(cell: Cell, first: int, n_layers: int, t: int, scored: int) -> Program:
    """Return one step, at slot `t`, of `n_layers` decoder layers from number `first` on."""
    steps: Program = []
    for layer in range(first, first + n_layers):
        if layer > first:
            steps.append((between.PASS_UP, Step(layer, t, t + 1)))
        since = scored if layer == first + n_layers - 1 else 0
        steps.append((recurrent.layer_of(cell), Step(layer, t, t + 1, since)))
    return steps


def reading(shape: Shape) -> Operation:
    """Return the operation that reads the series: step by step, or by segments."""
    return segments.EMBED if shape.segment > 1 else reading_steps(shape)
