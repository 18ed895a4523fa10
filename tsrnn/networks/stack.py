"""A network without a decoder: layers above each other, and a head that reads the top layer's output.

The window's last `n_outputs` time steps each give an output that forecasts the next `block` steps. In a free run the
steps after the first output read the network's own forecasts instead of the series. With pooling there is one output,
which reads the top layer's outputs at all steps of the window.
"""

from __future__ import annotations

from ..cells.cell import Cell
from ..parts import (
    between,
    covariates,
    decay,
    embedding,
    head,
    initial_state,
    inputs,
    pooling,
    recurrent,
    season,
    skip,
    static,
)
from ..parts.layout import BATCH, Program
from ..parts.part import Operation, Part, Step
from ..parts.shape import Shape

#: What every network begins with, and the linear forecasts that it ends with.
LAYERS: tuple[Part, ...] = (
    *BATCH,
    recurrent.PART,
    initial_state.PART,
    static.PART,
    decay.PART,
    inputs.PART,
    embedding.PART,
    between.PART,
)
LINEAR: tuple[Part, ...] = (skip.PART, season.PART, covariates.PART)
PARTS: tuple[Part, ...] = (*LAYERS, head.PART, pooling.PART, *LINEAR)


def program(cell: Cell, shape: Shape, first: int, last: int, free: bool) -> Program:
    """Return the operations that compute outputs `first` to `last`; all steps of a layer come before the next layer.

    A free run goes step by step. With `first` > 0 the states are those that output first - 1 left.
    """
    before, top = shape.n_steps - shape.n_outputs, shape.num_layers - 1  # time steps before that of output 0
    steps: Program = beginning(shape) if first == 0 else []
    t0 = before + first if first > 0 else 0
    for k0, k1 in [(k, k + 1) for k in range(first, last)] if free else [(first, last)]:
        if free and k0 > 0:
            steps.append((inputs.FEED_BACK, Step(first=k0 - 1, start=t0)))
        t1 = before + k1
        for layer in range(shape.num_layers):
            steps.append(
                (reading(shape), Step(0, t0, t1, t0)) if layer == 0 else (between.PASS_UP, Step(layer, t0, t1))
            )
            scored = before if layer == top and not shape.pooling else 0  # the head reads the last steps alone
            steps.append((recurrent.layer_of(cell), Step(layer, t0, t1, scored)))
        t0 = t1
        if shape.pooling:
            steps += [(pooling.POOL, Step(top)), (pooling.OUTPUT, Step())]
        else:
            steps.append((head.OUTPUT, Step(top, k0, k1, before + k0)))
        steps += [(operation, Step(0, k0, k1, before + k0)) for operation in linear_operations(shape)]
    return steps


def reading(shape: Shape) -> Operation:
    """Return the operation that reads the inputs: numbers as they are, or the vectors of symbols."""
    return embedding.EMBED if shape.embedding else inputs.READ


def beginning(shape: Shape) -> Program:
    """Return what lets missing inputs decay and what sets the state before the first step.

    The state is zero, as all arrays are, where it is neither learned nor set by static covariates.
    """
    steps: Program = [(decay.DECAY, Step())] if shape.n_masked else []
    if shape.static_size:
        return [*steps, (static.BEGIN, Step())]
    return [*steps, (initial_state.BEGIN, Step())] if shape.learns_state else steps


def linear_operations(shape: Shape) -> list[Operation]:
    """Return the operations that add linear forecasts to an output."""
    found = [skip.ADD_SKIP] if shape.lags else []
    found += [season.ADD_SEASON] if shape.lags and shape.n_seasonal else []
    return found + ([covariates.ADD_COVARIATES] if shape.n_covariates else [])
