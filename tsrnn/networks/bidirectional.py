"""A network of two directions, without a decoder: layers above each other, of each of which one goes backwards.

Schuster & Paliwal (1997), doi:10.1109/78.650093. The only output reads the last state of both directions, or with
pooling their outputs at all steps; or each step of the window has an output, which reads both at that step. An output
depends on all steps of the window, so that no forecast of one can be an input of another: a free run is the same.
"""

from __future__ import annotations

from ..cells.cell import Cell
from ..parts import directions, head, pooling, recurrent
from ..parts.layout import Program
from ..parts.part import Part, Step
from ..parts.shape import Shape
from .stack import LAYERS, beginning, reading

PARTS: tuple[Part, ...] = (*LAYERS, directions.PART, head.PART, pooling.PART)


def program(cell: Cell, shape: Shape, first: int, last: int, free: bool) -> Program:
    """Return the operations that compute all outputs, one layer after the other; layer 2 l + 1 is the backward one."""
    n, top, before = shape.n_steps, shape.num_layers - 2, shape.n_steps - shape.n_outputs
    scored = 0 if shape.pooling else before  # the head reads the last steps alone
    steps: Program = [*beginning(shape), (reading(shape), Step(0, 0, n, 0)), *layers(cell, shape, n, scored)]
    steps.append((pooling.POOL, Step(top)) if shape.pooling else (directions.JOIN, Step(top, last=n, start=before)))
    return [*steps, (pooling.OUTPUT, Step())]


def layers(cell: Cell, shape: Shape, n: int, scored: int) -> Program:
    """Return the operations of all layers over `n` steps, after the inputs have been read.

    The gradient of the top layers' outputs begins at step `scored`.
    """
    steps: Program = []
    for layer in range(0, shape.num_layers, 2):
        if layer > 0:
            steps.append((directions.PASS_UP, Step(layer, 0, n)))
        steps.append((directions.TURN, Step(layer + 1, 0, n)))
        since = scored if layer == shape.num_layers - 2 else 0
        steps += [(recurrent.layer_of(cell), Step(number, 0, n, since)) for number in (layer, layer + 1)]
    return steps
