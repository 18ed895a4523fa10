"""Segments decoded in parallel: each starts from the encoder's last states, with the encoder's weights.

SegRNN (Lin et al. 2023, arXiv:2308.11200). Step k of m reads a learned position only; all steps together give one
output of `block` time steps. Each step takes two slots of the arrays, since it keeps the state that it starts from.
"""

from __future__ import annotations

from ..cells.cell import Cell
from ..parts import (
    bridge,
    positions,
    segments,
)
from ..parts.layout import Program
from ..parts.part import Part, Step
from ..parts.shape import Shape, n_decoded, n_encoded
from .encoder_decoder import encoder, stacked
from .stack import LAYERS, LINEAR, linear_operations

PARTS: tuple[Part, ...] = (*LAYERS, segments.PART, positions.PART, bridge.PART, *LINEAR)


def program(cell: Cell, shape: Shape, first: int, last: int, free: bool) -> Program:
    """Return the operations that compute the output."""
    E, n, m = shape.num_layers, n_encoded(shape), n_decoded(shape)
    steps = encoder(cell, shape)
    for k in range(m):
        steps.append((bridge.CROSS, Step(first=n, last=2 * k)))
        steps.append((positions.READ_POSITION, Step(E, k, 2 * k)))
        steps += stacked(cell, E, E, 2 * k, 2 * m)
        steps.append((positions.OUTPUT, Step(2 * E - 1, k, k + 1, 2 * k)))
    steps += [(operation, Step(0, 0, 1, shape.n_steps - 1)) for operation in linear_operations(shape)]
    return steps
